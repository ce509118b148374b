import type { AugmentSpec } from "../data/augment/spec.ts";
import type { Shuffle } from "../data/batches/example_order.ts";
import type { ImageStore } from "../data/image_store.ts";
import type { Device } from "../engine/device.ts";
import type { Model } from "../nn/model.ts";
import { parameterLayout } from "../nn/parameters.ts";
import type { PlanSummary } from "../tensor/compile.ts";
import { DeviceLostError, type UserError } from "../util/errors.ts";
import { listCheckpoints, setAside } from "./checkpoints/list_checkpoints.ts";
import {
  type LoadedCheckpoint,
  newestCheckpoint,
  unpackCheckpoint,
} from "./checkpoints/load_checkpoint.ts";
import type { Best } from "./checkpoints/loop_state.ts";
import type { Evaluation } from "./evaluation/tally.ts";
import type { InputSummary } from "./input_summary.ts";
import type { Interval } from "./interval.ts";
import type { Journal } from "./journal.ts";
import type { Recipe } from "./recipe.ts";
import type { StepLosses } from "./trainer.ts";
import { TrainingSession } from "./training_session.ts";

/** Images that precision is measured on. */
export interface EvaluationSet {
  /** `test`, or `validation`. */
  readonly name: string;
  /** Opens them; they are held only while they are measured. */
  readonly open: () => Promise<ImageStore>;
}

/** Weights to start from, and running moments. */
export interface InitialBlocks {
  readonly parameters: Float32Array<ArrayBuffer>;
  readonly statistics?: Float32Array<ArrayBuffer>;
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
  /** Goes into every checkpoint: the run's settings as JSON, and the hash of those that count. */
  readonly run: {
    readonly json: Readonly<Record<string, unknown>>;
    readonly configHash: string;
  };
  /** Taken back to where it was where the run goes on from a checkpoint. */
  readonly journal: Journal;
  readonly workers: number;
  readonly logEvery: number;
  readonly checkpointEvery: Interval;
  /** Checkpoints that stay: how many of the newest, and every Nth (0: none); the best always does. */
  readonly keep: number;
  readonly keepEvery: number;
  /** What follows if the disk is too full for a checkpoint. */
  readonly onFull: "continue" | "stop";
  /** Steps between evaluations; 0: only at the end. */
  readonly evalEvery: number;
  /** Evaluations without a better precision after which training stops; 0: never. */
  readonly patience: number;
  /** Where to go on; absent: at the start. */
  readonly resume?: LoadedCheckpoint;
  /** What to start from in place of random weights: blocks in the model's layouts. */
  readonly initial?: InitialBlocks;
  /** Ends the run after the step at hand, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Opens another device in place of one that was lost; absent: its loss ends the run. */
  readonly reopen?: () => Promise<Device>;
}

/** A window of steps, reported when its losses were read. */
export interface LogEvent {
  /** The last step of the window, counted from 0. */
  readonly step: number;
  /** Of the window's steps that this process did. */
  readonly losses: readonly StepLosses[];
  /** Of all steps of the window. */
  readonly meanLoss: number;
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
  /** The disk was too full for a checkpoint; `last` is the step of the newest good one. */
  onDiskFull?(error: UserError, step: number, last: number | undefined): void;
  /** How many of the images of an evaluation are done. */
  onEvaluating?(done: number, images: number): void;
  onEvaluation?(event: EvaluationEvent): void;
  /** Something that is not as it should be, and does not stop the run. */
  onWarning?(text: string): void;
  /** The device was lost, and another one goes on at `step`. */
  onRebuilt?(error: DeviceLostError, step: number): void;
}

/** How a run ended. */
export interface TrainResult {
  /** `interrupted` by the signal, or `stopped` early by `patience`. */
  readonly end: "finished" | "stopped" | "interrupted";
  /** Steps done, of the whole run. */
  readonly step: number;
  /** Steps done by this process, since the device was opened. */
  readonly steps: number;
  readonly evaluations: readonly EvaluationEvent[];
  /** The newest. */
  readonly checkpoint: string;
  readonly best: Best | null;
  /** Training time of this process, without evaluations and checkpoints, in seconds. */
  readonly seconds: number;
  /** What the queue of batches did over the whole run; absent if the device made them. */
  readonly input?: InputSummary;
}

/**
 * Trains, logs, checkpoints and evaluates, from the start or from a checkpoint. A device that is lost is
 * replaced once, and the run goes on from its newest checkpoint.
 *
 * @throws {NonFiniteLossError} if the loss becomes NaN or infinite; checkpoints stay.
 * @throws {UserError} if a checkpoint cannot be written.
 */
export async function train(options: TrainOptions, events: TrainEvents = {}): Promise<TrainResult> {
  const { reopen } = options;
  let isStarted = false;
  const onStart = async (summary: PlanSummary) => {
    isStarted = true;
    await events.onStart?.(summary);
  };
  try {
    return await trainOn(options, { ...events, onStart });
  } catch (error) {
    if (!(error instanceof DeviceLostError) || reopen === undefined) throw error;
    const device = await reopen();
    const resume = await newestOf(options, events);
    events.onRebuilt?.(error, resume?.state.step ?? 0);
    if (resume === undefined) options.journal.rewind(0);
    const again = isStarted ? { ...events, onStart: undefined } : events;
    return await trainOn({ ...options, device, resume }, again);
  }
}

async function trainOn(options: TrainOptions, events: TrainEvents): Promise<TrainResult> {
  const { resume, runDir, journal } = options;
  if (resume !== undefined) {
    const { step, loop } = resume.manifest;
    for (const folder of await listCheckpoints(runDir)) {
      // Of another course that the run had taken from here on.
      if (folder.step > step) await setAside(folder, "superseded");
    }
    if (!journal.rewind(loop.metricsBytes)) {
      events.onWarning?.(`the metrics of ${runDir} lack lines of the first ${step} steps`);
    }
  }
  await using session = await TrainingSession.open(options, events);
  return await session.run();
}

/** The newest good checkpoint, if there is any; damaged ones are set aside. */
async function newestOf(
  { runDir, model }: TrainOptions,
  events: TrainEvents,
): Promise<LoadedCheckpoint | undefined> {
  if ((await listCheckpoints(runDir)).length === 0) return undefined;
  const newest = await newestCheckpoint(runDir, ({ path }, error) => {
    events.onWarning?.(`${error.message}; ${path} is set aside`);
  });
  return unpackCheckpoint(newest, model, parameterLayout(model.parameters));
}
