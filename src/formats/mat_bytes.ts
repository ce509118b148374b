// Parts of a file as streams of bytes, and bytes taken from a stream in the lengths that are needed.

import { DataError, UserError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";

/** A part of a file: a zlib stream, or bytes as they are. */
export interface FilePart {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
  readonly compressed: boolean;
}

/** A chunk may inflate to a thousand times its length: what is compressed comes in small ones. */
const COMPRESSED_CHUNK_BYTES = 32 * 1024;
const CHUNK_BYTES = 256 * 1024;

/** The bytes of a part, inflated if it is compressed. */
export function partStream(part: FilePart): ReadableStream<Uint8Array> {
  const plain = ReadableStream.from(plainChunks(part));
  // "deflate" is the web's name of the zlib format (RFC 1950).
  return part.compressed ? plain.pipeThrough(new DecompressionStream("deflate")) : plain;
}

async function* plainChunks({ path, offset, bytes, compressed }: FilePart) {
  const most = compressed ? COMPRESSED_CHUNK_BYTES : CHUNK_BYTES;
  try {
    using file = await Deno.open(path);
    await file.seek(offset, Deno.SeekMode.Start);
    for (let left = bytes; left > 0;) {
      const chunk = new Uint8Array(Math.min(left, most));
      const count = await file.read(chunk);
      if (count === null) return;
      left -= count;
      yield chunk.subarray(0, count);
    }
  } catch (error) {
    throw ioError("read", path, error);
  }
}

/** Takes bytes from a stream; canceling it at the end of its scope. */
export class ByteTaker implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #source: string;
  #rest: Uint8Array = new Uint8Array(0);

  /** @param source names the file in messages */
  constructor(stream: ReadableStream<Uint8Array>, source: string) {
    this.#reader = stream.getReader();
    this.#source = source;
  }

  /**
   * Exactly `count` bytes, which the caller has found to be few.
   *
   * @throws {DataError} if the stream ends before
   */
  async take(count: number): Promise<Uint8Array> {
    const taken = new Uint8Array(count);
    let done = 0;
    for await (const piece of this.pieces(count)) {
      taken.set(piece, done);
      done += piece.length;
    }
    return taken;
  }

  /**
   * The next `count` bytes as they come.
   *
   * @throws {DataError} if the stream ends before
   */
  async *pieces(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0;) {
      if (!await this.#fill()) {
        throw new DataError(
          `Cannot read ${this.#source} as it is truncated: expected ${left} more bytes, found its end`,
        );
      }
      const piece = this.#rest.subarray(0, Math.min(left, this.#rest.length));
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** Whether nothing more comes; of a compressed stream, its checksum has then been verified. */
  async atEnd(): Promise<boolean> {
    return !await this.#fill();
  }

  async #fill(): Promise<boolean> {
    try {
      while (this.#rest.length === 0) {
        const { done, value } = await this.#reader.read();
        if (done) return false;
        this.#rest = value;
      }
      return true;
    } catch (error) {
      // What the system refused is a UserError by now; anything else is a fault of the zlib stream.
      if (error instanceof UserError) throw error;
      throw new DataError(
        `Cannot read ${this.#source}: expected zlib data, found damage (${
          (error as Error).message
        })`,
        { cause: error },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}
