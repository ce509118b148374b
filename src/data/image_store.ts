// Images of one size and their labels, in shared memory or in files, for any number of threads.

import { ioError } from "../util/io_errors.ts";
import { DataError } from "../util/errors.ts";

/** How an image lies in bytes: planes (`CHW`, as CIFAR) or interleaved (`HWC`); 1 channel is gray. */
export interface ImageFormat {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly order: "CHW" | "HWC";
}

/** Bytes between rows, columns and channels of an image. */
export interface ImageStrides {
  readonly row: number;
  readonly column: number;
  /** 0 for gray images: red, green and blue are then the same byte. */
  readonly channel: number;
}

/** A file of fixed-length records behind a header. */
export interface RecordFileRange {
  readonly path: string;
  readonly headerBytes: number;
  readonly records: number;
}

/** Where the records are. */
export type RecordSource =
  | { readonly kind: "memory"; readonly bytes: SharedArrayBuffer }
  | { readonly kind: "files"; readonly files: readonly RecordFileRange[] };

/** A store as plain data and shared memory, to be posted to a worker thread. */
export interface ImageStoreData {
  readonly format: ImageFormat;
  /** Bytes from one record to the next. */
  readonly recordBytes: number;
  /** Where the image stands within a record. */
  readonly pixelOffset: number;
  readonly source: RecordSource;
  /** Uint16: the label of each example. */
  readonly labels: SharedArrayBuffer;
  /** Uint32: the record of each example; absent if example i is record i. */
  readonly records?: SharedArrayBuffer;
}

/** Bytes of one image. */
export function imageBytes({ height, width, channels }: ImageFormat): number {
  return height * width * channels;
}

/** Where the bytes of a pixel are: row * y + column * x + channel * c. */
export function imageStrides({ height, width, channels, order }: ImageFormat): ImageStrides {
  if (channels === 1) return { row: width, column: 1, channel: 0 };
  if (order === "CHW") return { row: width, column: 1, channel: height * width };
  return { row: width * channels, column: channels, channel: 1 };
}

/** The pixels of one image as [height, width, 3], interleaved; gray is repeated. */
export function interleavedRgb(pixels: Uint8Array, format: ImageFormat): Uint8Array<ArrayBuffer> {
  const { height, width } = format;
  const { row, column, channel } = imageStrides(format);
  const rgb = new Uint8Array(height * width * 3);
  for (let y = 0, target = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) rgb[target++] = pixels[y * row + x * column + c * channel];
    }
  }
  return rgb;
}

/** Labels in shared memory. */
export function sharedLabels(labels: ArrayLike<number>): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(labels.length * Uint16Array.BYTES_PER_ELEMENT);
  new Uint16Array(buffer).set(labels);
  return buffer;
}

/** Reads images and labels by the number of the example, 0 to count - 1. */
export class ImageStore implements Disposable {
  readonly data: ImageStoreData;
  readonly #labels: Uint16Array;
  readonly #records: Uint32Array | undefined;
  readonly #bytes: Uint8Array;
  readonly #imageBytes: number;
  readonly #files: FileRecords | undefined;

  constructor(data: ImageStoreData) {
    this.data = data;
    this.#labels = new Uint16Array(data.labels);
    this.#records = data.records && new Uint32Array(data.records);
    this.#imageBytes = imageBytes(data.format);
    if (data.source.kind === "memory") {
      this.#bytes = new Uint8Array(data.source.bytes);
    } else {
      this.#bytes = new Uint8Array(this.#imageBytes);
      this.#files = new FileRecords(data.source.files, data);
    }
  }

  /** How many examples there are. */
  get count(): number {
    return this.#labels.length;
  }

  get format(): ImageFormat {
    return this.data.format;
  }

  /** Labels of all examples, [count]. */
  get labels(): Uint16Array {
    return this.#labels;
  }

  /**
   * The bytes of one image, in the order of the format. Of a store in files they are valid until the
   * next call.
   *
   * @throws {DataError} if the file has been cut off meanwhile
   * @throws {UserError} if it cannot be read
   */
  pixels(index: number): Uint8Array {
    const record = this.#records === undefined ? index : this.#records[index];
    if (this.#files !== undefined) {
      this.#files.read(record, this.#bytes);
      return this.#bytes;
    }
    const start = record * this.data.recordBytes + this.data.pixelOffset;
    return this.#bytes.subarray(start, start + this.#imageBytes);
  }

  /** A store of some of the examples, in the given order; the images are shared, not copied. */
  subset(indices: ArrayLike<number>): ImageStore {
    const records = new Uint32Array(
      new SharedArrayBuffer(indices.length * Uint32Array.BYTES_PER_ELEMENT),
    );
    const labels = new Uint16Array(indices.length);
    for (let i = 0; i < indices.length; i++) {
      records[i] = this.#records === undefined ? indices[i] : this.#records[indices[i]];
      labels[i] = this.#labels[indices[i]];
    }
    return new ImageStore({
      ...this.data,
      labels: sharedLabels(labels),
      records: records.buffer as SharedArrayBuffer,
    });
  }

  /** Closes the files, if there are any open. */
  close(): void {
    this.#files?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Reads records by their number, across files; each thread has its own. */
class FileRecords {
  readonly #files: readonly RecordFileRange[];
  readonly #open: (Deno.FsFile | undefined)[];
  readonly #recordBytes: number;
  readonly #pixelOffset: number;

  constructor(
    files: readonly RecordFileRange[],
    { recordBytes, pixelOffset }: Pick<ImageStoreData, "recordBytes" | "pixelOffset">,
  ) {
    this.#files = files;
    this.#open = files.map(() => undefined);
    this.#recordBytes = recordBytes;
    this.#pixelOffset = pixelOffset;
  }

  read(record: number, into: Uint8Array): void {
    let number = record;
    let index = 0;
    while (number >= this.#files[index].records) number -= this.#files[index++].records;
    const { path, headerBytes } = this.#files[index];
    const offset = headerBytes + number * this.#recordBytes + this.#pixelOffset;
    let done = 0;
    try {
      const file = this.#open[index] ??= Deno.openSync(path);
      file.seekSync(offset, Deno.SeekMode.Start);
      while (done < into.length) {
        const count = file.readSync(into.subarray(done));
        if (count === null) break;
        done += count;
      }
    } catch (error) {
      throw ioError("read", path, error);
    }
    if (done < into.length) {
      throw new DataError(
        `Cannot read record ${number} of ${path}: expected ${into.length} bytes at offset ${offset}, found ${done}`,
        { hint: "the file was changed while it was in use; start again" },
      );
    }
  }

  close(): void {
    for (const file of this.#open) file?.close();
    this.#open.fill(undefined);
  }
}
