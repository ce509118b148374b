import { join } from "node:path";
import { writeFileAtomic } from "../util/atomic_file.ts";
import { UserError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";

/** The name of the file of a run's settings. */
export const CONFIG_FILE = "config.json";

/** A run's resolved configuration, as it is saved. */
export type SavedConfig = Readonly<Record<string, unknown>>;

/**
 * Makes a run's folder. Done before anything slow, so that an unwritable folder is found at once.
 *
 * @throws {UserError} if the folder cannot be written, or holds a run already.
 */
export async function claimRunFolder(runDir: string): Promise<void> {
  try {
    const checkpoints = join(runDir, "checkpoints");
    await Deno.mkdir(checkpoints, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: checkpoints, prefix: ".probe-" }));
  } catch (error) {
    throw ioError("create", runDir, error);
  }
  if (await exists(join(runDir, CONFIG_FILE))) {
    throw new UserError(`Cannot start a run in ${runDir} as it holds one already`, {
      hint: "choose another --run-dir, or remove the folder",
    });
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

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
