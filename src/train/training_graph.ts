import type { Model } from "../nn/model.ts";
import {
  initialValues,
  parameterBlock,
  type ParameterLayout,
  parameterLayout,
  parameterViews,
} from "../nn/parameters.ts";
import { add, multiply, subtract } from "../ops/elementwise.ts";
import { grad } from "../ops/grad.ts";
import { packTensors, viewAt } from "../ops/layout.ts";
import { l2Loss, mean } from "../ops/reduce.ts";
import { inTopK, softmaxCrossEntropy } from "../ops/softmax.ts";
import { emaUpdate, recordRow, sgdUpdate } from "../ops/update.ts";
import { SLOT_ELEMENTS } from "../tensor/storage.ts";
import { placeholder, type Tensor, variable } from "../tensor/tensor.ts";

/** Steps whose losses the device keeps before they must be read. */
export const HISTORY_ROWS = 256;

/** Positions in the `hyperparameters` input: each at the start of a slot, so that it can be viewed. */
export const HYPERPARAMETERS = { learningRate: 0, emaDecay: 1, labelShare: 2 } as const;

/** Elements of the `hyperparameters` input. */
export const HYPERPARAMETER_ELEMENTS = Object.keys(HYPERPARAMETERS).length * SLOT_ELEMENTS;

/** The variables of a training run. */
export interface TrainingVariables {
  readonly layout: ParameterLayout;
  /** All parameters in one block. */
  readonly parameters: Tensor;
  /** Their exponential moving averages. */
  readonly averages: Tensor;
}

/** Makes the variables of a run, averages equal to the initial parameters as in TensorFlow. */
export function trainingVariables(model: Model, seed: number): TrainingVariables {
  const layout = parameterLayout(model.parameters);
  const values = initialValues(layout, seed);
  return {
    layout,
    parameters: parameterBlock("parameters", layout, values),
    averages: parameterBlock("averages", layout, values),
  };
}

/** One training step as a graph. */
export interface TrainingGraph {
  readonly updates: readonly Tensor[];
  /** Losses of the last HISTORY_ROWS steps: a row [terms x SLOT_ELEMENTS] a step, one term a slot. */
  readonly history: Tensor;
  /** Names of the loss terms, in slot order. */
  readonly terms: readonly string[];
}

/** What a training step is built from. */
export interface TrainingOptions {
  readonly model: Model;
  readonly variables: TrainingVariables;
  readonly batchSize: number;
  readonly weightDecay: number;
  /** Makes the images [N, H, W, C] of a step; by default they are given, as `images`. */
  readonly images?: (batchSize: number) => Tensor;
  /** Whether each image has two labels: the loss is then that of both, in shares. */
  readonly mixed?: boolean;
}

/**
 * The step of the reference: mean cross-entropy plus weight decay, plain SGD, then the moving averages.
 * Inputs: `images` [N, H, W, C] or what `options.images` takes, `labels` [N], where images are mixed
 * `partner_labels` [N], `hyperparameters`, `row` (where the losses are recorded).
 */
export function trainingGraph(options: TrainingOptions): TrainingGraph {
  const { model, variables, batchSize, weightDecay, mixed = false } = options;
  const { layout, parameters, averages } = variables;
  const images = options.images?.(batchSize) ??
    placeholder("images", [batchSize, ...model.image]);
  const labels = placeholder("labels", [batchSize], "u32");
  const row = placeholder("row", [], "u32");
  const hyperparameters = placeholder("hyperparameters", [HYPERPARAMETER_ELEMENTS]);
  const hyperparameter = (name: keyof typeof HYPERPARAMETERS) =>
    viewAt(hyperparameters, [], HYPERPARAMETERS[name] * SLOT_ELEMENTS);

  const views = parameterViews(layout, parameters);
  const logits = model.logits(views, images);
  const lossOf = (labels: Tensor) => mean(softmaxCrossEntropy(logits, labels));
  const crossEntropy = mixed
    ? blend(
      lossOf(labels),
      lossOf(placeholder("partner_labels", [batchSize], "u32")),
      hyperparameter("labelShare"),
    )
    : lossOf(labels);
  const decayed = weightDecay === 0 ? [] : layout.specs.filter((spec) => spec.decayed);
  const decays = decayed.map(({ name }) => l2Loss(views[name], weightDecay));
  const loss = decays.reduce(add, crossEntropy);
  const gradients = grad(loss, layout.specs.map(({ name }) => views[name]));

  const losses = packTensors([crossEntropy, ...decays]);
  const size = losses.shape[0];
  const history = variable(
    "loss history",
    [HISTORY_ROWS, size],
    new Float32Array(HISTORY_ROWS * size),
  );

  // One launch updates all parameters, another all averages: gradients are computed into one block.
  const updated = sgdUpdate(parameters, packTensors(gradients), hyperparameter("learningRate"));
  return {
    history,
    terms: [
      "cross_entropy",
      ...decayed.map(({ name }) => name.replace(/\/weights$/, "/weight_loss")),
    ],
    updates: [
      recordRow(history, losses, row),
      updated,
      emaUpdate(averages, updated, hyperparameter("emaDecay")),
    ],
  };
}

/** share * a + (1 - share) * b */
function blend(a: Tensor, b: Tensor, share: Tensor): Tensor {
  return add(b, multiply(share, subtract(a, b)));
}

/** Evaluation as a graph: `images` and `labels` to `correct` [N], 1 where the top class is the label. */
export function evaluationGraph(
  model: Model,
  layout: ParameterLayout,
  block: Tensor,
  batchSize: number,
): { readonly correct: Tensor; readonly logits: Tensor } {
  const images = placeholder("images", [batchSize, ...model.image]);
  const labels = placeholder("labels", [batchSize], "u32");
  const logits = model.logits(parameterViews(layout, block), images);
  return { logits, correct: inTopK(logits, labels, 1) };
}
