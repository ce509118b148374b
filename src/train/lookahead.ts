// Lookahead (Zhang, Lucas, Hinton, Ba, "Lookahead optimizer: k steps forward, 1 step back", 2019) as cifar10-airbench
// has it: every k steps a slow average follows the weights, and the weights go back to it; near the end of the run
// the average is slower. Running moments take part.

import { emaUpdate } from "../ops/update.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Recipe } from "./recipe.ts";

/** The name of the slow weights among the optimizer's blocks. */
export const LOOKAHEAD = "lookahead";

/** What the slow average and the weights keep of themselves at a step. */
export interface LookaheadDecays {
  readonly slow: number;
  readonly fast: number;
}

/**
 * The decays of the step that makes `done` steps done: every `lookahead` steps the slow average keeps
 * lookaheadDecay^lookahead (done / totalSteps)^3 of itself, and the weights nothing; else both keep all; and behind
 * the last step the weights are the slow average.
 */
export function lookaheadDecays(
  { lookahead, lookaheadDecay, totalSteps }: Pick<
    Recipe,
    "lookahead" | "lookaheadDecay" | "totalSteps"
  >,
  done: number,
): LookaheadDecays {
  if (lookahead > 0 && done % lookahead === 0) {
    return { slow: lookaheadDecay ** lookahead * (done / totalSteps) ** 3, fast: 0 };
  }
  return { slow: 1, fast: lookahead > 0 && done === totalSteps ? 0 : 1 };
}

/** Adds the updates of one pair of blocks; returns the new weights, or moments. */
export function lookaheadUpdate(
  fast: Tensor,
  slow: Tensor,
  decays: { readonly slow: Tensor; readonly fast: Tensor },
): Tensor {
  return emaUpdate(fast, emaUpdate(slow, fast, decays.slow), decays.fast);
}
