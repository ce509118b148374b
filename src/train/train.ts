import type { AugmentSpec } from "../data/augment/spec.ts";
import { mixes } from "../data/augment/spec.ts";
import { BatchLoader } from "../data/batches/batches.ts";
import type { Shuffle } from "../data/batches/example_order.ts";
import type { ImageStore } from "../data/image_store.ts";
import type { Device } from "../engine/device.ts";
import type { Model } from "../nn/model.ts";
import type { PlanSummary } from "../tensor/compile.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { DeviceImages } from "./device_images.ts";
import { type Evaluation, Evaluator } from "./evaluate.ts";
import { DeviceFeed, type Feed } from "./feed.ts";
import { type InputSummary, InputWindow } from "./input_summary.ts";
import { DIVERGED_HINT, DivergedError, type Recipe, type StepLosses, Trainer } from "./trainer.ts";
import { NonFiniteLossError } from "../util/errors.ts";

/** Images that precision is measured on. */
export interface EvaluationSet {
  /** `test`, or `validation`. */
  readonly name: string;
  /** Opens them; they are held only while they are measured. */
  readonly open: () => Promise<ImageStore>;
}

/** What a run is made of. */
export interface TrainOptions {
  readonly device: Device;
  readonly model: Model;
  readonly recipe: Recipe;
  readonly train: ImageStore;
  readonly augment: AugmentSpec;
  readonly shuffle: Shuffle;
  /** Who makes the images of a batch: worker threads, or the device of its copy of the data set. */
  readonly input: "host" | "device";
  /** The first is measured during training and at the end, the others at the end. */
  readonly evaluations: readonly EvaluationSet[];
  readonly runDir: string;
  /** Steps of the whole run. */
  readonly steps: number;
  readonly workers: number;
  readonly logEvery: number;
  /** Seconds between checkpoints; 0: only at the end. */
  readonly checkpointEvery: number;
  /** Steps between evaluations; 0: only at the end. */
  readonly evalEvery: number;
}

/** A window of steps, reported when its losses were read. */
export interface LogEvent {
  /** The last step of the window, counted from 0. */
  readonly step: number;
  readonly losses: readonly StepLosses[];
  readonly learningRate: number;
  /** Of the window, waiting for input included. */
  readonly seconds: number;
  /** What the queue of batches did in the window; absent if the device makes them. */
  readonly input?: InputSummary;
}

/** An evaluation of the weights and of their averages. */
export interface EvaluationEvent {
  /** The name of the images: `test` or `validation`. */
  readonly set: string;
  /** Steps done. */
  readonly step: number;
  readonly weights: Evaluation;
  readonly averages: Evaluation;
}

/** What the run tells while it goes on. */
export interface TrainEvents {
  /** Everything is compiled, and fits. */
  onStart?(summary: PlanSummary): void | Promise<void>;
  onLog?(event: LogEvent): void;
  onCheckpoint?(path: string, step: number): void;
  /** How many of the images of an evaluation are done. */
  onEvaluating?(done: number, images: number): void;
  onEvaluation?(event: EvaluationEvent): void;
}

/** How a run ended. */
export interface TrainResult {
  readonly evaluations: readonly EvaluationEvent[];
  readonly checkpoint: string;
  /** Training time, without evaluations and checkpoints, in seconds. */
  readonly seconds: number;
  /** What the queue of batches did over the whole run; absent if the device made them. */
  readonly input?: InputSummary;
}

/** Steps after which losses are read even if none are logged, so that the device's queue stays short. */
const READ_EVERY = 50;

/**
 * Trains, logs, checkpoints and evaluates.
 *
 * @throws {NonFiniteLossError} if the loss becomes NaN or infinite; checkpoints stay.
 * @throws {UserError} if a checkpoint cannot be written.
 */
export async function train(options: TrainOptions, events: TrainEvents = {}): Promise<TrainResult> {
  const { device, model, recipe, steps, logEvery, augment } = options;
  const trainingImages = options.train.count;
  const onDevice = options.input === "device";
  const input = {
    device: onDevice ? new DeviceImages(options.train, augment, device.maxBindingBytes) : undefined,
    mixed: mixes(augment),
  };
  using trainer = await Trainer.create(device, { model, recipe, trainingImages, input });
  using evaluator = await Evaluator.create(device, model, recipe.batchSize);
  await events.onStart?.(trainer.plan.summary);
  await using feed = openFeed(options);

  const clock = new Stopwatch();
  let window: StepLosses[] = [];
  let logged = 0;
  const queue = new InputWindow(feed.stats(), recipe.batchSize);
  let queueWindow = queue;
  let saved = performance.now();
  const log = (losses: readonly StepLosses[]): void => {
    if (losses.length === 0) return;
    const { step } = losses[losses.length - 1];
    const { seconds } = clock;
    const learningRate = trainer.learningRate(step);
    const input = queueWindow.until(feed.stats(), seconds - logged);
    events.onLog?.({ step, losses, learningRate, seconds: seconds - logged, input });
    queueWindow = new InputWindow(feed.stats(), recipe.batchSize);
    logged = seconds;
  };
  while (trainer.step < steps) {
    {
      using batch = feed.tryNext() ?? await feed.next();
      trainer.run(batch);
    }
    const step = trainer.step - 1;
    const isLast = trainer.step === steps;
    const logs = step % logEvery === 0 || isLast;
    const saves = !isLast && options.checkpointEvery > 0 &&
      performance.now() - saved > options.checkpointEvery * 1000;
    const evaluates = !isLast && options.evalEvery > 0 && trainer.step % options.evalEvery === 0 &&
      options.evaluations.length > 0;
    // Nothing that has diverged may be saved or measured: reading the losses checks them.
    if (logs || saves || evaluates || trainer.step % READ_EVERY === 0) {
      try {
        window.push(...await trainer.losses());
      } catch (error) {
        // What was finite until then is still told.
        if (error instanceof DivergedError) log([...window, ...error.before]);
        throw error;
      }
    }
    if (logs) {
      log(window);
      window = [];
    }
    if (!saves && !evaluates) continue;
    clock.pause();
    if (saves) {
      await save(trainer, options, events);
      saved = performance.now();
    }
    if (evaluates) {
      await evaluate(trainer, evaluator, { set: options.evaluations[0], options, events });
    }
    clock.resume();
  }
  clock.pause();
  const { seconds } = clock;
  const summary = queue.until(feed.stats(), seconds);
  await feed.close();
  const checkpoint = await save(trainer, options, events);
  const evaluations: EvaluationEvent[] = [];
  for (const set of options.evaluations) {
    evaluations.push(await evaluate(trainer, evaluator, { set, options, events }));
  }
  return { evaluations, checkpoint, seconds, input: summary };
}

/** Worker threads that make the batches, or the numbers of those that the device makes. */
function openFeed(options: TrainOptions): Feed {
  const { train: store, augment, shuffle, workers, logEvery } = options;
  const { batchSize, seed } = options.recipe;
  if (options.input === "device") {
    const { count, format } = store;
    return new DeviceFeed(store, { count, format, augment, shuffle, batchSize, seed });
  }
  // The steps between two reads are queued at once: their batches must be ready by then.
  const slots = Math.min(Math.max(logEvery, 2 * workers) + 2, 64);
  return new BatchLoader({ store, augment, shuffle, batchSize, seed, workers, slots });
}

/** Adds up the time between `resume` and `pause`. Runs from the start. */
class Stopwatch {
  #total = 0;
  #start: number | undefined = performance.now();

  get seconds(): number {
    const running = this.#start === undefined ? 0 : performance.now() - this.#start;
    return (this.#total + running) / 1000;
  }

  pause(): void {
    this.#total = this.seconds * 1000;
    this.#start = undefined;
  }

  resume(): void {
    this.#start = performance.now();
  }
}

async function save(
  trainer: Trainer,
  { runDir, model }: TrainOptions,
  events: TrainEvents,
): Promise<string> {
  const { state, variables: { layout, parameters, averages }, step } = trainer;
  const checkpoint = {
    step,
    parameters: await state.read(parameters) as Float32Array<ArrayBuffer>,
    averages: await state.read(averages) as Float32Array<ArrayBuffer>,
  };
  // The last step's losses are those before its update, and a ReLU hides what is not a number.
  for (const values of [checkpoint.parameters, checkpoint.averages]) {
    if (!values.every(Number.isFinite)) {
      throw new NonFiniteLossError(
        `the weights after step ${step - 1} are not all finite: training has diverged`,
        { hint: DIVERGED_HINT },
      );
    }
  }
  const path = await writeCheckpoint(runDir, model, layout, checkpoint);
  events.onCheckpoint?.(path, step);
  return path;
}

async function evaluate(
  { state, variables, step }: Trainer,
  evaluator: Evaluator,
  { set, options, events }: { set: EvaluationSet; options: TrainOptions; events: TrainEvents },
): Promise<EvaluationEvent> {
  const { augment, workers } = options;
  using store = await set.open();
  const [weights, averages] = [
    await state.read(variables.parameters),
    await state.read(variables.averages),
  ];
  const total = 2 * store.count;
  const measure = (values: typeof weights, before: number) =>
    evaluator.run(values as Float32Array<ArrayBuffer>, {
      store,
      augment,
      workers,
      onBatch: (images) => events.onEvaluating?.(before + images, total),
    });
  const event: EvaluationEvent = {
    set: set.name,
    step,
    weights: await measure(weights, 0),
    averages: await measure(averages, store.count),
  };
  events.onEvaluation?.(event);
  return event;
}
