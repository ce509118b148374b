import type { Model } from "../nn/model.ts";
import { type NamedTensors, type ParameterLayout, parameterViews } from "../nn/parameters.ts";
import { momentsViews } from "../nn/statistics.ts";
import { OPTIMIZERS, RATE_SLOTS } from "../optim/optimizers.ts";
import { add, divide, maximum, multiply, sqrt } from "../ops/elementwise.ts";
import { grad } from "../ops/grad.ts";
import { packTensors, viewAt } from "../ops/layout.ts";
import { l2Loss, sum } from "../ops/reduce.ts";
import { softCrossEntropy } from "../ops/soft_cross_entropy.ts";
import { softmaxCrossEntropy } from "../ops/softmax.ts";
import { emaUpdate, momentumUpdate, recordRow } from "../ops/update.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import { SLOT_ELEMENTS } from "../tensor/storage.ts";
import { constant, fill, placeholder, type Tensor, variable } from "../tensor/tensor.ts";
import { LOOKAHEAD, lookaheadUpdate } from "./lookahead.ts";
import { decayBlock, limitBlock, withOwnRates } from "./parameter_factors.ts";
import type { Recipe } from "./recipe.ts";
import { needsTargets } from "./soft_targets.ts";
import { type TrainingVariables, zeroBlock } from "./training_variables.ts";
import { weightDecayOf } from "./weight_decay.ts";

/** Micro-batches whose losses the device keeps before they must be read. */
export const HISTORY_ROWS = 256;

/** Positions in the `hyperparameters` input: each at the start of a slot, so that it can be viewed. */
export const HYPERPARAMETERS = {
  emaDecay: 0,
  carried: 1,
  statisticsDecay: 2,
  limit: 3,
  slowDecay: 4,
  fastDecay: 5,
  rates: 6,
} as const;

/** Elements of the `hyperparameters` input. */
export const HYPERPARAMETER_ELEMENTS = (HYPERPARAMETERS.rates + RATE_SLOTS) * SLOT_ELEMENTS;

/** One training step as a graph. */
export interface TrainingGraph {
  /** What a micro-batch runs: where it is the whole step, the updates too. */
  readonly updates: readonly Tensor[];
  /** What follows the last micro-batch of a step; nothing where a step has only one. */
  readonly stepUpdates: readonly Tensor[];
  /** All of it in one request, to ask whether it fits; two plans take a few blocks more. */
  readonly all: readonly Tensor[];
  /** The sum of the gradients of a step's micro-batches, where there are several. */
  readonly accumulator: Tensor | undefined;
  /**
   * The last HISTORY_ROWS micro-batches: a row [(terms + 1) x SLOT_ELEMENTS] each, their share of every
   * loss term of the step, then the sum of the squares of the step's gradient so far; one number a slot.
   */
  readonly history: Tensor;
  /** Names of the loss terms, in slot order. */
  readonly terms: readonly string[];
}

/** What a training step is built from. */
export interface TrainingOptions {
  readonly model: Model;
  readonly variables: TrainingVariables;
  readonly recipe: Recipe;
  /** Makes the images [N, H, W, C] of a step; by default they are given, as `images`. */
  readonly images?: (batchSize: number) => Tensor;
  /** Whether each image has two labels: the loss is then that of both, in shares. */
  readonly mixed?: boolean;
}

/**
 * A step: mean cross-entropy plus weight decay, its gradient, the optimizer's update, then the moving
 * averages. Inputs: `images` [N, H, W, C] or what `options.images` takes; `labels` [N], or `targets`
 * [N, classes] where `needsTargets` says so; `hyperparameters`; `row`, where the losses are recorded.
 */
export function trainingGraph(options: TrainingOptions): TrainingGraph {
  const { variables, recipe } = options;
  const { layout, parameters } = variables;
  const hyperparameters = placeholder("hyperparameters", [HYPERPARAMETER_ELEMENTS]);
  const views = parameterViews(layout, parameters);
  const { crossEntropy, moments } = crossEntropyOf(options, views);
  const decay = weightDecayOf({ layout, parameters, views, recipe });
  const decays = Object.values(decay.terms);
  const loss = decay.isDifferentiated ? decays.reduce(add, crossEntropy) : crossEntropy;
  // One launch updates all parameters, another all averages: gradients are computed into one block.
  const packed = decay.gradient(packTensors(gradients(loss, layout, views)));

  const several = recipe.accumulate > 1;
  const accumulator = several ? zeroBlock("gradients", layout) : undefined;
  const gradient = accumulator === undefined
    ? packed
    : momentumUpdate(accumulator, packed, hyperparameterView(hyperparameters, "carried"));
  const squares = squaresOf(gradient);
  const losses = packTensors([crossEntropy, ...decays, squares]);
  const size = sizeOf(losses.shape);
  const history = variable(
    "loss history",
    [HISTORY_ROWS, size],
    new Float32Array(HISTORY_ROWS * size),
  );
  const recorded = recordRow(history, losses, placeholder("row", [], "u32"));
  const followed = followMoments(variables, moments, hyperparameters);
  const all = [
    recorded,
    ...followed,
    ...stepUpdates(options, { gradient, squares, hyperparameters, statistics: followed[0] }),
  ];
  return {
    history,
    accumulator,
    all,
    updates: several ? [recorded, ...followed, gradient] : all,
    stepUpdates: accumulator === undefined ? [] : stepUpdates(options, {
      gradient: accumulator,
      squares: squaresOf(accumulator),
      hyperparameters: placeholder("hyperparameters", [HYPERPARAMETER_ELEMENTS]),
      statistics: variables.statistics,
    }),
    terms: ["cross_entropy", ...Object.keys(decay.terms)],
  };
}

/** The gradient of each parameter; zeros, which nothing is computed for, of those that stay as they are. */
function gradients(loss: Tensor, { specs }: ParameterLayout, views: NamedTensors): Tensor[] {
  const moving = specs.filter(({ rate }) => rate !== 0).map(({ name }) => views[name]);
  const found = new Map(grad(loss, moving).map((gradient, i) => [moving[i], gradient]));
  return specs.map(({ name, shape }) =>
    found.get(views[name]) ??
      constant(new Float32Array(sizeOf(shape)), shape, `no gradient of ${name}`)
  );
}

/** Batch normalizations whose gamma, or beta without one, stays as it is: frozen, moments and all. */
function fixedStatistics(
  { layout, statisticsLayout: { specs } }: TrainingVariables,
): ReadonlySet<string> {
  const rates = new Map(layout.specs.map(({ name, rate }) => [name, rate]));
  const rateOf = (name: string) => rates.get(`${name}/gamma`) ?? rates.get(`${name}/beta`);
  return new Set(specs.map(({ name }) => name).filter((name) => rateOf(name) === 0));
}

/** The running moments follow those of the micro-batch, all in one launch. */
function followMoments(
  { statistics, statisticsLayout: layout }: TrainingVariables,
  moments: NamedTensors,
  hyperparameters: Tensor,
): Tensor[] {
  if (statistics === undefined) return [];
  const { specs } = layout;
  // Those that are fixed follow themselves.
  const own = momentsViews(layout, statistics);
  const packed = packTensors(specs.map(({ name }) => moments[name] ?? own[name]));
  return [emaUpdate(statistics, packed, hyperparameterView(hyperparameters, "statisticsDecay"))];
}

/**
 * The micro-batch's share of the mean cross-entropy: gradients of the shares add up to the mean's; and the
 * moments of its batch normalizations.
 */
function crossEntropyOf(
  { model, variables, recipe, images, mixed = false }: TrainingOptions,
  parameters: NamedTensors,
): { crossEntropy: Tensor; moments: NamedTensors } {
  const { batchSize, accumulate } = recipe;
  const input = images?.(batchSize) ?? placeholder("images", [batchSize, ...model.image]);
  const counter = model.drops ? placeholder("counter", [1], "u32") : undefined;
  const inputs = {
    ...{ parameters, images: input, training: true, counter, seed: recipe.seed },
    fixed: fixedStatistics(variables),
    statistics: momentsViews(variables.statisticsLayout, variables.statistics),
  };
  const { logits, moments } = model.forward(inputs);
  if (needsTargets(recipe, mixed)) {
    const targets = placeholder("targets", [batchSize, model.classes]);
    // The targets hold the mean's divisor.
    const losses = softCrossEntropy(logits, targets);
    return { crossEntropy: sum(losses, { factor: 1 / accumulate }), moments };
  }
  const losses = softmaxCrossEntropy(logits, placeholder("labels", [batchSize], "u32"));
  return { crossEntropy: sum(losses, { factor: 1 / (batchSize * accumulate) }), moments };
}

/** sum(x^2); the gaps of a block are zeros. */
function squaresOf(x: Tensor): Tensor {
  return l2Loss(x, 2);
}

function hyperparameterView(
  input: Tensor,
  name: keyof typeof HYPERPARAMETERS,
  slot = 0,
  shape: Shape = [],
): Tensor {
  return viewAt(input, shape, (HYPERPARAMETERS[name] + slot) * SLOT_ELEMENTS);
}

/** The update of the parameters, lookahead's of them and of the running moments, and that of the averages. */
function stepUpdates(
  { variables, recipe }: TrainingOptions,
  { gradient, squares, hyperparameters, statistics }: {
    gradient: Tensor;
    squares: Tensor;
    hyperparameters: Tensor;
    statistics: Tensor | undefined;
  },
): Tensor[] {
  const { layout, parameters, averages, optimizer: state, slowStatistics } = variables;
  const number = (name: keyof typeof HYPERPARAMETERS) => hyperparameterView(hyperparameters, name);
  const clippedOrNot = recipe.clipNorm === 0
    ? gradient
    : clipped(gradient, squares, recipe.clipNorm);
  const limits = limitBlock(layout, number("limit"));
  const trained = OPTIMIZERS[recipe.optimizer].update({
    settings: recipe,
    parameters,
    gradient: withOwnRates(clippedOrNot, layout, recipe),
    state,
    layout,
    rates: (slot, shape) => hyperparameterView(hyperparameters, "rates", slot, shape),
    decay: () => constant(decayBlock(layout, recipe.weightDecay), [layout.size], "decay"),
    limited: (direction) => limits === undefined ? direction : multiply(direction, limits),
  });
  const decays = { slow: number("slowDecay"), fast: number("fastDecay") };
  const updated = recipe.lookahead === 0
    ? trained
    : lookaheadUpdate(trained, state[LOOKAHEAD], decays);
  const moments = statistics && slowStatistics
    ? [lookaheadUpdate(statistics, slowStatistics, decays)]
    : [];
  return [updated, ...moments, emaUpdate(averages, updated, number("emaDecay"))];
}

/** g * limit / max(norm, limit) (Pascanu, Mikolov, Bengio, "On the difficulty of training RNNs", 2013). */
function clipped(gradient: Tensor, squares: Tensor, limit: number): Tensor {
  return multiply(gradient, divide(fill(limit), maximum(sqrt(squares), fill(limit))));
}
