import { NonFiniteLossError, UserError } from "../../util/errors.ts";
import { isDiskFull } from "../../util/io_errors.ts";
import type { EvaluationEvent, TrainEvents, TrainOptions } from "../train.ts";
import { DIVERGED_HINT, type Trainer, type TrainerState } from "../trainer.ts";
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
   * @param event the evaluation at this step, if there was one
   * @param loss of the last step whose loss was read
   * @param must whether a full disk is an error whatever was asked for
   * @returns false if the disk was full, and the run goes on
   * @throws {NonFiniteLossError} if the weights are not all finite; nothing is written
   * @throws {UserError} if it cannot be written; earlier ones are untouched
   */
  async save(
    loop: Omit<LoopState, "lossAverage" | "metricsBytes">,
    { event, loss, must }: { event?: EvaluationEvent; loss: number | null; must: boolean },
  ): Promise<boolean> {
    const state = await this.#trainer.saveState();
    checkFinite(state);
    try {
      await this.#write(state, loop, metricsOf(loss, event));
    } catch (error) {
      this.#savedAt = performance.now();
      if (!(error instanceof UserError) || !isDiskFull(error)) throw error;
      const last = this.#last?.manifest.step;
      if (must || this.#options.onFull === "stop") throw this.#fullError(error, last);
      this.#events.onDiskFull?.(error, state.step, last);
      return false;
    }
    this.#savedAt = performance.now();
    const { runDir, keep, keepEvery } = this.#options;
    await removeOldCheckpoints(runDir, { keep, keepEvery, best: loop.best?.step ?? null });
    return true;
  }

  async #write(
    state: TrainerState,
    loop: Omit<LoopState, "lossAverage" | "metricsBytes">,
    metrics: CheckpointMetrics,
  ): Promise<void> {
    const { journal, model, run, runDir } = this.#options;
    const { step, lossAverage } = state;
    const draft = {
      model: model.name,
      configHash: run.configHash,
      metrics,
      loop: { ...loop, lossAverage, metricsBytes: journal.sync() },
      run: run.json,
    };
    const last = this.#last;
    if (last?.manifest.step === step) {
      const manifest = { ...last.manifest, ...draft };
      await rewriteManifest(last.path, manifest);
      this.#last = { path: last.path, manifest };
      return;
    }
    const path = checkpointPath(runDir, step);
    const before = draft.loop.metricsBytes;
    try {
      // Its own line is among those that belong to it, so that a resumed run has the same lines.
      journal.write({ kind: "checkpoint", step, path });
      const number = (last?.manifest.number ?? 0) + 1;
      const full = { ...draft, number, loop: { ...draft.loop, metricsBytes: journal.sync() } };
      this.#last = await writeCheckpoint(runDir, this.#trainer.variables.layout, {
        state,
        draft: full,
      });
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

/** The last step's losses are those before its update, and a ReLU hides what is not a number. */
function checkFinite({ step, parameters, averages, optimizer }: TrainerState): void {
  for (const values of [parameters, averages, ...Object.values(optimizer)]) {
    if (values.every(Number.isFinite)) continue;
    throw new NonFiniteLossError(
      `the weights after step ${step - 1} are not all finite: training has diverged`,
      { hint: DIVERGED_HINT },
    );
  }
}
