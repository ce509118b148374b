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

/**
 * Removes the checkpoints that need not stay; one whose manifest cannot be read is no Nth.
 *
 * @param step the newest that counts: later ones are of another course of the run, and left alone
 */
export async function removeOldCheckpoints(
  runDir: string,
  step: number,
  { keep, keepEvery, best }: Retention,
): Promise<void> {
  const all = (await listCheckpoints(runDir)).filter((folder) => folder.step <= step);
  const newest = new Set(all.slice(-keep));
  let counted = 0;
  for (const folder of all) {
    if (newest.has(folder) || folder.step === best) continue;
    if (keepEvery > 0) {
      const number = await numberOf(folder);
      // One that a signal caused has the number of the one before it.
      const isNth = number > counted && number % keepEvery === 0;
      counted = Math.max(counted, number);
      if (isNth) continue;
    }
    await removeFolder(folder.path);
  }
}

async function numberOf({ path }: CheckpointFolder): Promise<number> {
  return await readManifest(path).then((manifest) => manifest.number, () => 0);
}
