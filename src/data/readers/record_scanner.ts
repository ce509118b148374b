// Finds the fixed-length records of one file.

import { DataError } from "../../util/errors.ts";
import type { ByteSource } from "./byte_source.ts";

/** How records lie in a file, bytes. */
export interface RecordFraming {
  /** Before the first record. */
  readonly headerBytes: number;
  readonly recordBytes: number;
  /** After the last record. */
  readonly footerBytes: number;
  /** From the start of one record to the start of the next; fewer than `recordBytes` overlap. */
  readonly hopBytes: number;
}

const BUFFER_BYTES = 256 * 1024;

/**
 * Walks through the records of one file. The footer may be anything, so a record is one only when
 * `footerBytes` more have come: the length of a compressed file is known at its end alone.
 */
export class RecordScanner implements Disposable {
  readonly path: string;
  readonly #source: ByteSource;
  readonly #framing: RecordFraming;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  /** What is in the buffer and not used up: from #start to #end. */
  #start = 0;
  #end = 0;
  /** Bytes to pass over before the next record, be they in the buffer or to come. */
  #pass: number;
  /** Offset of the next record. */
  #next: number;
  #total = 0;
  #ended = false;
  #count = 0;

  constructor(path: string, source: ByteSource, framing: RecordFraming) {
    this.path = path;
    this.#source = source;
    this.#framing = framing;
    const needed = framing.recordBytes + framing.footerBytes;
    this.#buffer = new Uint8Array(Math.max(BUFFER_BYTES, needed));
    this.#pass = this.#next = framing.headerBytes;
  }

  /** How many records were taken. */
  get count(): number {
    return this.#count;
  }

  /** The next record if the buffer holds it, valid until the next `fill`. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const { recordBytes, footerBytes, hopBytes } = this.#framing;
    this.#passOver();
    if (this.#pass > 0 || this.#end - this.#start < recordBytes + footerBytes) return undefined;
    this.#pass = hopBytes;
    this.#next += hopBytes;
    this.#count++;
    return this.#buffer.subarray(this.#start, this.#start + recordBytes);
  }

  /** Reads on, once `take` has nothing more; false at the end of the file. */
  async fill(): Promise<boolean> {
    if (this.#ended) return false;
    this.#passOver();
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const count = await this.#source.read(this.#buffer.subarray(this.#end));
    this.#end += count;
    this.#total += count;
    this.#ended = count === 0;
    return count > 0;
  }

  #passOver(): void {
    const count = Math.min(this.#pass, this.#end - this.#start);
    this.#start += count;
    this.#pass -= count;
  }

  /** At the end of the file: what is wrong with what came behind the last record. */
  tailFault(): DataError | undefined {
    const { headerBytes, recordBytes, footerBytes, hopBytes } = this.#framing;
    const found = this.#total - footerBytes - this.#next;
    // Where records overlap, the last one has already covered the start of the one that is not there.
    const covered = this.#count === 0 ? 0 : Math.max(0, recordBytes - hopBytes);
    const tooShort = this.#count === 0 && found < 0;
    if (found <= covered && !tooShort) return undefined;
    const layout = `${headerBytes} header bytes, records of ${recordBytes} and ` +
      `${footerBytes} footer bytes`;
    const place = tooShort
      ? `a file of ${this.#total} bytes`
      : `${found} bytes at offset ${this.#next} for record ${this.#count}`;
    return new DataError(
      `Cannot read ${this.path} as it is truncated: expected ${layout}, found ${place}`,
      { hint: "replace the file, or let damaged examples be left out with --skip-corrupt" },
    );
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
  }
}
