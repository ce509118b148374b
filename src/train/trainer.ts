import type { Model } from "../nn/model.ts";
import { decaySteps, staircaseDecay, warmedDecay } from "../optim/schedules.ts";
import { MIX } from "../ops/augment_row.ts";
import { compile, fitsDevice, type Plan } from "../tensor/compile.ts";
import type { HostArray } from "../tensor/tensor.ts";
import type { DeviceImages } from "./device_images.ts";
import { CapacityError } from "../engine/capacity.ts";
import { VariableState } from "../tensor/state.ts";
import { SLOT_ELEMENTS } from "../tensor/storage.ts";
import type { Device } from "../engine/device.ts";
import { DeviceError, NonFiniteLossError } from "../util/errors.ts";
import {
  HISTORY_ROWS,
  HYPERPARAMETER_ELEMENTS,
  HYPERPARAMETERS,
  type TrainingGraph,
  trainingGraph,
  type TrainingVariables,
  trainingVariables,
} from "./training_graph.ts";

/** Constants of the training recipe. */
export interface Recipe {
  readonly batchSize: number;
  readonly seed: number;
  readonly learningRate: number;
  readonly decayFactor: number;
  readonly epochsPerDecay: number;
  readonly emaDecay: number;
  readonly lossAverageDecay: number;
  readonly weightDecay: number;
}

/** The losses of one step. */
export interface StepLosses {
  readonly step: number;
  /** Cross-entropy plus weight decay, as it is minimized. */
  readonly total: number;
  /** By term name. */
  readonly terms: Readonly<Record<string, number>>;
  /** Moving average of the total up to this step; it starts at zero and is not debiased, as in the reference. */
  readonly average: number;
}

/** One batch, ready to be uploaded: made images, or with `DeviceImages` what the device makes them of. */
export interface TrainingBatch {
  /** [N, H, W, C] */
  readonly images?: Float32Array<ArrayBufferLike>;
  /** Number of each image in the data set, [N]. */
  readonly ids?: Uint32Array<ArrayBufferLike>;
  /** The augmentation of each image, [N, AUGMENT_LENGTH]. */
  readonly rows?: Float32Array<ArrayBufferLike>;
  /** How images are mixed, [MIX_LENGTH]; image i with image N - 1 - i. */
  readonly mix?: Float32Array<ArrayBufferLike>;
  /** [N] */
  readonly labels: Uint32Array<ArrayBufferLike>;
}

/** Where a trainer's images come from. */
export interface TrainingInput {
  /** Given: the device makes the images of its copy of the data set. */
  readonly device?: DeviceImages;
  /** Whether images are mixed, so that each has two labels. Default false. */
  readonly mixed?: boolean;
}

/** What to do when the loss is not finite any more. */
export const DIVERGED_HINT =
  "use a smaller --learning-rate; checkpoints that were written are intact";

/** The loss of a step is NaN or infinite. */
export class DivergedError extends NonFiniteLossError {
  /** @param before the finite losses that were read with it, oldest first. */
  constructor(step: number, loss: number, readonly before: readonly StepLosses[]) {
    super(`the loss of step ${step} is ${loss}: training has diverged`, { hint: DIVERGED_HINT });
  }
}

/** Trains a model on a device, step by step. */
export class Trainer {
  readonly model: Model;
  readonly recipe: Recipe;
  readonly state: VariableState;
  readonly variables: TrainingVariables;
  readonly plan: Plan;
  readonly #graph: TrainingGraph;
  readonly #decaySteps: number;
  readonly #hyperparameters = new Float32Array(HYPERPARAMETER_ELEMENTS);
  readonly #row = new Uint32Array(1);
  readonly #partnerLabels: Uint32Array;
  readonly #input: TrainingInput;
  #step: number;
  #read: number;
  #average = 0;

  private constructor(fields: {
    model: Model;
    recipe: Recipe;
    state: VariableState;
    variables: TrainingVariables;
    graph: TrainingGraph;
    plan: Plan;
    trainingImages: number;
    step: number;
    input: TrainingInput;
  }) {
    this.model = fields.model;
    this.recipe = fields.recipe;
    this.state = fields.state;
    this.variables = fields.variables;
    this.plan = fields.plan;
    this.#graph = fields.graph;
    this.#step = this.#read = fields.step;
    this.#input = fields.input;
    this.#partnerLabels = new Uint32Array(fields.recipe.batchSize);
    const { batchSize, epochsPerDecay } = fields.recipe;
    this.#decaySteps = decaySteps(fields.trainingImages, batchSize, epochsPerDecay);
  }

  /**
   * Builds the step and compiles it.
   *
   * @throws {DeviceError} naming the batch size that would fit, if this one does not.
   */
  static async create(
    device: Device,
    { model, recipe, trainingImages, step = 0, input = {} }: {
      model: Model;
      recipe: Recipe;
      /** Images of an epoch. */
      trainingImages: number;
      /** Steps done before. */
      step?: number;
      input?: TrainingInput;
    },
  ): Promise<Trainer> {
    const variables = trainingVariables(model, recipe.seed);
    const state = new VariableState(device);
    const { batchSize, weightDecay } = recipe;
    const { device: deviceImages, mixed } = input;
    const images = deviceImages && ((batchSize: number) => deviceImages.images(batchSize));
    const graphOf = (batchSize: number) =>
      trainingGraph({ model, variables, batchSize, weightDecay, images, mixed });
    const graph = graphOf(batchSize);
    try {
      const plan = await compile(state, { updates: graph.updates });
      const fields = { model, recipe, state, variables, graph, plan, trainingImages, step, input };
      return new Trainer(fields);
    } catch (error) {
      state.destroy();
      throw withFittingBatch(
        error,
        batchSize,
        (batch) => fitsDevice(device, { updates: graphOf(batch).updates }),
      );
    }
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /** The learning rate of a step. */
  learningRate(step: number): number {
    const { learningRate, decayFactor } = this.recipe;
    const schedule = { initial: learningRate, factor: decayFactor, decaySteps: this.#decaySteps };
    return staircaseDecay(schedule, step);
  }

  /** Queues one step; does not wait for it. At most HISTORY_ROWS steps may be queued before `losses`. */
  run(batch: TrainingBatch): void {
    if (this.#step - this.#read >= HISTORY_ROWS) {
      throw new Error(`Cannot queue more than ${HISTORY_ROWS} steps without reading the losses`);
    }
    this.#set("learningRate", this.learningRate(this.#step));
    // The average follows the step's update, which has counted the step already.
    this.#set("emaDecay", warmedDecay(this.recipe.emaDecay, this.#step + 1));
    this.#row[0] = this.#step % HISTORY_ROWS;
    this.plan.run({
      ...this.#feeds(batch),
      hyperparameters: this.#hyperparameters,
      row: this.#row,
    });
    this.#step++;
  }

  /** The part of a batch that the plan's inputs take. */
  #feeds({ images, ids, rows, mix, labels }: TrainingBatch): Record<string, HostArray> {
    const { device, mixed = false } = this.#input;
    const feeds: Record<string, HostArray | undefined> = device ? { ids, rows } : { images };
    feeds.labels = labels;
    if (mixed) {
      feeds.partner_labels = this.#partnerLabels;
      for (let i = 0; i < labels.length; i++) {
        this.#partnerLabels[labels.length - 1 - i] = labels[i];
      }
      if (mix !== undefined) this.#set("labelShare", mix[MIX.labelShare]);
      if (device) feeds.mix = mix;
    }
    for (const [name, values] of Object.entries(feeds)) {
      if (values === undefined) throw new TypeError(`Cannot train as the batch has no ${name}`);
    }
    return feeds as Record<string, HostArray>;
  }

  /**
   * Waits for the queued steps and returns their losses, oldest first.
   *
   * @throws {DivergedError} naming the first step whose loss is NaN or infinite.
   */
  async losses(): Promise<StepLosses[]> {
    const { history, terms } = this.#graph;
    const table = await this.state.read(history);
    const width = history.shape[1];
    const rows: StepLosses[] = [];
    for (; this.#read < this.#step; this.#read++) {
      const start = (this.#read % HISTORY_ROWS) * width;
      const values = terms.map((_, i) => table[start + i * SLOT_ELEMENTS]);
      const total = values.reduce((a, b) => a + b, 0);
      if (!Number.isFinite(total)) {
        throw new DivergedError(this.#read, total, rows);
      }
      this.#average -= (1 - this.recipe.lossAverageDecay) * (this.#average - total);
      rows.push({
        step: this.#read,
        total,
        average: this.#average,
        terms: Object.fromEntries(terms.map((term, i) => [term, values[i]])),
      });
    }
    return rows;
  }

  /** Frees everything on the device. */
  destroy(): void {
    this.plan.destroy();
    this.state.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #set(name: keyof typeof HYPERPARAMETERS, value: number): void {
    this.#hyperparameters[HYPERPARAMETERS[name] * SLOT_ELEMENTS] = value;
  }
}

/**
 * Adds the largest batch size that would fit to the error of one that does not.
 *
 * @param fits whether a batch of so many images fits
 */
export function withFittingBatch(
  error: unknown,
  batchSize: number,
  fits: (batch: number) => boolean,
): unknown {
  if (!(error instanceof CapacityError)) return error;
  let low = 0;
  // Tensors grow with the batch: below the largest that fits, all fit.
  for (let high = batchSize; high - low > 1;) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return new DeviceError(error.message, {
    hint: low >= 1 ? `--batch-size ${low} fits` : "not even a batch of 1 fits this device",
    cause: error,
  });
}
