import { ensureCifar10 } from "../data/acquire/acquire.ts";
import { CIFAR10_FILES, loadCifar10 } from "../data/datasets/cifar10.ts";
import type { DataConfig } from "../train/config.ts";
import { formatCount } from "../util/units.ts";

/** Puts the six files into the data folder and verifies them: `deno task data`. */
export async function dataCommand({ dataDir, dataUrl, source }: DataConfig): Promise<void> {
  const from = await ensureCifar10({ dataDir, url: dataUrl ?? undefined, source });
  const counts = [];
  for (const split of ["train", "test"] as const) {
    const records = await loadCifar10(dataDir, split);
    counts.push(
      `${formatCount(records.count)} ${split} images in ${CIFAR10_FILES[split].length} file(s)`,
    );
  }
  console.log(`${dataDir}: ${counts.join(", ")}, every file verified (source: ${from})`);
}
