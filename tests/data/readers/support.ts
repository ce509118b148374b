// Files of numbered bytes and readers over them.

import { join } from "node:path";
import { FixedLengthRecordReader } from "../../../src/data/readers/record_reader.ts";
import type { FileRecord, RecordReaderOptions } from "../../../src/data/readers/record_reader.ts";
import { OutOfRangeError } from "../../../src/data/queues/errors.ts";
import { FIFOQueue } from "../../../src/data/queues/fifo_queue.ts";

/** Bytes that tell where they stand: 0, 1, 2 and so on, modulo 251. */
export function numbered(count: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count }, (_, i) => i % 251);
}

/** Writes files of the given contents, and a closed queue of their paths. */
export async function queueOfFiles(
  folder: string,
  contents: readonly Uint8Array[],
): Promise<{ queue: FIFOQueue<string>; paths: string[] }> {
  const queue = new FIFOQueue<string>({ name: "files", capacity: Math.max(1, contents.length) });
  const paths = contents.map((_, index) => join(folder, `${index}.bin`));
  for (const [index, bytes] of contents.entries()) {
    await Deno.writeFile(paths[index], bytes);
    await queue.enqueue(paths[index]);
  }
  await queue.close();
  return { queue, paths };
}

/** All records of files, read one by one until the queue is out of names. */
export async function readAll(
  folder: string,
  contents: readonly Uint8Array[],
  options: RecordReaderOptions,
): Promise<{ records: FileRecord[]; reader: FixedLengthRecordReader; paths: string[] }> {
  const { queue, paths } = await queueOfFiles(folder, contents);
  const reader = new FixedLengthRecordReader(queue, options);
  const records: FileRecord[] = [];
  try {
    while (true) records.push(await reader.read());
  } catch (error) {
    reader.close();
    if (!(error instanceof OutOfRangeError)) throw error;
  }
  return { records, reader, paths };
}

/** What a web stream makes of bytes. */
export async function packed(
  bytes: Uint8Array<ArrayBuffer>,
  format: "gzip" | "deflate",
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
