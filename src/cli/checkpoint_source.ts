import {
  newestCheckpoint,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from "../train/checkpoints/load_checkpoint.ts";
import { newestRun } from "../train/run_folder.ts";

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
