// Where a user's model is: as the command line names its file, and as a run remembers it.

import { basename, dirname, isAbsolute, relative, resolve } from "node:path";
import type { TrainConfig } from "./config.ts";
import { CONFIG_FILE } from "./run_folder.ts";

/** Whether `--model` names a file, not one of kiln's own models. */
export function isModelFile(name: string): boolean {
  return /[/\\]|\.[mc]?[jt]s$/.test(name);
}

/** A model's name as it holds in any working folder: of a file its whole path. */
export function absoluteModel(name: string): string {
  return isModelFile(name) ? resolve(name) : name;
}

/** A run's settings as they are saved: its model can be found from any working folder. */
export function rooted(config: TrainConfig): TrainConfig {
  return { ...config, model: absoluteModel(config.model), runDir: resolve(config.runDir) };
}

/**
 * The model of a saved run: its file where it now lies as it then lay from the run's folder, so that both
 * can be moved or copied together; else where it was. Runs that were saved with a relative path keep it.
 *
 * @param source the run's `config.json` or the folder of one of its checkpoints
 */
export function locateModel(
  { model, runDir }: Pick<TrainConfig, "model" | "runDir">,
  source: string,
): string {
  if (!isModelFile(model) || !isAbsolute(model) || !isAbsolute(runDir)) return model;
  const around = dirname(resolve(source));
  const folder = basename(source) === CONFIG_FILE ? around : dirname(around);
  const moved = resolve(folder, relative(runDir, model));
  return isThere(moved) ? moved : model;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
