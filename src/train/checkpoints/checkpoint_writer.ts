import { UserError } from "../../util/errors.ts";
import { isDiskFull } from "../../util/io_errors.ts";
import type { EvaluationEvent, TrainEvents, TrainOptions } from "../train.ts";
import { DivergedError, type Trainer, type TrainerState } from "../trainer.ts";
import { checkpointPath } from "./list_checkpoints.ts";
import type { LoopState } from "./loop_state.ts";
import type { CheckpointMetrics, Manifest } from "./manifest.ts";
import { removeOldCheckpoints } from "./retention.ts";
import { rewriteManifest, writeCheckpoint } from "./write_checkpoint.ts";

/** A checkpoint that was written. */
export interface WrittenCheckpoint {
  readonly path: string;
  readonly manifest: Manifest;
}

/** What the loop itself knows of its state. */
export type LoopFields = Omit<LoopState, "lossAverage" | "metricsBytes">;

/** What is known at a checkpoint. */
export interface SaveOptions {
  /** The evaluation at this step, if there was one. */
  readonly event: EvaluationEvent | undefined;
  /** Of the last step whose loss was read. */
  readonly loss: number | null;
  /** Whether a full disk is an error whatever was asked for. */
  readonly must: boolean;
  /** Whether it counts among those of which every Nth stays: one that a signal caused does not. */
  readonly counts: boolean;
}

/** Writes the checkpoints of a run when they are due, and removes those that need not stay. */
export class CheckpointWriter {
  readonly #options: TrainOptions;
  readonly #events: TrainEvents;
  readonly #trainer: Trainer;
  #last: WrittenCheckpoint | undefined;
  #savedAt = performance.now();

  constructor(options: TrainOptions, events: TrainEvents, trainer: Trainer) {
    this.#options = options;
    this.#events = events;
    this.#trainer = trainer;
    this.#last = options.resume;
  }

  /** The newest checkpoint. */
  get last(): WrittenCheckpoint | undefined {
    return this.#last;
  }

  /** Whether the interval since the last one is over. */
  isDue(): boolean {
    const { steps, seconds } = this.#options.checkpointEvery;
    if (steps !== undefined) return this.#trainer.step % steps === 0;
    return seconds !== undefined && performance.now() - this.#savedAt >= seconds * 1000;
  }

  /**
   * Writes a checkpoint of this step, or what has become known of the one that there is.
   *
   * @param loop what the loop goes on with
   * @returns false if the disk was full, and the run goes on
   * @throws {DivergedError} if weights, averages or running moments are not all finite; nothing is written
   * @throws {UserError} if it cannot be written; earlier ones are untouched
   */
  async save(loop: LoopFields, { event, loss, must, counts }: SaveOptions): Promise<boolean> {
    const state = await this.#trainer.saveState();
    checkFinite(state);
    const isThere = this.#last?.manifest.step === state.step;
    try {
      const metrics = metricsOf(loss, event);
      if (this.#last !== undefined && isThere) await this.#amend(this.#last, { loop, metrics });
      else await this.#write(state, { loop, metrics, counts });
    } catch (error) {
      this.#savedAt = performance.now();
      if (!(error instanceof UserError) || !isDiskFull(error)) throw error;
      const last = this.#last?.manifest.step;
      // What is trained is safe where only the manifest could not be replaced.
      const ends = this.#options.onFull === "stop" || must && !isThere;
      if (ends) throw this.#fullError(error, last);
      this.#events.onDiskFull?.(error, state.step, last);
      return isThere;
    }
    this.#savedAt = performance.now();
    const { runDir, keep, keepEvery } = this.#options;
    const best = loop.best?.step ?? null;
    await removeOldCheckpoints(runDir, state.step, { keep, keepEvery, best });
    return true;
  }

  /** Replaces the manifest; what was measured at this step stays known. */
  async #amend(
    { path, manifest: before }: WrittenCheckpoint,
    { loop, metrics }: { loop: LoopFields; metrics: CheckpointMetrics },
  ): Promise<void> {
    const { lossAverage } = before.loop;
    const manifest: Manifest = {
      ...before,
      metrics: metrics.set === null ? before.metrics : metrics,
      loop: { ...loop, lossAverage, metricsBytes: this.#options.journal.sync() },
    };
    await rewriteManifest(path, manifest);
    this.#last = { path, manifest };
  }

  async #write(
    state: TrainerState,
    { loop, metrics, counts }: { loop: LoopFields; metrics: CheckpointMetrics; counts: boolean },
  ): Promise<void> {
    const { journal, model, run, runDir } = this.#options;
    const { step, lossAverage } = state;
    const path = checkpointPath(runDir, step);
    const before = journal.sync();
    try {
      // Its own line is among those that belong to it, so that a resumed run has the same lines.
      journal.write({ kind: "checkpoint", step, path });
      const draft = {
        model: model.name,
        number: (this.#last?.manifest.number ?? 0) + (counts ? 1 : 0),
        configHash: run.configHash,
        metrics,
        loop: { ...loop, lossAverage, metricsBytes: journal.sync() },
        run: run.json,
      };
      const { layout, statisticsLayout: statistics } = this.#trainer.variables;
      this.#last = await writeCheckpoint(runDir, layout, { state, draft, statistics });
    } catch (error) {
      journal.rewind(before);
      throw error;
    }
    this.#events.onCheckpoint?.(path, step);
  }

  #fullError(error: UserError, last: number | undefined): UserError {
    const good = last === undefined ? "there is no checkpoint yet" : `step ${last} is safe`;
    const { runDir } = this.#options;
    return new UserError(error.message, {
      hint: `${good}; free some space, then: deno task train --resume --run-dir ${runDir}`,
      cause: error,
    });
  }
}

function metricsOf(loss: number | null, event: EvaluationEvent | undefined): CheckpointMetrics {
  return {
    loss,
    set: event?.set ?? null,
    precision: event?.weights.precision ?? null,
    precisionEma: event?.averages.precision ?? null,
  };
}

/**
 * The last step's losses are those before its update, and a ReLU hides what is not a number. Running moments
 * are in no loss at all while training: a variance that overflows shows in evaluations only.
 */
function checkFinite({ step, parameters, averages, optimizer, ...moments }: TrainerState): void {
  const { statistics = [], slowStatistics = [] } = moments;
  const blocks = [parameters, averages, ...Object.values(optimizer), statistics, slowStatistics];
  for (const values of blocks) {
    const found = values.find((value) => !Number.isFinite(value));
    if (found === undefined) continue;
    throw new DivergedError({ step: step - 1, quantity: "update", value: found, before: [] });
  }
}
