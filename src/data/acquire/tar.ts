// Unpacks a gzipped tar archive of record files, and accepts nothing in it but what is expected.

import { createTarDecoder, type ParsedTarEntry } from "npm:modern-tar@0.8.6";
import { DataError, UserError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import type { AcquireReporter } from "./progress.ts";
import { fileBytes, type RecordFile, writeRecordFile } from "./record_files.ts";

/** What an archive holds. */
export interface ArchiveLayout {
  /** The one folder in it. */
  readonly root: string;
  /** All its record files. */
  readonly files: readonly RecordFile[];
  /** Other files in the folder, which are skipped. */
  readonly ignored: readonly string[];
}

const MAX_IGNORED_BYTES = 1 << 20;

/**
 * Unpacks the wanted files of an archive into `folder`, each verified before it gets its name.
 *
 * @param path of the archive
 * @param wanted some or all of `layout.files`
 * @throws {DataError} if the archive is damaged, lacks a file, or holds an entry whose name, type or
 *   size is not expected; files that were right until then are kept
 */
export async function unpackRecordFiles(
  path: string,
  folder: string,
  layout: ArchiveLayout,
  wanted: readonly RecordFile[],
  reporter: AcquireReporter,
): Promise<void> {
  const missing = new Set(layout.files.map((file) => `${layout.root}/${file.name}`));
  try {
    for await (const entry of await entriesOf(path, reporter)) {
      const file = checkEntry(entry.header, layout, path);
      if (file && !missing.delete(entry.header.name)) {
        throw refused(path, `the entry ${quoted(entry.header.name)} is there twice`);
      }
      if (file && wanted.includes(file)) await writeRecordFile(folder, file, entry.body, path);
      else await drain(entry.body);
    }
  } catch (error) {
    // A refusal of the system is no fault of the archive.
    const cause = ioError("read", path, error);
    if (cause instanceof UserError) throw cause;
    throw refused(path, (error as Error).message, error);
  }
  for (const name of missing) throw refused(path, `the entry ${quoted(name)} is missing`);
}

async function entriesOf(
  path: string,
  reporter: AcquireReporter,
): Promise<ReadableStream<ParsedTarEntry>> {
  const total = await fileBytes(path) ?? 0;
  let done = 0;
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      done += chunk.length;
      reporter.progress("unpacking", done, total);
      controller.enqueue(chunk);
    },
  });
  const archive = await Deno.open(path);
  return archive.readable
    .pipeThrough(counter)
    .pipeThrough(new DecompressionStream("gzip"))
    .pipeThrough(createTarDecoder({ strict: true }));
}

/** The record file that an entry is; undefined for what is skipped. */
function checkEntry(
  header: ParsedTarEntry["header"],
  layout: ArchiveLayout,
  path: string,
): RecordFile | undefined {
  const { name, size, type } = header;
  if (type === "directory" && (name === layout.root || name === `${layout.root}/`)) return;
  if (type === "file") {
    const file = layout.files.find((each) => name === `${layout.root}/${each.name}`);
    if (file && size === file.bytes) return file;
    if (file) {
      throw refused(path, `${quoted(name)} must hold ${file.bytes} bytes, found ${size}`);
    }
    const ignored = layout.ignored.some((each) => name === `${layout.root}/${each}`);
    if (ignored && size <= MAX_IGNORED_BYTES) return;
  }
  throw refused(path, `the entry ${quoted(name)} (${type}, ${size} bytes) is not expected`);
}

/**
 * Reads a body to its end. Canceling it would be shorter, but modern-tar 0.8.6 may by then already
 * be at the next entry, whose body it would then drop.
 */
async function drain(body: ReadableStream<Uint8Array>): Promise<void> {
  await body.pipeTo(new WritableStream());
}

function refused(path: string, reason: string, cause?: unknown): DataError {
  return new DataError(`Cannot unpack ${path}: ${reason}`, {
    hint: "name another copy of the archive with --data-url",
    cause,
  });
}

/** A name from outside, with its control characters made visible. */
function quoted(name: string): string {
  return JSON.stringify(name);
}
