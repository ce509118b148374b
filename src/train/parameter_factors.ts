// What is particular to each parameter of a block: its factors of the learning rate and of the decay.

import type { ParameterLayout } from "../nn/parameters.ts";
import { multiply } from "../ops/elementwise.ts";
import { sizeOf } from "../tensor/shape.ts";
import { constant, type Tensor } from "../tensor/tensor.ts";
import { ConfigError } from "../util/errors.ts";
import type { Recipe } from "./recipe.ts";

/**
 * The gradient times each parameter's own factor of the learning rate; the same where all are 1, or 0,
 * whose gradient is 0 already. A velocity of it is that of the gradient times the factor.
 *
 * @throws {ConfigError} with adamw, whose step does not grow with the gradient
 */
export function withOwnRates(
  gradient: Tensor,
  { specs, offsets, size }: ParameterLayout,
  recipe: Recipe,
): Tensor {
  const own = specs.find(({ rate }) => rate !== 1 && rate !== 0);
  if (own === undefined) return gradient;
  if (recipe.optimizer === "adamw") {
    throw new ConfigError(`Cannot train with adamw as ${own.name} has a learning rate of its own`, {
      hint: "choose --optimizer sgd, momentum or nesterov for this model",
    });
  }
  const rates = new Float32Array(size);
  specs.forEach(({ shape, rate }, i) => rates.fill(rate, offsets[i], offsets[i] + sizeOf(shape)));
  return multiply(gradient, constant(rates, [size], "rates"));
}

/** The recipe's decay times each parameter's own factor; none for what is frozen. */
export function decayBlock(
  { specs, offsets, size }: ParameterLayout,
  factor: number,
): Float32Array {
  const block = new Float32Array(size);
  specs.forEach(({ shape, decay, rate }, i) => {
    block.fill(rate === 0 ? 0 : factor * decay, offsets[i], offsets[i] + sizeOf(shape));
  });
  return block;
}
