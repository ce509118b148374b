import type { Model } from "../nn/model.ts";
import type { ParameterLayout } from "../nn/parameters.ts";
import {
  newestCheckpoint,
  unpackCheckpoint,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from "../train/checkpoints/load_checkpoint.ts";
import { newestRun } from "../train/run_folder.ts";
import type { ModelValues } from "../train/trainer.ts";

/** Which checkpoint the flags name. */
export interface CheckpointChoice {
  readonly runDir: string | null;
  readonly checkpoint: string | null;
}

/**
 * The checkpoint that is asked for: that of the path, else the run's newest that is not damaged.
 *
 * @throws {UserError} if there is none
 * @throws {DataError} if the one of the path is damaged
 */
export async function chooseCheckpoint(
  { runDir, checkpoint }: CheckpointChoice,
): Promise<VerifiedCheckpoint> {
  if (checkpoint !== null) return await verifyCheckpoint(checkpoint);
  return await newestCheckpoint(runDir ?? await newestRun("runs"), (_, { message }) => {
    console.error(`${message}; taking an earlier one`);
  });
}

/** What a checkpoint has for a model: its moving averages or its weights as trained, and the running moments. */
export function modelValues(
  checkpoint: VerifiedCheckpoint,
  { model, layout, ema }: {
    readonly model: Model;
    readonly layout: ParameterLayout;
    readonly ema: boolean;
  },
): ModelValues {
  const { averages, parameters, statistics } = unpackCheckpoint(checkpoint, model, layout).state;
  return { parameters: ema ? averages : parameters, statistics };
}
