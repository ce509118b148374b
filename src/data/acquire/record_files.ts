// Files of fixed-length records: verified while read, and written so that none is ever half there.

import { createHash } from "node:crypto";
import { join } from "node:path";
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
const REPLACE_HINT = "delete it and run: deno task data";

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
  const bytes = await fileBytes(path);
  if (bytes === undefined) {
    throw new DataError(`Cannot find ${path}: expected a file of ${file.bytes} bytes`, {
      hint: "run: deno task data",
    });
  }
  if (bytes !== file.bytes) {
    const fault = bytes < file.bytes ? "truncated" : "too long";
    throw new DataError(
      `Cannot use ${path} as it is ${fault}: expected ${file.bytes} bytes, found ${bytes}`,
      { hint: REPLACE_HINT },
    );
  }
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
  const found = hash.digest("hex");
  if (found !== file.sha256) {
    throw new DataError(
      `Cannot use ${path} as it is corrupted: expected sha256 ${file.sha256}, found ${found}`,
      { hint: REPLACE_HINT },
    );
  }
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
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  origin: string,
): Promise<void> {
  const path = join(folder, file.name);
  const partial = path + PARTIAL_SUFFIX;
  try {
    const hash = createHash("sha256");
    let bytes = 0;
    {
      using target = await Deno.open(partial, { write: true, create: true, truncate: true });
      for await (const chunk of content) {
        hash.update(chunk);
        bytes += chunk.length;
        if (bytes > file.bytes) break;
        await writeAll(target, chunk);
      }
      await target.sync();
    }
    if (bytes !== file.bytes) {
      const found = bytes > file.bytes ? "more" : `${bytes}`;
      throw wrongContent(file, origin, `${file.bytes} bytes`, found);
    }
    const found = hash.digest("hex");
    if (found !== file.sha256) throw wrongContent(file, origin, `sha256 ${file.sha256}`, found);
    await Deno.rename(partial, path);
    await syncFolder(folder);
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
