import { removeFolder } from "../../util/atomic_file.ts";
import { type CheckpointFolder, listCheckpoints } from "./list_checkpoints.ts";
import { readManifest } from "./manifest.ts";

/** Which checkpoints of a run stay. */
export interface Retention {
  /** How many of the newest. */
  readonly keep: number;
  /** Every Nth of the run stays for good; 0: none. */
  readonly keepEvery: number;
  /** The step of the best one, which stays. */
  readonly best: number | null;
}

/** Removes the checkpoints that need not stay; one whose manifest cannot be read is no Nth. */
export async function removeOldCheckpoints(runDir: string, retention: Retention): Promise<void> {
  const { keep, keepEvery, best } = retention;
  const old = (await listCheckpoints(runDir)).slice(0, -keep);
  for (const folder of old) {
    if (folder.step === best) continue;
    if (keepEvery > 0 && await numberOf(folder) % keepEvery === 0) continue;
    await removeFolder(folder.path);
  }
}

async function numberOf({ path }: CheckpointFolder): Promise<number> {
  return await readManifest(path).then(({ number }) => number, () => NaN);
}
