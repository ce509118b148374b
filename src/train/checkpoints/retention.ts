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
  const old = (await listCheckpoints(runDir)).filter((folder) => folder.step <= step)
    .slice(0, -keep);
  for (const folder of old) {
    if (folder.step === best) continue;
    if (keepEvery > 0 && await isNth(folder, keepEvery)) continue;
    await removeFolder(folder.path);
  }
}

async function isNth({ path }: CheckpointFolder, every: number): Promise<boolean> {
  const number = await readManifest(path).then((manifest) => manifest.number, () => 0);
  return number > 0 && number % every === 0;
}
