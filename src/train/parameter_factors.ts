// What is particular to each parameter of a block: its factors of the learning rate and of the decay.

import type { LearningLimit, ParameterLayout, ParameterSpec } from "../nn/parameters.ts";
import { add, multiply } from "../ops/elementwise.ts";
import { filledBlock } from "../optim/block.ts";
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
  layout: ParameterLayout,
  recipe: Recipe,
): Tensor {
  const own = layout.specs.find(({ rate, limit }) => rate !== 0 && (rate !== 1 || limit));
  if (own === undefined) return gradient;
  if (recipe.optimizer === "adamw") {
    throw new ConfigError(`Cannot train with adamw as ${own.name} has a learning rate of its own`, {
      hint: "choose --optimizer sgd, momentum, nesterov or muon for this model",
    });
  }
  const rates = filledBlock(layout, ({ rate }) => rate);
  return multiply(gradient, constant(rates, [layout.size], "rates"));
}

/** The one limit that parameters of a model have; undefined if none has. @throws {RangeError} if they differ */
export function limitOf(specs: readonly ParameterSpec[]): LearningLimit | undefined {
  const [first, ...others] = specs.flatMap(({ limit }) => limit ?? []);
  const other = others.find(({ epochs, fades }) =>
    epochs !== first.epochs || fades !== first.fades
  );
  if (other === undefined) return first;
  throw new RangeError(
    `Cannot train as parameters must learn in the same first epochs: found ${first.epochs} and ${other.epochs}`,
  );
}

/**
 * What the steps of limited parameters are multiplied by: 1, or what brings the rate to a straight line; then 0.
 *
 * @param limit the steps in which they learn
 * @param rates the run's learning rate at the step, and the one that the line starts at
 */
export function limitFactor(
  { steps, fades }: { readonly steps: number; readonly fades: boolean },
  { step, rates }: {
    readonly step: number;
    readonly rates: { readonly now: number; readonly initial: number };
  },
): number {
  if (step >= steps) return 0;
  return fades ? (1 - step / steps) * rates.initial / rates.now : 1;
}

/** What a step's directions are multiplied by: `factor` for limited parameters, else 1; undefined where none is. */
export function limitBlock(layout: ParameterLayout, factor: Tensor): Tensor | undefined {
  if (limitOf(layout.specs) === undefined) return undefined;
  const limited = filledBlock(layout, ({ limit }) => limit ? 1 : 0);
  const free = constant(limited.map((one) => 1 - one), [layout.size], "unlimited");
  return add(multiply(constant(limited, [layout.size], "limited"), factor), free);
}

/** The recipe's decay times each parameter's own factor; none for what is frozen. */
export function decayBlock(layout: ParameterLayout, factor: number): Float32Array {
  return filledBlock(layout, ({ decay, rate }) => rate === 0 ? 0 : factor * decay);
}
