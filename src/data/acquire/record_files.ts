// Files of fixed-length records: verified while read, and written so that none is ever half there.

import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { syncFolder } from "../../util/atomic_file.ts";
import { DataError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";

/** One file of a data set: its name within the data folder, its exact length, its SHA-256 in hex. */
export interface RecordFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Ends the name of a file that is being written; such a file is never read. */
export const PARTIAL_SUFFIX = ".tmp";

const CHUNK_BYTES = 1 << 20;
/** What to do about a file that is missing or wrong. */
export const REPLACE_HINT = "delete it and run: deno task data";

/** Whether the data folder holds a file of this name, right or wrong. */
export async function fileExists(folder: string, file: RecordFile): Promise<boolean> {
  return await fileBytes(join(folder, file.name)) !== undefined;
}

/** The length of a file in bytes, or undefined if there is none. */
export async function fileBytes(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw ioError("read", path, error);
  }
}

/**
 * Reads one file and checks its length and SHA-256.
 *
 * @param into receives the content; exactly `file.bytes` long. Without it the file is only checked.
 * @throws {DataError} if the file is missing, truncated, too long or corrupted
 */
export async function readRecordFile(
  folder: string,
  file: RecordFile,
  into?: Uint8Array,
): Promise<void> {
  const path = join(folder, file.name);
  await checkLength(path, file.bytes, REPLACE_HINT);
  const hash = createHash("sha256");
  let position = 0;
  try {
    for await (const chunk of chunksOf(path)) {
      hash.update(chunk);
      into?.set(chunk, position);
      position += chunk.length;
    }
  } catch (error) {
    throw ioError("read", path, error);
  }
  checkSum(path, file.sha256, hash.digest("hex"), REPLACE_HINT);
}

/**
 * The length of a file that must be there.
 *
 * @param expected bytes; undefined: any
 * @throws {DataError} if it is missing, truncated or too long
 */
export async function checkLength(
  path: string,
  expected: number | undefined,
  hint: string,
): Promise<number> {
  const bytes = await fileBytes(path);
  if (bytes === undefined) {
    const content = expected === undefined ? "records" : `${expected} bytes`;
    throw new DataError(`Cannot find ${path}: expected a file of ${content}`, { hint });
  }
  if (expected !== undefined && bytes !== expected) {
    const fault = bytes < expected ? "truncated" : "too long";
    throw new DataError(
      `Cannot use ${path} as it is ${fault}: expected ${expected} bytes, found ${bytes}`,
      { hint },
    );
  }
  return bytes;
}

/** @throws {DataError} if the SHA-256 of a file, in hex, is not the expected one */
export function checkSum(path: string, expected: string, found: string, hint: string): void {
  if (found === expected) return;
  throw new DataError(
    `Cannot use ${path} as it is corrupted: expected sha256 ${expected}, found ${found}`,
    { hint },
  );
}

/** The SHA-256 of a file, in hex. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of chunksOf(path)) hash.update(chunk);
  } catch (error) {
    throw ioError("read", path, error);
  }
  return hash.digest("hex");
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  using source = await Deno.open(path);
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let count = await source.read(chunk); count !== null; count = await source.read(chunk)) {
    yield chunk.subarray(0, count);
  }
}

/**
 * Writes one file of the data folder: under a temporary name, flushed to disk, verified, then
 * renamed. The file is there whole and right, or not at all.
 *
 * @param content the chunks of the file in order
 * @param origin where the content comes from, for messages
 * @throws {DataError} if the content is not what `file` says
 * @throws {UserError} if the system refuses the file
 */
export async function writeRecordFile(
  folder: string,
  file: RecordFile,
  content: Chunks,
  origin: string,
): Promise<void> {
  await writeChunks(join(folder, file.name), content, {
    limit: file.bytes,
    check({ bytes, sha256 }) {
      if (bytes !== file.bytes) {
        const found = bytes > file.bytes ? "more" : `${bytes}`;
        throw wrongContent(file, origin, `${file.bytes} bytes`, found);
      }
      if (sha256 !== file.sha256) {
        throw wrongContent(file, origin, `sha256 ${file.sha256}`, sha256);
      }
    },
  });
}

/** The content of a file in its order. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** What was written. */
export interface Written {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/**
 * Writes a file under a temporary name, flushes it to disk and renames it; what `check` throws
 * prevents that.
 *
 * @param options limit: no more bytes are written, though the chunk that exceeds it is counted
 * @throws {UserError} if the system refuses the file
 */
export async function writeChunks(
  path: string,
  content: Chunks,
  options: { readonly limit?: number; readonly check?: (written: Written) => void } = {},
): Promise<Written> {
  const { limit = Infinity, check } = options;
  const partial = path + PARTIAL_SUFFIX;
  try {
    const hash = createHash("sha256");
    let bytes = 0;
    {
      using target = await Deno.open(partial, { write: true, create: true, truncate: true });
      for await (const chunk of content) {
        hash.update(chunk);
        bytes += chunk.length;
        if (bytes > limit) break;
        await writeAll(target, chunk);
      }
      await target.sync();
    }
    const written = { bytes, sha256: hash.digest("hex") };
    check?.(written);
    await Deno.rename(partial, path);
    await syncFolder(dirname(path));
    return written;
  } catch (error) {
    await removeIfThere(partial).catch(() => {});
    throw ioError("write", path, error);
  }
}

function wrongContent(file: RecordFile, origin: string, expected: string, found: string) {
  return new DataError(
    `Cannot take ${file.name} from ${origin}: expected ${expected}, found ${found}`,
    { hint: "try again, or name another copy of the archive with --data-url" },
  );
}

/** Writes a whole chunk, however many writes it takes. */
export async function writeAll(target: Deno.FsFile, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length;) done += await target.write(chunk.subarray(done));
}

/** Removes a file or folder with all it holds; no error if there is none. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw ioError("remove", path, error);
  }
}
