// Options and files for the tests of data sets.

import { join } from "node:path";
import { CorruptBudget } from "../../../src/data/corrupt_budget.ts";
import type { DatasetOptions } from "../../../src/data/datasets/dataset.ts";
import type { LoadOptions } from "../../../src/data/datasets/record_store.ts";
import { RandomStream, STREAMS } from "../../../src/util/random.ts";
import { RecordingReporter } from "../helpers.ts";

/** Options whose data are in `folder`, and a reporter that remembers. */
export function optionsIn(
  folder: string,
  more: Partial<DatasetOptions> = {},
): DatasetOptions & { reporter: RecordingReporter } {
  const reporter = new RecordingReporter();
  return {
    dataDir: join(folder, "data"),
    cacheDir: join(folder, "cache"),
    budget: new CorruptBudget(),
    imageSize: [32, 32],
    memoryLimit: 2 ** 30,
    workers: 1,
    ...more,
    reporter,
  };
}

/** Bytes that are the same for the same seed. */
export function randomBytes(count: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = new RandomStream(seed, STREAMS.test);
  return Uint8Array.from({ length: count }, () => random.uniformInt(256));
}

/** A layout of 10 bytes a record: a flag, a label, 2x2 pixels of 1 channel, 4 bytes of something else. */
export const SMALL_LAYOUT = {
  format: { height: 2, width: 2, channels: 1, order: "CHW" },
  recordBytes: 10,
  labelOffset: 1,
  labelBytes: 1,
  pixelOffset: 2,
} satisfies LoadOptions["layout"];

/** Records of that layout. */
export function smallRecords(labels: readonly number[], seed: number): Uint8Array<ArrayBuffer> {
  const bytes = randomBytes(labels.length * 10, seed);
  labels.forEach((label, record) => bytes[record * 10 + 1] = label);
  return bytes;
}

/** The pixels of records of that layout, one array a record. */
export function smallPixels(records: Uint8Array): number[][] {
  return Array.from(
    { length: Math.floor(records.length / 10) },
    (_, record) => [...records.subarray(record * 10 + 2, record * 10 + 6)],
  );
}
