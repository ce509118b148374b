// Reads fixed-length records from files whose names come from a queue (TensorFlow's
// FixedLengthRecordReader).

import type { DataError } from "../../util/errors.ts";
import type { CorruptBudget } from "../corrupt_budget.ts";
import { type FileEncoding, type FileWatcher, openByteSource } from "./byte_source.ts";
import { type RecordFraming, RecordScanner } from "./record_scanner.ts";

/** Where file names come from: any queue of strings. */
export interface FileNameQueue {
  /** Waits for the next name; rejects with `OutOfRangeError` when no more can come. */
  dequeue(options?: { signal?: AbortSignal }): Promise<string>;
}

/** How records lie in the files, and what to do with damaged ones. */
export interface RecordReaderOptions {
  readonly recordBytes: number;
  /** Default 0. */
  readonly headerBytes?: number;
  /** Default 0. */
  readonly footerBytes?: number;
  /** From the start of one record to the start of the next. Default: `recordBytes`. */
  readonly hopBytes?: number;
  /** Lengths and offsets count decompressed bytes. Default `none`. */
  readonly encoding?: FileEncoding;
  /** Default: a truncated file is an error. */
  readonly budget?: CorruptBudget;
  /** Sees the bytes of the files go by. */
  readonly watcher?: FileWatcher;
  /** Records are views of the reader's buffer, valid until the next read. Default: copies. */
  readonly borrow?: boolean;
}

/** A record and where it stands. */
export interface FileRecord {
  /** `<file>:<number>` */
  readonly key: string;
  readonly path: string;
  /** Counts from 0 in each file. */
  readonly number: number;
  readonly value: Uint8Array<ArrayBuffer>;
}

/** When to stop waiting. */
export interface ReadOptions {
  readonly signal?: AbortSignal;
}

/**
 * Reads the records of one file after the other. Its place is its own state: each read gives the
 * next record, whoever calls; calls are served in their order. Records never span files.
 */
export class FixedLengthRecordReader implements Disposable {
  readonly #names: FileNameQueue;
  readonly #framing: RecordFraming;
  readonly #encoding: FileEncoding;
  readonly #budget: CorruptBudget | undefined;
  readonly #watcher: FileWatcher | undefined;
  readonly #borrow: boolean;
  #file: RecordScanner | undefined;
  #lastTurn: Promise<void> = Promise.resolve();
  #recordsProduced = 0;
  #filesCompleted = 0;

  /** @throws {RangeError} if a length is negative or no whole number, or that of a record or hop is 0 */
  constructor(names: FileNameQueue, options: RecordReaderOptions) {
    this.#names = names;
    this.#framing = framingOf(options);
    this.#encoding = options.encoding ?? "none";
    this.#budget = options.budget;
    this.#watcher = options.watcher;
    this.#borrow = options.borrow ?? false;
  }

  /** Records given out so far. */
  get recordsProduced(): number {
    return this.#recordsProduced;
  }

  /** Files read to their end so far. */
  get filesCompleted(): number {
    return this.#filesCompleted;
  }

  /**
   * The next record, from the next file if need be.
   *
   * @throws {OutOfRangeError} (of the queue) if all files are read and no further name can come
   * @throws {DataError} if the file is truncated beyond the budget; the next read goes on with the
   *   next file
   * @throws {UserError} if a file cannot be read
   */
  async read(options: ReadOptions = {}): Promise<FileRecord> {
    return (await this.readUpTo(1, options))[0];
  }

  /**
   * The next records of one file, at least one and at most `count`: fewer at the end of a file, so
   * that what is there need not wait for the next name; and fewer borrowed ones at the end of the
   * buffer.
   *
   * @throws as `read`
   */
  async readUpTo(count: number, { signal }: ReadOptions = {}): Promise<FileRecord[]> {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(
        `Cannot read records as their count must be at least 1: current value is ${count}`,
      );
    }
    const turn = Promise.withResolvers<void>();
    const before = this.#lastTurn;
    this.#lastTurn = before.then(() => turn.promise);
    try {
      await orAborted(before, signal);
      return await this.#readUpTo(count, signal);
    } finally {
      turn.resolve();
    }
  }

  async #readUpTo(count: number, signal: AbortSignal | undefined): Promise<FileRecord[]> {
    const records: FileRecord[] = [];
    while (true) {
      signal?.throwIfAborted();
      const file = this.#file ??= await this.#openNext(signal);
      try {
        do this.#take(file, count, records); while (
          records.length < count && !(this.#borrow && records.length > 0) && await file.fill()
        );
      } catch (error) {
        this.close();
        throw error;
      }
      this.#recordsProduced += records.length;
      // Whether the file has ended as it should is then for the next call to say.
      if (records.length > 0) return records;
      this.close();
      this.#filesCompleted++;
      const fault = file.tailFault();
      if (fault !== undefined) this.#skip(fault);
    }
  }

  /** Takes what the file has in its buffer. */
  #take(file: RecordScanner, count: number, into: FileRecord[]): void {
    const { path } = file;
    while (into.length < count) {
      const number = file.count;
      const view = file.take();
      if (view === undefined) return;
      const value = this.#borrow ? view : view.slice();
      into.push({ key: `${path}:${number}`, path, number, value });
    }
  }

  #skip(fault: DataError): void {
    if (this.#budget === undefined) throw fault;
    this.#budget.skip(fault);
  }

  async #openNext(signal: AbortSignal | undefined): Promise<RecordScanner> {
    const path = await this.#names.dequeue({ signal });
    const source = await openByteSource(path, this.#encoding, this.#watcher);
    return new RecordScanner(path, source, this.#framing);
  }

  /** Closes the file that is being read; the rest of its records is not read any more. */
  close(): void {
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function framingOf(options: RecordReaderOptions): RecordFraming {
  const { recordBytes, headerBytes = 0, footerBytes = 0, hopBytes = recordBytes } = options;
  const framing = { headerBytes, recordBytes, footerBytes, hopBytes };
  for (const [name, value] of Object.entries(framing)) {
    const least = name === "recordBytes" || name === "hopBytes" ? 1 : 0;
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new RangeError(
      `Cannot read records as ${name} must be a whole number of at least ${least}: current value is ${value}`,
    );
  }
  return framing;
}

/** The promise, or the signal's reason as soon as that is aborted. */
async function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
