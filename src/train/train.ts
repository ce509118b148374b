import { BatchLoader } from "../data/batches/batches.ts";
import type { Records } from "../data/records.ts";
import type { Device } from "../engine/device.ts";
import type { Model } from "../nn/model.ts";
import type { PlanSummary } from "../tensor/compile.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { type Evaluation, Evaluator } from "./evaluate.ts";
import { DIVERGED_HINT, DivergedError, type Recipe, type StepLosses, Trainer } from "./trainer.ts";
import { NonFiniteLossError } from "../util/errors.ts";

/** What a run is made of. */
export interface TrainOptions {
  readonly device: Device;
  readonly model: Model;
  readonly recipe: Recipe;
  readonly train: Records;
  /** Loads the test images; held only while they are measured, as they are 31 MB. */
  readonly test: () => Promise<Records>;
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
}

/** An evaluation of the weights and of their averages. */
export interface EvaluationEvent {
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
  readonly evaluation: EvaluationEvent;
  readonly checkpoint: string;
  /** Training time, without evaluations and checkpoints, in seconds. */
  readonly seconds: number;
  /** Share of it that the step waited for input. */
  readonly waitShare: number;
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
  const { device, model, recipe, steps, logEvery, workers } = options;
  const trainingImages = options.train.count;
  using trainer = await Trainer.create(device, { model, recipe, trainingImages });
  using evaluator = await Evaluator.create(device, model, recipe.batchSize);
  await events.onStart?.(trainer.plan.summary);
  await using loader = new BatchLoader({
    records: options.train,
    batchSize: recipe.batchSize,
    seed: recipe.seed,
    workers,
    // The steps between two reads are queued at once: their batches must be ready by then.
    slots: Math.min(Math.max(logEvery, 2 * workers) + 2, 64),
  });

  const clock = new Stopwatch();
  let window: StepLosses[] = [];
  let logged = 0;
  let saved = performance.now();
  const log = (losses: readonly StepLosses[]): void => {
    if (losses.length === 0) return;
    const { step } = losses[losses.length - 1];
    const { seconds } = clock;
    const learningRate = trainer.learningRate(step);
    events.onLog?.({ step, losses, learningRate, seconds: seconds - logged });
    logged = seconds;
  };
  while (trainer.step < steps) {
    {
      using batch = loader.tryNext() ?? await loader.next();
      trainer.run(batch);
    }
    const step = trainer.step - 1;
    const isLast = trainer.step === steps;
    const logs = step % logEvery === 0 || isLast;
    const saves = !isLast && options.checkpointEvery > 0 &&
      performance.now() - saved > options.checkpointEvery * 1000;
    const evaluates = !isLast && options.evalEvery > 0 && trainer.step % options.evalEvery === 0;
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
    if (evaluates) await evaluate(trainer, evaluator, { options, events });
    clock.resume();
  }
  clock.pause();
  const { seconds } = clock;
  const waitShare = loader.waitedMs / 1000 / seconds;
  loader.close();
  const checkpoint = await save(trainer, options, events);
  const evaluation = await evaluate(trainer, evaluator, { options, events });
  return { evaluation, checkpoint, seconds, waitShare };
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
  { options, events }: { options: TrainOptions; events: TrainEvents },
): Promise<EvaluationEvent> {
  const { test, workers } = options;
  const records = await test();
  const [weights, averages] = [
    await state.read(variables.parameters),
    await state.read(variables.averages),
  ];
  const total = 2 * records.count;
  const measure = (values: typeof weights, before: number) =>
    evaluator.run(values as Float32Array<ArrayBuffer>, {
      records,
      workers,
      onBatch: (images) => events.onEvaluating?.(before + images, total),
    });
  const event: EvaluationEvent = {
    step,
    weights: await measure(weights, 0),
    averages: await measure(averages, records.count),
  };
  events.onEvaluation?.(event);
  return event;
}
