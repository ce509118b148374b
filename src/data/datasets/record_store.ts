// From files of fixed-length records to an image store: the one way in.

import { createHash, type Hash } from "node:crypto";
import { DataError } from "../../util/errors.ts";
import { checkLength, checkSum, sha256OfFile } from "../acquire/record_files.ts";
import type { CorruptBudget } from "../corrupt_budget.ts";
import {
  imageBytes,
  type ImageFormat,
  ImageStore,
  type RecordFileRange,
  sharedLabels,
} from "../image_store.ts";
import { Coordinator } from "../queues/coordinator.ts";
import { OutOfRangeError } from "../queues/errors.ts";
import { inputProducer } from "../queues/input_producer.ts";
import type { FileWatcher } from "../readers/byte_source.ts";
import { type FileRecord, FixedLengthRecordReader } from "../readers/record_reader.ts";

/** Where label and image stand in a record, and how records lie in a file, bytes. */
export interface RecordLayout {
  readonly format: ImageFormat;
  readonly recordBytes: number;
  readonly labelOffset: number;
  /** Labels of two bytes are little-endian. */
  readonly labelBytes: 1 | 2;
  readonly pixelOffset: number;
  /** Before the first record; default 0. */
  readonly headerBytes?: number;
  /** After the last record; default 0. */
  readonly footerBytes?: number;
}

/** A file of records, and what is known of it. */
export interface RecordPart {
  readonly path: string;
  /** Its exact length. */
  readonly bytes?: number;
  /** In hex. */
  readonly sha256?: string;
}

/** What to load and where to. */
export interface LoadOptions {
  readonly files: readonly RecordPart[];
  readonly layout: RecordLayout;
  /** Labels are 0 to this, less one. */
  readonly classes: number;
  /** Images of more bytes than this stay in their files. */
  readonly memoryLimit: number;
  readonly budget: CorruptBudget;
  /** What to do about a file that is missing or wrong. */
  readonly hint: string;
}

/** Records asked for at once. */
const READ_RECORDS = 1024;

/**
 * Reads files of records in their order, once: into shared memory, or only the labels if the images
 * are larger than `memoryLimit`. Checksums are verified as the bytes go by, and every label is
 * checked. Records with a wrong label, and truncated ends of files without a known length, count
 * against the budget; a wrong checksum is always an error, as it does not say which record is wrong.
 *
 * @throws {DataError} if a file is missing, of a wrong length or sum, or damaged beyond the budget
 * @throws {UserError} if the system refuses a file
 */
export async function loadRecords(options: LoadOptions): Promise<ImageStore> {
  const { files, layout, memoryLimit, budget } = options;
  const ranges: RecordFileRange[] = [];
  for (const file of files) ranges.push(await measure(file, options));
  const loading = new Loading(options, ranges, memoryLimit);
  const names = files.map(({ path }) => path);
  const { queue, runner } = inputProducer(names, { shuffle: false, numEpochs: 1 });
  const coordinator = new Coordinator();
  runner.createThreads({ coordinator });
  const watcher = new SumWatcher(options);
  using reader = new FixedLengthRecordReader(queue, {
    ...layout,
    budget,
    watcher,
    borrow: true,
  });
  try {
    while (true) {
      for (const record of await reader.readUpTo(READ_RECORDS)) {
        if (!loading.add(record)) await loading.reject(record);
      }
    }
  } catch (error) {
    if (!(error instanceof OutOfRangeError)) throw error;
  } finally {
    coordinator.requestStop();
    await coordinator.join();
  }
  return loading.store();
}

/** How many records a file has by its length. */
async function measure(
  { path, bytes }: RecordPart,
  options: LoadOptions,
): Promise<RecordFileRange> {
  const { recordBytes, headerBytes = 0, footerBytes = 0 } = options.layout;
  const length = await checkLength(path, bytes, options.hint);
  const records = Math.max(0, Math.floor((length - headerBytes - footerBytes) / recordBytes));
  return { path, headerBytes, records };
}

/** Verifies files as they are read, one after the other in their order. */
class SumWatcher implements FileWatcher {
  readonly #files: readonly RecordPart[];
  readonly #hint: string;
  #index = 0;
  #hash: Hash;

  constructor({ files, hint }: LoadOptions) {
    this.#files = files;
    this.#hint = hint;
    this.#hash = createHash("sha256");
  }

  bytes(_path: string, bytes: Uint8Array): void {
    if (this.#files[this.#index].sha256 !== undefined) this.#hash.update(bytes);
  }

  end(path: string): void {
    const { sha256 } = this.#files[this.#index++];
    if (sha256 === undefined) return;
    checkSum(path, sha256, this.#hash.digest("hex"), this.#hint);
    this.#hash = createHash("sha256");
  }
}

/** Puts records where they belong. */
class Loading {
  readonly #options: LoadOptions;
  readonly #ranges: readonly RecordFileRange[];
  readonly #imageBytes: number;
  readonly #labels: Uint16Array;
  /** The record of each example. */
  readonly #records: Uint32Array;
  readonly #images: Uint8Array<SharedArrayBuffer> | undefined;
  #count = 0;
  /** The file of the current record, and how many records stand in the files before it. */
  #file = -1;
  #before = 0;
  /** The file whose checksum was verified on account of a wrong label. */
  #verified = -1;

  constructor(options: LoadOptions, ranges: readonly RecordFileRange[], memoryLimit: number) {
    const capacity = ranges.reduce((sum, range) => sum + range.records, 0);
    this.#options = options;
    this.#ranges = ranges;
    this.#imageBytes = imageBytes(options.layout.format);
    this.#labels = new Uint16Array(capacity);
    this.#records = new Uint32Array(capacity);
    const total = capacity * this.#imageBytes;
    if (total <= memoryLimit) this.#images = new Uint8Array(new SharedArrayBuffer(total));
  }

  /** Takes a record in, unless its label is wrong: then `false`. */
  add(record: FileRecord): boolean {
    if (record.number === 0) this.#nextFile(record.path);
    const { path, records } = this.#ranges[this.#file];
    if (record.number >= records) {
      throw new DataError(
        `Cannot read ${path} as it grew meanwhile: expected ${records} records, found more`,
        { hint: "start again when nothing writes to it" },
      );
    }
    const { value } = record;
    const { pixelOffset } = this.#options.layout;
    const label = this.#labelOf(value);
    if (label >= this.#options.classes) return false;
    this.#labels[this.#count] = label;
    this.#records[this.#count] = this.#before + record.number;
    this.#images?.set(
      value.subarray(pixelOffset, pixelOffset + this.#imageBytes),
      this.#count * this.#imageBytes,
    );
    this.#count++;
    return true;
  }

  #labelOf(value: Uint8Array): number {
    const { labelOffset, labelBytes } = this.#options.layout;
    return labelBytes === 1 ? value[labelOffset] : value[labelOffset] | value[labelOffset + 1] << 8;
  }

  #nextFile(path: string): void {
    do {
      this.#before += this.#ranges[this.#file]?.records ?? 0;
      this.#file++;
    } while (this.#ranges[this.#file].path !== path);
  }

  /** Counts a wrong label against the budget, unless the whole file is wrong. */
  async reject({ path, number, value }: FileRecord): Promise<void> {
    const { files, classes, budget, hint } = this.#options;
    const { sha256 } = files[this.#file];
    if (sha256 !== undefined && this.#verified !== this.#file) {
      checkSum(path, sha256, await sha256OfFile(path), hint);
      this.#verified = this.#file;
    }
    const range = `0 to ${classes - 1}`;
    budget.skip(
      new DataError(
        `Cannot use ${path} as a label is out of range: expected ${range}, found ${
          this.#labelOf(value)
        } in record ${number}`,
        { hint },
      ),
    );
  }

  store(): ImageStore {
    const { files, layout } = this.#options;
    if (this.#count === 0) {
      const names = files.map(({ path }) => path).join(", ");
      throw new DataError(`Cannot use ${names}: expected at least one record, found none`, {
        hint: this.#options.hint,
      });
    }
    const common = {
      format: layout.format,
      labels: sharedLabels(this.#labels.subarray(0, this.#count)),
    };
    if (this.#images !== undefined) {
      const source = { kind: "memory", bytes: this.#images.buffer } as const;
      return new ImageStore({
        ...common,
        recordBytes: this.#imageBytes,
        pixelOffset: 0,
        source,
      });
    }
    const { recordBytes, pixelOffset } = layout;
    const source = { kind: "files", files: this.#ranges } as const;
    const complete = this.#count === this.#records.length;
    const records = complete ? undefined : this.#keptRecords();
    return new ImageStore({ ...common, recordBytes, pixelOffset, source, records });
  }

  #keptRecords(): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer(this.#count * Uint32Array.BYTES_PER_ELEMENT);
    new Uint32Array(buffer).set(this.#records.subarray(0, this.#count));
    return buffer;
  }
}
