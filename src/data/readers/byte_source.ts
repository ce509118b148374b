// The bytes of one file in order, decompressed if need be.

import { DataError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";

/** How a file is compressed as a whole. */
export type FileEncoding = "none" | "gzip" | "zlib";

/** Sees the bytes of files go by, as they stand on the disk: a checksum costs no second reading. */
export interface FileWatcher {
  /** The next bytes of a file; valid during the call. */
  bytes(path: string, bytes: Uint8Array): void;
  /** The file was read to its end; what this throws, the reader throws. */
  end(path: string): void;
}

/** A file that is being read. */
export interface ByteSource extends Disposable {
  /** Puts the next bytes into `target`; returns how many, 0 at the end. */
  read(target: Uint8Array): Promise<number>;
}

/**
 * Opens a file.
 *
 * @throws {UserError} if the system refuses it
 */
export async function openByteSource(
  path: string,
  encoding: FileEncoding,
  watcher?: FileWatcher,
): Promise<ByteSource> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    throw ioError("read", path, error);
  }
  const plain = new PlainSource(path, file, watcher);
  return encoding === "none" ? plain : new DecompressedSource(path, plain, encoding);
}

class PlainSource implements ByteSource {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #watcher: FileWatcher | undefined;

  constructor(path: string, file: Deno.FsFile, watcher: FileWatcher | undefined) {
    this.#path = path;
    this.#file = file;
    this.#watcher = watcher;
  }

  async read(target: Uint8Array): Promise<number> {
    let count: number | null;
    try {
      count = await this.#file.read(target);
    } catch (error) {
      throw ioError("read", this.#path, error);
    }
    if (count === null) this.#watcher?.end(this.#path);
    else this.#watcher?.bytes(this.#path, target.subarray(0, count));
    return count ?? 0;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Small, because a chunk may inflate to a thousand times its length. */
const CHUNK_BYTES = 32 * 1024;

class DecompressedSource implements ByteSource {
  readonly #path: string;
  readonly #plain: ByteSource;
  readonly #encoding: "gzip" | "zlib";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  /** A failure of the file itself, which the decompression would hide. */
  #failure: unknown;

  constructor(path: string, plain: ByteSource, encoding: "gzip" | "zlib") {
    this.#path = path;
    this.#plain = plain;
    this.#encoding = encoding;
    const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        const chunk = new Uint8Array(CHUNK_BYTES);
        const count = await this.#readPlain(chunk);
        if (count === 0) controller.close();
        else controller.enqueue(chunk.subarray(0, count));
      },
    });
    // "deflate" is the web's name of the zlib format (RFC 1950).
    const format = encoding === "gzip" ? "gzip" : "deflate";
    this.#reader = packed.pipeThrough(new DecompressionStream(format)).getReader();
  }

  async #readPlain(chunk: Uint8Array): Promise<number> {
    try {
      return await this.#plain.read(chunk);
    } catch (error) {
      throw this.#failure = error;
    }
  }

  async read(target: Uint8Array): Promise<number> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#next();
      if (done) return 0;
      this.#rest = value;
    }
    const count = Math.min(target.length, this.#rest.length);
    target.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  async #next(): Promise<ReadableStreamReadResult<Uint8Array>> {
    try {
      return await this.#reader.read();
    } catch (error) {
      if (this.#failure !== undefined) throw this.#failure;
      const reason = (error as Error).message;
      throw new DataError(
        `Cannot read ${this.#path}: expected ${this.#encoding} data, found a damaged or different file (${reason})`,
        { hint: "check the file, and how it is compressed", cause: error },
      );
    }
  }

  [Symbol.dispose](): void {
    // A pull may still be under way: the file is closed when it is over.
    this.#reader.cancel().catch(() => {}).finally(() => this.#plain[Symbol.dispose]());
  }
}
