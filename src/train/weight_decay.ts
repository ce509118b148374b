// Weight decay as terms of the loss.

import type { ParameterLayout, ParameterSpec } from "../nn/parameters.ts";
import type { NamedTensors } from "../nn/parameters.ts";
import { OPTIMIZERS } from "../optim/optimizers.ts";
import { add, multiply } from "../ops/elementwise.ts";
import { l2Loss } from "../ops/reduce.ts";
import { constant, type Tensor } from "../tensor/tensor.ts";
import { decayBlock } from "./parameter_factors.ts";
import type { Recipe } from "./recipe.ts";

/** Tensors that have a term each; where more of them decay, one launch does for all, and there is one term. */
const MOST_TERMS = 8;

/** A recipe's weight decay. */
export interface WeightDecay {
  /** Terms of the loss by name. */
  readonly terms: Readonly<Record<string, Tensor>>;
  /** Whether the terms are to be differentiated; else `gradient` adds what they give. */
  readonly isDifferentiated: boolean;
  /** Adds the decay's gradient to that of the cross-entropy, in the layout of the parameters. */
  gradient(crossEntropy: Tensor): Tensor;
}

/** The share of a micro-batch in decay / 2 |w|^2 of what decays. */
export function weightDecayOf(
  { layout, parameters, views, recipe }: {
    readonly layout: ParameterLayout;
    readonly parameters: Tensor;
    readonly views: NamedTensors;
    readonly recipe: Recipe;
  },
): WeightDecay {
  const factor = recipe.weightDecay / recipe.accumulate;
  const decayed = factor === 0 || OPTIMIZERS[recipe.optimizer].decoupled
    ? []
    : layout.specs.filter(({ decay, rate }) => decay > 0 && rate !== 0);
  if (decayed.length <= MOST_TERMS) {
    return {
      terms: Object.fromEntries(
        decayed.map(({ name, decay }) => [termName(name), l2Loss(views[name], decay * factor)]),
      ),
      isDifferentiated: true,
      gradient: (crossEntropy) => crossEntropy,
    };
  }
  const factors = decayBlock(layout, factor);
  const decay = multiply(parameters, constant(factors, [layout.size], "decay"));
  const roots = constant(factors.map(Math.sqrt), [layout.size], "square roots of the decay");
  return {
    terms: { weight_loss: l2Loss(multiply(parameters, roots), 1) },
    isDifferentiated: false,
    gradient: (crossEntropy) => add(crossEntropy, decay),
  };
}

function termName(name: ParameterSpec["name"]): string {
  return name.replace(/\/weights$/, "/weight_loss");
}
