// A run's folder: who may write to it, and what says that it holds a run.

import { join } from "node:path";
import { removeTemporaries, writeFileAtomic } from "../util/atomic_file.ts";
import { UserError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";
import { checkpointsFolder, listCheckpoints } from "./checkpoints/list_checkpoints.ts";
import { MANIFEST_FILE } from "./checkpoints/manifest.ts";

/** The name of the file of a run's settings. */
export const CONFIG_FILE = "config.json";
/** The name of the file of a run's metrics. */
export const METRICS_FILE = "metrics.jsonl";
const LOCK_FILE = ".lock";

/** A run's resolved configuration, as it is saved. */
export type SavedConfig = Readonly<Record<string, unknown>>;

/**
 * Takes a run's folder for this process, until the result is disposed of. The system gives the lock up
 * when a process ends, however it ends.
 *
 * @throws {UserError} if the folder cannot be written, or another process trains there
 */
export async function lockRunFolder(runDir: string): Promise<Disposable> {
  const checkpoints = checkpointsFolder(runDir);
  try {
    await Deno.mkdir(checkpoints, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: checkpoints, prefix: ".probe-" }));
  } catch (error) {
    throw ioError("create", runDir, error);
  }
  // Stays in the folder: removed, it would let one process lock the old file and one a new file.
  const path = join(runDir, LOCK_FILE);
  let file: Deno.FsFile | undefined;
  let isFree: boolean;
  try {
    file = await Deno.open(path, { create: true, write: true });
    isFree = await file.tryLock(true);
  } catch (error) {
    file?.close();
    throw ioError("lock", path, error);
  }
  if (!isFree) {
    file.close();
    throw new UserError(`Cannot train in ${runDir} as another process trains there`, {
      hint: "wait for it, stop it, or choose another --run-dir",
    });
  }
  await removeTemporaries(checkpoints, "step-");
  await removeTemporaries(runDir, CONFIG_FILE);
  await removeTemporaries(runDir, "diverged-");
  for (const { path } of await listCheckpoints(runDir)) {
    await removeTemporaries(path, MANIFEST_FILE);
  }
  return file;
}

/** @throws {UserError} if the folder holds a run already, or what is left of one */
export async function refuseRun(runDir: string): Promise<void> {
  if (await holdsRun(runDir)) {
    throw new UserError(`Cannot start a run in ${runDir} as it holds one already`, {
      hint: `go on with it: --resume --run-dir ${runDir}; or choose another --run-dir`,
    });
  }
  const left = await remainsOfRun(runDir);
  if (left === undefined) return;
  throw new UserError(`Cannot start a run in ${runDir} as it holds what is left of one: ${left}`, {
    hint: "choose another --run-dir, or move it away",
  });
}

/** @throws {UserError} if the folder holds no run; it is not made */
export async function requireRun(runDir: string): Promise<void> {
  if (await holdsRun(runDir)) return;
  throw new UserError(`Cannot resume ${runDir} as it holds no run`, {
    hint: "name the folder of a run with --run-dir, or leave out --resume to start one",
  });
}

async function holdsRun(runDir: string): Promise<boolean> {
  const hasConfig = await Deno.stat(join(runDir, CONFIG_FILE)).then(() => true, () => false);
  return hasConfig || (await listCheckpoints(runDir)).length > 0;
}

/** Lines of metrics, or a checkpoint that was set aside: a new run would overwrite or mix with them. */
async function remainsOfRun(runDir: string): Promise<string | undefined> {
  const { size } = await Deno.stat(join(runDir, METRICS_FILE)).catch(() => ({ size: 0 }));
  if (size > 0) return METRICS_FILE;
  for await (const { name } of Deno.readDir(checkpointsFolder(runDir))) {
    if (name.startsWith("step-")) return name;
  }
}

/** Saves a run's resolved configuration; from then on the folder holds a run. */
export async function saveConfig(runDir: string, config: SavedConfig): Promise<void> {
  await writeFileAtomic(join(runDir, CONFIG_FILE), JSON.stringify(config, null, 2) + "\n");
}

/** The run folder under `root` that was started last. @throws {UserError} if there is none. */
export async function newestRun(root: string): Promise<string> {
  let newest: { path: string; time: number } | undefined;
  try {
    for await (const entry of Deno.readDir(root)) {
      if (!entry.isDirectory) continue;
      const path = join(root, entry.name);
      const info = await Deno.stat(join(path, CONFIG_FILE)).catch(() => undefined);
      const time = info?.mtime?.getTime() ?? -1;
      if (info && (newest === undefined || time > newest.time)) newest = { path, time };
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw ioError("read", root, error);
  }
  if (newest === undefined) {
    throw new UserError(`no run found in ${root}`, { hint: "train first: deno task train" });
  }
  return newest.path;
}
