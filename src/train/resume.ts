// Finds out where a run goes on, and whether it may.

import { ConfigError, UserError } from "../util/errors.ts";
import {
  type CheckpointFolder,
  listCheckpoints,
  setAside,
} from "./checkpoints/list_checkpoints.ts";
import type { Manifest } from "./checkpoints/manifest.ts";
import {
  type LoadedCheckpoint,
  newestCheckpoint,
  type VerifiedCheckpoint,
} from "./checkpoints/load_checkpoint.ts";
import { checkRecipe } from "./check_recipe.ts";
import { totalSteps, type TrainConfig } from "./config.ts";
import {
  checkAllowedNames,
  checkChanges,
  type ConfigChange,
  configChanges,
} from "./config_changes.ts";
import { flagName } from "./flags.ts";
import type { Recipe } from "./recipe.ts";
import { parseSavedRun, readSavedRun, type SavedRun } from "./saved_run.ts";
import { stateNames } from "./training_variables.ts";

/** How a run goes on. */
export interface ResumePlan {
  readonly config: TrainConfig;
  /** The run as it was. */
  readonly run: SavedRun;
  /** What is otherwise, and allowed. */
  readonly changes: readonly ConfigChange[];
  /** Absent: it was stopped before its first one, and starts anew. */
  readonly checkpoint?: VerifiedCheckpoint;
  /** What had been changed after the checkpoint was written, and does not hold any more. */
  readonly undone: readonly ConfigChange[];
}

/**
 * Looks for the newest good checkpoint of a run, sets damaged ones aside, and compares the settings with
 * those that it was written with.
 *
 * @param config the settings with all defaults, and `given` those of them that somebody asked for
 * @throws {ConfigError} if a setting differs that is not allowed to
 * @throws {UserError} if the folder holds no run, or only damaged checkpoints
 */
export async function planResume(
  runDir: string,
  { config, given, onDamaged }: {
    config: TrainConfig;
    given: Partial<TrainConfig>;
    onDamaged: (folder: CheckpointFolder, error: UserError) => void;
  },
): Promise<ResumePlan> {
  const { allowChange, workers, threads } = config;
  checkAllowedNames(allowChange, Object.keys(config).map(flagName));
  const damaged: CheckpointFolder[] = [];
  const checkpoint = (await listCheckpoints(runDir)).length === 0
    ? undefined
    : await newestCheckpoint(runDir, (folder, error) => {
      damaged.push(folder);
      onDamaged(folder, error);
    });
  // A manifest is guarded by its sum, a run's config.json is not.
  const run = checkpoint === undefined
    ? await readSavedRun(runDir)
    : parseSavedRun(checkpoint.manifest.run, checkpoint.path);
  const epochs = given.steps === undefined ? {} : { epochs: null };
  const own = { runDir, resume: true, allowChange };
  const resumed = { ...run.config, workers, threads, ...epochs, ...given, ...own };
  checkRecipe(resumed);
  const changes = configChanges(run.config, resumed);
  checkChanges(runDir, changes, allowChange);
  for (const folder of damaged) await setAside(folder, "damaged");
  const undone = damaged.length === 0 ? [] : await changesSince(runDir, run);
  return { config: resumed, run, changes, checkpoint, undone };
}

/** Whether a checkpoint is that of the run's end: its last step, or the one at which it stopped early. */
export function isAtEnd(
  { step, loop }: Manifest,
  config: TrainConfig,
  trainingImages: number,
): boolean {
  const { patience } = config;
  return step >= totalSteps(config, trainingImages) || patience > 0 && loop.sinceBest >= patience;
}

/**
 * Refuses a checkpoint whose optimizer kept other blocks than the run's does.
 *
 * @throws {ConfigError} naming both
 */
export function checkOptimizer(
  { path, state }: LoadedCheckpoint,
  recipe: Pick<Recipe, "optimizer" | "lookahead">,
): void {
  const [needed, found] = [stateNames(recipe), Object.keys(state.optimizer)];
  if ([...needed].sort().join() === found.sort().join()) return;
  const listed = (names: readonly string[]) => names.length === 0 ? "none" : names.join(", ");
  throw new ConfigError(
    `Cannot go on with --optimizer ${recipe.optimizer} from ${path}: it needs the optimizer state ${
      listed(needed)
    }, found ${listed(found)}`,
    { hint: `start a new run from its weights: --init-from ${path}` },
  );
}

/** How the settings in `config.json` differ from those of a checkpoint, where they can be read. */
async function changesSince(runDir: string, run: SavedRun): Promise<ConfigChange[]> {
  try {
    return configChanges((await readSavedRun(runDir)).config, run.config);
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}
