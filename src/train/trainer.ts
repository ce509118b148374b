import type { Device } from "../engine/device.ts";
import type { Model } from "../nn/model.ts";
import { decayOfUpdate } from "../nn/statistics.ts";
import { MIX } from "../ops/augment_row.ts";
import { OPTIMIZERS } from "../optim/optimizers.ts";
import { warmedDecay } from "../optim/schedules.ts";
import { compile, fitsDevice, type Plan } from "../tensor/compile.ts";
import { VariableState } from "../tensor/state.ts";
import { SLOT_ELEMENTS } from "../tensor/storage.ts";
import type { HostArray } from "../tensor/tensor.ts";
import type { DeviceImages } from "./device_images.ts";
import { withFittingBatch } from "./fitting_batch.ts";
import type { Recipe } from "./recipe.ts";
import { needsTargets, SoftTargets } from "./soft_targets.ts";
import { LearningRates } from "./learning_rates.ts";
import { lookaheadDecays } from "./lookahead.ts";
import { LossReader, type StepLosses } from "./step_losses.ts";
import { readState, writeInitial, writeState } from "./trainer_state.ts";
import type { ModelValues, TrainerState } from "./trainer_state.ts";
import {
  HISTORY_ROWS,
  HYPERPARAMETER_ELEMENTS,
  HYPERPARAMETERS,
  type TrainingGraph,
  trainingGraph,
} from "./training_graph.ts";
import { type TrainingVariables, trainingVariables } from "./training_variables.ts";

export { withFittingBatch } from "./fitting_batch.ts";
export type { Recipe } from "./recipe.ts";
export { DIVERGED_HINT, DivergedError, type StepLosses } from "./step_losses.ts";
export type { ModelValues, TrainerState } from "./trainer_state.ts";

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

/** What a trainer is made of. */
export interface TrainerOptions {
  readonly model: Model;
  readonly recipe: Recipe;
  /** Images of an epoch. */
  readonly trainingImages: number;
  readonly input?: TrainingInput;
}

/** The compiled parts of a trainer. */
interface TrainerParts {
  readonly state: VariableState;
  readonly variables: TrainingVariables;
  readonly graph: TrainingGraph;
  readonly plan: Plan;
  readonly stepPlan: Plan | undefined;
}

/** Trains a model on a device, step by step. */
export class Trainer {
  readonly model: Model;
  readonly recipe: Recipe;
  readonly state: VariableState;
  readonly variables: TrainingVariables;
  /** What a micro-batch runs; where a step is one, all of the step. */
  readonly plan: Plan;
  /** What follows the last of a step's several micro-batches: the updates. */
  readonly stepPlan: Plan | undefined;
  /** Micro-batches that may be queued before `losses`. */
  readonly maxQueued = HISTORY_ROWS;
  readonly #graph: TrainingGraph;
  readonly #rates: LearningRates;
  readonly #input: TrainingInput;
  readonly #targets: SoftTargets | undefined;
  readonly #losses: LossReader;
  readonly #hyperparameters = new Float32Array(HYPERPARAMETER_ELEMENTS);
  readonly #row = new Uint32Array(1);
  readonly #counter = new Uint32Array(1);
  /** Micro-batches run, and those whose losses were read. */
  #run = 0;
  #read = 0;

  private constructor(options: TrainerOptions, parts: TrainerParts) {
    const { model, recipe, trainingImages, input = {} } = options;
    const { accumulate, lossAverageDecay } = recipe;
    this.model = model;
    this.recipe = recipe;
    this.state = parts.state;
    this.variables = parts.variables;
    this.plan = parts.plan;
    this.stepPlan = parts.stepPlan;
    this.#graph = parts.graph;
    this.#rates = new LearningRates(recipe, model.parameters, trainingImages);
    this.#input = input;
    if (needsTargets(recipe, input.mixed ?? false)) {
      this.#targets = new SoftTargets(recipe, model.classes);
    }
    const { terms } = parts.graph;
    this.#losses = new LossReader({ terms, accumulate, lossAverageDecay });
  }

  /**
   * Builds the step and compiles it.
   *
   * @throws {DeviceError} naming the batch size that would fit, if this one does not.
   */
  static async create(device: Device, options: TrainerOptions): Promise<Trainer> {
    const { model, recipe, input: { device: source, mixed } = {} } = options;
    const variables = trainingVariables(model, recipe);
    const state = new VariableState(device);
    const images = source && ((batchSize: number) => source.images(batchSize));
    const graphOf = (batchSize: number) =>
      trainingGraph({ model, variables, recipe: { ...recipe, batchSize }, images, mixed });
    const graph = graphOf(recipe.batchSize);
    let plan: Plan | undefined;
    try {
      plan = await compile(state, { updates: graph.updates });
      const stepPlan = graph.stepUpdates.length === 0
        ? undefined
        : await compile(state, { updates: graph.stepUpdates });
      return new Trainer(options, { state, variables, graph, plan, stepPlan });
    } catch (error) {
      plan?.destroy();
      state.destroy();
      const fits = (batch: number) => fitsDevice(device, { updates: graphOf(batch).all });
      throw withFittingBatch(error, recipe.batchSize, fits);
    }
  }

  /** Whole steps that may be queued before `losses`. */
  get queueableSteps(): number {
    return Math.floor(HISTORY_ROWS / this.recipe.accumulate);
  }

  /** Steps done: updates of the weights. */
  get step(): number {
    return Math.floor(this.#run / this.recipe.accumulate);
  }

  /** Micro-batches since the last `losses`. */
  get queued(): number {
    return this.#run - this.#read;
  }

  /** The learning rate of a step. */
  learningRate(step: number): number {
    return this.#rates.at(step);
  }

  /** Multiplies the scheduled learning rate from the next step on: what plateaus made of it. */
  set learningRateFactor(factor: number) {
    this.#rates.factor = factor;
  }

  /**
   * Queues one micro-batch, and after the last of a step its update; does not wait for them.
   *
   * @throws {Error} if `maxQueued` are queued already
   * @throws {TypeError} if the batch lacks something
   */
  run(batch: TrainingBatch): void {
    if (this.queued >= HISTORY_ROWS) {
      throw new Error(`Cannot queue more than ${HISTORY_ROWS} batches without reading the losses`);
    }
    const { accumulate, emaDecay, optimizer } = this.recipe;
    const { step } = this;
    const part = this.#run % accumulate;
    const rates = OPTIMIZERS[optimizer].rates(this.recipe, this.learningRate(step), step);
    rates.forEach((list, slot) => this.#set("rates", list, slot));
    // The average follows the step's update, which has counted the step already.
    this.#set("emaDecay", [warmedDecay(emaDecay, step + 1)]);
    this.#set("carried", [part === 0 ? 0 : 1]);
    const { statisticsDecay } = this.model;
    this.#set("statisticsDecay", [decayOfUpdate(statisticsDecay, this.#run + 1)]);
    this.#set("limit", [this.#rates.limit(step)]);
    const { slow, fast } = lookaheadDecays(this.recipe, step + 1);
    this.#set("slowDecay", [slow]);
    this.#set("fastDecay", [fast]);
    this.#row[0] = this.#run % HISTORY_ROWS;
    this.#counter[0] = this.#run;
    const counter: Record<string, HostArray> = this.model.drops ? { counter: this.#counter } : {};
    const hyperparameters = this.#hyperparameters;
    this.plan.run({ ...this.#feeds(batch), ...counter, hyperparameters, row: this.#row });
    if (part === accumulate - 1) this.stepPlan?.run({ hyperparameters });
    this.#run++;
  }

  /** The part of a batch that the plan's inputs take. */
  #feeds({ images, ids, rows, mix, labels }: TrainingBatch): Record<string, HostArray> {
    const { device, mixed = false } = this.#input;
    const feeds: Record<string, HostArray | undefined> = device ? { ids, rows } : { images };
    if (mixed && (device || mix === undefined)) feeds.mix = mix;
    for (const [name, values] of Object.entries(feeds)) {
      if (values === undefined) throw new TypeError(`Cannot train as the batch has no ${name}`);
    }
    if (this.#targets === undefined) feeds.labels = labels;
    else feeds.targets = this.#targets.fill(labels, mixed ? mix?.[MIX.labelShare] : 1);
    return feeds as Record<string, HostArray>;
  }

  /**
   * Waits for the queued steps and returns their losses, oldest first. Those of a step whose micro-batches
   * are not all there come with its last.
   *
   * @throws {DivergedError} naming the first step whose loss or gradient is NaN or infinite.
   */
  async losses(): Promise<StepLosses[]> {
    const { history } = this.#graph;
    const table = await this.state.read(history);
    const width = history.shape[1];
    const steps: StepLosses[] = [];
    for (; this.#read < this.#run; this.#read++) {
      const start = (this.#read % HISTORY_ROWS) * width;
      const losses = this.#losses.take(table.subarray(start, start + width), steps);
      if (losses !== undefined) steps.push(losses);
    }
    return steps;
  }

  /**
   * Waits for the queued steps and copies everything that training goes on from, but for
   * `learningRateFactor`.
   *
   * @throws {Error} if a step is half accumulated, or losses are unread and so unchecked.
   */
  async saveState(): Promise<TrainerState> {
    const { step } = this;
    if (this.#run % this.recipe.accumulate !== 0) {
      throw new Error(`Cannot save a trainer's state as step ${step} is half accumulated`);
    }
    if (this.queued > 0) {
      throw new Error(
        `Cannot save a trainer's state as the losses of ${this.queued} batches are not read`,
      );
    }
    const lossAverage = this.#losses.average;
    return { step, lossAverage, ...await readState(this.state, this.variables) };
  }

  /**
   * Goes on from a saved state, to the bit as the trainer that it was saved of; what was queued is
   * forgotten.
   *
   * @throws {RangeError} if its blocks are not this model's and optimizer's; nothing has changed then.
   */
  loadState(state: TrainerState): void {
    writeState(this.state, this.variables, state);
    const { accumulator } = this.#graph;
    // Carried with a factor 0: but what diverged would stay NaN.
    if (accumulator) this.state.write(accumulator, new Float32Array(accumulator.shape[0]));
    this.#run = this.#read = state.step * this.recipe.accumulate;
    this.#losses.restart(state.step, state.lossAverage);
  }

  /** Starts from these values, as `writeInitial` does; moments last in a `pretrained` model alone. */
  initialize(values: ModelValues): void {
    writeInitial(this.state, this.variables, values);
  }

  /** Frees everything on the device. */
  destroy(): void {
    this.plan.destroy();
    this.stepPlan?.destroy();
    this.state.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #set(name: keyof typeof HYPERPARAMETERS, values: readonly number[], slot = 0): void {
    this.#hyperparameters.set(values, (HYPERPARAMETERS[name] + slot) * SLOT_ELEMENTS);
  }
}
