import { join } from "node:path";
import { ioError } from "../../util/io_errors.ts";

/** A checkpoint's folder. */
export interface CheckpointFolder {
  readonly path: string;
  /** Steps done. */
  readonly step: number;
}

/** The folder of a run's checkpoints. */
export function checkpointsFolder(runDir: string): string {
  return join(runDir, "checkpoints");
}

/** The folder of the checkpoint after `step` steps: `checkpoints/step-00002000`. */
export function checkpointPath(runDir: string, step: number): string {
  return join(checkpointsFolder(runDir), `step-${String(step).padStart(8, "0")}`);
}

/** The checkpoints of a run, rising by step; unfinished ones and those set aside do not count. */
export async function listCheckpoints(runDir: string): Promise<CheckpointFolder[]> {
  const folder = checkpointsFolder(runDir);
  const found: CheckpointFolder[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const step = /^step-(\d{8,})$/.exec(name)?.[1];
      if (isDirectory && step !== undefined) {
        found.push({ path: join(folder, name), step: Number(step) });
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw ioError("read", folder, error);
  }
  return found.sort((a, b) => a.step - b.step);
}

/**
 * Takes a checkpoint out of the way without losing it: under a name that no one takes for a good one.
 *
 * @param why part of that name: `damaged`, or `superseded` where a run goes on from an earlier one
 * @throws {UserError} if the system refuses
 */
export async function setAside(
  { path }: CheckpointFolder,
  why: "damaged" | "superseded",
): Promise<void> {
  const aside = `${path}.${why}-${crypto.randomUUID().slice(0, 8)}`;
  try {
    await Deno.rename(path, aside);
  } catch (error) {
    throw ioError("rename", path, error);
  }
}
