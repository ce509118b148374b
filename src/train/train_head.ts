// A small model of dense layers over stored features, trained by the trainer that trains networks.

import { ExampleOrder } from "../data/batches/example_order.ts";
import type { Device } from "../engine/device.ts";
import { readSafetensors } from "../formats/safetensors.ts";
import { truncatedNormal } from "../nn/initializers.ts";
import { dense, flatten } from "../nn/layers.ts";
import { createModel, type Model } from "../nn/model.ts";
import { sizeOf } from "../tensor/shape.ts";
import { ConfigError, DataError } from "../util/errors.ts";
import { type Evaluation, Tally } from "./evaluation/tally.ts";
import { Scorer } from "./evaluation/scorer.ts";
import type { Recipe } from "./recipe.ts";
import { Trainer, type TrainerState } from "./trainer.ts";

/** Features of images, as `deno task features` writes them. */
export interface FeatureTable {
  /** [N, width], row after row. */
  readonly values: Float32Array<ArrayBuffer>;
  readonly labels: Uint32Array<ArrayBuffer>;
  readonly width: number;
  readonly classes: readonly string[];
  /** The layer and the model that they are of. */
  readonly source: string;
}

/**
 * Reads a safetensors file of features.
 *
 * @throws {DataError} if it is none, a label is no class, or a value is not finite
 */
export async function readFeatures(path: string): Promise<FeatureTable> {
  const { tensors: { features, labels }, metadata } = await readSafetensors(path);
  const classes = namesOf(metadata.classes);
  const count = labels?.shape[0];
  if (
    features?.dtype !== "F32" || labels?.dtype !== "I64" || classes === undefined ||
    features.shape[0] !== count || labels.shape.length !== 1 || !count || features.data.length === 0
  ) {
    throw new DataError(
      `Cannot use ${path}: expected features [N, …] as F32, labels [N] as I64 and the classes' names`,
      { hint: "write it with deno task features … --out FILE.safetensors" },
    );
  }
  const numbers = Uint32Array.from(labels.data, Number);
  const fault = labels.data.findIndex((label) => label < 0n || label >= classes.length);
  if (fault >= 0 || !features.data.every(Number.isFinite)) {
    const found = fault < 0 ? "a value that is not finite" : `label ${labels.data[fault]}`;
    throw new DataError(
      `Cannot use ${path}: expected finite values and labels below ${classes.length}, found ${found}`,
      { hint: "write it again with deno task features" },
    );
  }
  const { model = "a model", tap = "a layer" } = metadata;
  return {
    values: features.data as Float32Array<ArrayBuffer>,
    labels: numbers,
    width: sizeOf(features.shape) / count,
    classes,
    source: `${tap} of ${model}`,
  };
}

function namesOf(text = ""): readonly string[] | undefined {
  try {
    const json = JSON.parse(text);
    return Array.isArray(json) && json.every((name) => typeof name === "string") ? json : undefined;
  } catch {
    return undefined;
  }
}

/** @throws {ConfigError} unless both tables are of one layer and the same classes */
export function checkSame(train: FeatureTable, other: FeatureTable): void {
  const words = ({ source, width, classes }: FeatureTable) =>
    `${source}, ${width} values, classes ${classes.join(", ")}`;
  if (words(train) === words(other)) return;
  throw new ConfigError(
    `--validation-features must be of what --features are, ${words(train)}: found ${words(other)}`,
    { hint: "write both files with the same --tap and --classes" },
  );
}

/** The head: features [N, 1, 1, width] to logits, through a hidden layer if it has units. */
export function headModel(width: number, classes: number, hidden: number): Model {
  return createModel({
    name: hidden === 0 ? "head" : `head-${hidden}`,
    image: [1, 1, width],
    build(net, images) {
      // He et al. 2015: the values keep their size through a ReLU.
      const start = (inputs: number) => ({
        weights: truncatedNormal(Math.sqrt(2 / inputs)),
        decay: 1,
      });
      const features = flatten(images);
      const x = hidden === 0
        ? features
        : dense(net, "hidden", features, { units: hidden, activation: "relu", ...start(width) });
      return dense(net, "logits", x, { units: net.classes, ...start(x.shape[1]) });
    },
  }, classes);
}

/** What training a head takes. */
export interface HeadOptions {
  readonly device: Device;
  readonly model: Model;
  readonly recipe: Recipe;
  readonly table: FeatureTable;
  /** Hears of a step's loss, some hundred times a run. */
  readonly onLoss?: (step: number, loss: number) => void;
}

/** Trains a head to its last step. The order of the images is a pure function of the seed. */
export async function trainHead(
  { device, model, recipe, table, onLoss }: HeadOptions,
): Promise<TrainerState> {
  const { values, labels, width } = table;
  const { batchSize, seed, totalSteps } = recipe;
  const count = labels.length;
  using trainer = await Trainer.create(device, { model, recipe, trainingImages: count });
  const images = new Float32Array(batchSize * width);
  const picked = new Uint32Array(batchSize);
  const order = new ExampleOrder({ count, seed, shuffle: "epoch", batchSize });
  const every = Math.max(1, Math.min(trainer.queueableSteps, Math.ceil(totalSteps / 100)));
  for (let step = 0; step < totalSteps; step++) {
    for (let i = 0; i < batchSize; i++) {
      const image = order.exampleAt(step * batchSize + i);
      images.set(values.subarray(image * width, (image + 1) * width), i * width);
      picked[i] = labels[image];
    }
    trainer.run({ images, labels: picked });
    if ((step + 1) % every === 0 || step + 1 === totalSteps) {
      const losses = await trainer.losses();
      const last = losses.at(-1);
      if (last !== undefined) onLoss?.(step, last.total);
    }
  }
  return await trainer.saveState();
}

/** Measures a head's weights, as trained, on features. */
export async function measureHead(
  device: Device,
  model: Model,
  { parameters, table, batchSize }: {
    parameters: Float32Array<ArrayBuffer>;
    table: FeatureTable;
    batchSize: number;
  },
): Promise<Evaluation> {
  const { values, labels, width } = table;
  using scorer = await Scorer.create(device, model, batchSize);
  scorer.load({ parameters });
  const tally = new Tally(model.classes, labels.length);
  const images = new Float32Array(batchSize * width);
  for (let first = 0; first < labels.length; first += batchSize) {
    const last = Math.min(first + batchSize, labels.length);
    images.set(values.subarray(first * width, last * width));
    const logits = await scorer.logits(images);
    for (let i = first; i < last; i++) tally.addLogits(logits[i - first], labels[i]);
  }
  return tally.result();
}
