import type { Model } from "../nn/model.ts";
import {
  initialValues,
  parameterBlock,
  type ParameterLayout,
  parameterLayout,
} from "../nn/parameters.ts";
import { initialStatistics, type StatisticsLayout, statisticsLayout } from "../nn/statistics.ts";
import { OPTIMIZERS } from "../optim/optimizers.ts";
import { type Tensor, variable } from "../tensor/tensor.ts";
import { LOOKAHEAD } from "./lookahead.ts";
import type { Recipe } from "./recipe.ts";

/** The variables of a training run; all blocks have the parameters' layout. */
export interface TrainingVariables {
  readonly layout: ParameterLayout;
  /** All parameters in one block. */
  readonly parameters: Tensor;
  /** Their exponential moving averages. */
  readonly averages: Tensor;
  /** The optimizer's own blocks, by name: they start as zeros, but for lookahead's slow average. */
  readonly optimizer: Readonly<Record<string, Tensor>>;
  /** The running moments of all batch normalizations in one block; absent if there are none. */
  readonly statistics: Tensor | undefined;
  /** Lookahead's slow average of them. */
  readonly slowStatistics: Tensor | undefined;
  readonly statisticsLayout: StatisticsLayout;
}

/** Names of the blocks that a recipe keeps from step to step beside the parameters and their averages. */
export function stateNames(
  { optimizer, lookahead }: Pick<Recipe, "optimizer" | "lookahead">,
): readonly string[] {
  return [...OPTIMIZERS[optimizer].state, ...(lookahead > 0 ? [LOOKAHEAD] : [])];
}

/** Makes the variables of a run, averages equal to the initial parameters as in TensorFlow. */
export function trainingVariables(
  model: Model,
  recipe: Pick<Recipe, "seed" | "optimizer" | "lookahead">,
): TrainingVariables {
  const layout = parameterLayout(model.parameters);
  const values = initialValues(layout, recipe.seed);
  const statisticsOf = statisticsLayout(model.statistics);
  const moments = (name: string) =>
    variable(name, [statisticsOf.size], initialStatistics(statisticsOf));
  const hasMoments = statisticsOf.size > 0;
  return {
    layout,
    statisticsLayout: statisticsOf,
    statistics: hasMoments ? moments("statistics") : undefined,
    slowStatistics: hasMoments && recipe.lookahead > 0 ? moments("slow statistics") : undefined,
    parameters: parameterBlock("parameters", layout, values),
    averages: parameterBlock("averages", layout, values),
    optimizer: Object.fromEntries(
      stateNames(recipe).map((name) => [
        name,
        name === LOOKAHEAD ? parameterBlock(name, layout, values) : zeroBlock(name, layout),
      ]),
    ),
  };
}

/** A variable in the layout of the parameters that starts as zeros. */
export function zeroBlock(name: string, layout: ParameterLayout): Tensor {
  return parameterBlock(name, layout, new Float32Array(layout.size));
}
