// CIFAR-100 (Krizhevsky, "Learning multiple layers of features from tiny images", 2009).

import { join } from "node:path";
import { ensureArchive, type FileOrigin } from "../acquire/archive.ts";
import type { FetchOptions } from "../acquire/data_folder.ts";
import type { Archive } from "../acquire/download.ts";
import { REPLACE_HINT } from "../acquire/record_files.ts";
import { CIFAR100_COARSE_CLASSES, CIFAR100_FINE_CLASSES } from "./cifar100_classes.ts";
import type { SplitFiles } from "./cifar10_files.ts";
import type { Dataset, DatasetOptions, Split } from "./dataset.ts";
import { recordDataset } from "./record_dataset.ts";
import type { RecordLayout } from "./record_store.ts";

/** Which of its two labels a record is taken by: one of 100 classes, or one of 20. */
export type Cifar100Labels = "fine" | "coarse";

/** The official archive. */
export const CIFAR100_ARCHIVE: Archive = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
  bytes: 168_513_733,
  sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
};

/** Bytes of a record: the coarse and the fine label, then three planes of 32x32. */
const RECORD_BYTES = 2 + 3 * 32 * 32;

/** The two official binary files: 50,000 training and 10,000 test records. */
export const CIFAR100_FILES: SplitFiles = {
  train: [{
    name: "train.bin",
    bytes: 50_000 * RECORD_BYTES,
    sha256: "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
  }],
  test: [{
    name: "test.bin",
    bytes: 10_000 * RECORD_BYTES,
    sha256: "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
  }],
};

const NAME = "cifar-100-binary.tar.gz";
const ROOT = "cifar-100-binary";
// The names of the classes are built in.
const IGNORED = ["coarse_label_names.txt", "fine_label_names.txt", "readme.html"];

const ORIGINS: Readonly<Record<FileOrigin, string>> = {
  present: "already there",
  archive: "from the official archive",
  fallback: "from another source",
};

function layoutOf(labels: Cifar100Labels): RecordLayout {
  return {
    format: { height: 32, width: 32, channels: 3, order: "CHW" },
    recordBytes: RECORD_BYTES,
    labelOffset: labels === "coarse" ? 0 : 1,
    labelBytes: 1,
    pixelOffset: 2,
  };
}

/**
 * CIFAR-100: 50,000 training and 10,000 test images. Files that are missing are fetched; every file
 * is verified by SHA-256 as it is read.
 *
 * @param overrides other files, for tests
 * @throws as `ensureArchive`
 */
export async function openCifar100(
  options: DatasetOptions,
  labels: Cifar100Labels = "fine",
  overrides: {
    readonly archive?: Archive;
    readonly files?: SplitFiles;
    readonly patience?: FetchOptions["patience"];
  } = {},
): Promise<Dataset> {
  const { dataDir, dataUrl, reporter } = options;
  const { archive = CIFAR100_ARCHIVE, files = CIFAR100_FILES, patience } = overrides;
  const layout = { root: ROOT, files: [...files.train, ...files.test], ignored: IGNORED };
  const origin = await ensureArchive({ name: NAME, archive, layout }, {
    dataDir,
    url: dataUrl,
    reporter,
    patience,
    verify: false,
    unreachableHint:
      `name another copy of the archive with --data-url, or put its train.bin and test.bin into ${dataDir}`,
  });
  const inFolder = (split: Split) =>
    files[split].map(({ name, ...known }) => ({ path: join(dataDir, name), ...known }));
  return recordDataset({
    name: labels === "fine" ? "cifar100" : "cifar100:coarse",
    classes: labels === "fine" ? CIFAR100_FINE_CLASSES : CIFAR100_COARSE_CLASSES,
    origin: `${dataDir} (${ORIGINS[origin]}), every file verified by sha256`,
    layout: layoutOf(labels),
    parts: { train: inFolder("train"), test: inFolder("test") },
    hint: REPLACE_HINT,
  }, options);
}
