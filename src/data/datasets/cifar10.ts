// CIFAR-10 (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): its files,
// and reading them.

import { join } from "node:path";
import { DataError } from "../../util/errors.ts";
import { readRecordFile, type RecordFile } from "../acquire/record_files.ts";
import { RECORD_BYTES, Records } from "../records.ts";

/** The classes, in the order of their labels 0 to 9. */
export const CIFAR10_CLASSES: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

/** The files of a data set that is split into training and test records. */
export interface SplitFiles {
  readonly train: readonly RecordFile[];
  readonly test: readonly RecordFile[];
}

const FILE_BYTES = 10_000 * RECORD_BYTES;

/** The six official binary files: 50,000 training and 10,000 test records. */
export const CIFAR10_FILES: SplitFiles = {
  train: [
    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
  ].map((sha256, index) => ({ name: `data_batch_${index + 1}.bin`, bytes: FILE_BYTES, sha256 })),
  test: [{
    name: "test_batch.bin",
    bytes: FILE_BYTES,
    sha256: "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
  }],
};

/** Which records to load. */
export type Split = keyof SplitFiles;

/**
 * Reads the training or test records into shared memory, each file verified by length and SHA-256,
 * each label checked. Takes about 0.15 s for the 50,000 training records.
 *
 * @param folder the data folder
 * @param split `"train"` or `"test"`
 * @param files other files in place of the official ones
 * @throws {DataError} one line that names the file, what was expected and what was found
 */
export async function loadCifar10(
  folder: string,
  split: Split,
  files: SplitFiles = CIFAR10_FILES,
): Promise<Records> {
  const parts = files[split];
  const total = parts.reduce((sum, file) => sum + file.bytes, 0);
  const buffer = new SharedArrayBuffer(total);
  let start = 0;
  for (const file of parts) {
    const part = new Uint8Array(buffer, start, file.bytes);
    await readRecordFile(folder, file, part);
    checkLabels(part, join(folder, file.name));
    start += file.bytes;
  }
  return new Records(buffer);
}

function checkLabels(bytes: Uint8Array, path: string): void {
  const last = CIFAR10_CLASSES.length - 1;
  for (let start = 0; start < bytes.length; start += RECORD_BYTES) {
    const label = bytes[start];
    if (label > last) {
      throw new DataError(
        `Cannot use ${path} as a label is out of range: expected 0 to ${last}, found ${label} in record ${
          start / RECORD_BYTES
        }`,
        { hint: "delete it and run: deno task data" },
      );
    }
  }
}
