// CIFAR-10 (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): its classes
// and official files.

import type { RecordFile } from "../acquire/record_files.ts";

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

/** Color channels of an image: red, green, blue. */
export const CHANNELS = 3;
/** Bytes of one color plane: 32x32, row-major. */
export const PLANE_BYTES = 32 * 32;
/** Bytes of one record: one label byte, then the planes. */
export const RECORD_BYTES = 1 + CHANNELS * PLANE_BYTES;
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
