// Small synthetic data sets, temporary folders and a reporter that remembers, for the tests of data.

import { createHash } from "node:crypto";
import { join } from "node:path";
import type { SplitFiles } from "../../src/data/datasets/cifar10.ts";
import type { AcquireReporter } from "../../src/data/acquire/progress.ts";
import type { RecordFile } from "../../src/data/acquire/record_files.ts";
import { RECORD_BYTES } from "../../src/data/datasets/cifar10_files.ts";
import { RandomStream, STREAMS } from "../../src/util/random.ts";

/** A temporary folder inside the repository's ignored cache, removed at the end of the block. */
export async function temporaryFolder() {
  const parent = join(import.meta.dirname!, "../../.cache/tests");
  await Deno.mkdir(parent, { recursive: true });
  const path = await Deno.makeTempDir({ dir: parent });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Random records with labels 0 to 9; the same for the same seed. */
export function randomRecords(count: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = new RandomStream(seed, STREAMS.test);
  const bytes = new Uint8Array(count * RECORD_BYTES);
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
  for (let i = 0; i < words.length; i++) words[i] = random.uint32();
  for (let record = 0; record < count; record++) bytes[record * RECORD_BYTES] = record % 10;
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function describe(name: string, bytes: Uint8Array): RecordFile {
  return { name, bytes: bytes.length, sha256: sha256(bytes) };
}

/** A data set of two training files (4 and 3 records) and one test file (2 records). */
export function smallDataSet() {
  const contents = new Map([
    ["data_batch_1.bin", randomRecords(4, 1)],
    ["data_batch_2.bin", randomRecords(3, 2)],
    ["test_batch.bin", randomRecords(2, 3)],
  ]);
  const [first, second, test] = Array.from(contents, ([name, bytes]) => describe(name, bytes));
  const files: SplitFiles = { train: [first, second], test: [test] };
  return { contents, files, all: [first, second, test] };
}

export async function writeFiles(
  folder: string,
  contents: Iterable<readonly [string, Uint8Array]>,
): Promise<void> {
  for (const [name, bytes] of contents) await Deno.writeFile(join(folder, name), bytes);
}

export async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) names.push(entry.name);
  return names.sort();
}

/** Keeps what it is told. */
export class RecordingReporter implements AcquireReporter {
  readonly messages: string[] = [];
  readonly steps: [label: string, done: number, total: number][] = [];

  message(text: string): void {
    this.messages.push(text);
  }

  progress(label: string, done: number, total: number): void {
    this.steps.push([label, done, total]);
  }
}
