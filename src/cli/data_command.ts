import { createReporter } from "../data/acquire/progress.ts";
import { ensureCifar10 } from "../data/acquire/acquire.ts";
import type { DataConfig } from "../train/config.ts";
import { dataDirOf, openSource } from "../train/run_data.ts";
import { formatCount } from "../util/units.ts";

/** Fetches a data set, or decodes a folder of images, and verifies it: `deno task data`. */
export async function dataCommand(config: DataConfig): Promise<void> {
  const { dataset: name, dataUrl, source } = config;
  const dataDir = dataDirOf(config);
  if (name === "cifar10") {
    await ensureCifar10({ dataDir, url: dataUrl ?? undefined, source });
  }
  const dataset = await openSource(config, createReporter());
  const counts: string[] = [];
  for (const split of dataset.splits) {
    using store = await dataset.open(split);
    counts.push(`${formatCount(store.count)} ${split} images`);
  }
  const classes = `${formatCount(dataset.classes.length)} classes`;
  console.log(`${dataset.name}: ${counts.join(", ")} of ${classes}; ${dataset.origin}`);
}
