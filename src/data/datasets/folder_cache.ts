// Decoded images in a file: made once, found again by their content.
//
// `<key>.records` holds a record for each image: its label as 16 bits, little-endian, and its planes
// [3, height, width]. `<key>.json` is written behind it and holds its SHA-256; without it there is no
// record file to speak of. `<key>.lock` is held by the process that writes.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { syncFolder, writeFileAtomic } from "../../util/atomic_file.ts";
import { DataError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import { lockFile } from "../acquire/data_folder.ts";
import { readRecordFile, removeIfThere, writeAll } from "../acquire/record_files.ts";
import type { ImageSize } from "../images/load_image.ts";
import { RESIZE_RULE } from "../images/resize_image.ts";
import type { ImageFolder } from "./folder_content.ts";

/** A change of the record file's layout, or of what a decoder yields, is a change of this number. */
const VERSION = 1;
const LABEL_BYTES = 2;
const CHANNELS = 3;
const FLUSH_BYTES = 1 << 20;

/** An image that could not be decoded. */
export interface DamagedImage {
  /** Its place among the images of the folder. */
  readonly index: number;
  readonly message: string;
  readonly hint: string;
}

/** What `<key>.json` says of `<key>.records`. */
export interface CacheIndex {
  readonly version: number;
  /** Records in the file: all images of the folder but the damaged ones, in their order. */
  readonly records: number;
  readonly sha256: string;
  readonly damaged: readonly DamagedImage[];
}

/** The decoded images of one folder at one size. */
export class FolderCache {
  readonly size: ImageSize;
  readonly #folder: string;
  readonly #key: string;

  constructor(cacheDir: string, images: ImageFolder, size: ImageSize) {
    this.size = size;
    this.#folder = cacheDir;
    this.#key = keyOf(images, size);
  }

  /** Where the records are. */
  get path(): string {
    return join(this.#folder, this.#name);
  }

  get #name(): string {
    return `${this.#key}.records`;
  }

  get #indexPath(): string {
    return join(this.#folder, `${this.#key}.json`);
  }

  /** Bytes of a record, and of the label before its pixels. */
  get recordBytes(): number {
    return LABEL_BYTES + this.size.height * this.size.width * CHANNELS;
  }

  get labelBytes(): number {
    return LABEL_BYTES;
  }

  /** Waits until no other process decodes the same images; disposing lets the next one in. */
  lock(): Promise<Disposable> {
    return lockFile(join(this.#folder, `${this.#key}.lock`));
  }

  /** The index, if there is one. @throws {DataError} if it is damaged */
  async readIndex(): Promise<CacheIndex | undefined> {
    let text: string;
    try {
      text = await Deno.readTextFile(this.#indexPath);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw ioError("read", this.#indexPath, error);
    }
    const index = parseIndex(text);
    if (index !== undefined) return index;
    throw new DataError(`Cannot use ${this.#indexPath} as it is damaged`);
  }

  /** Verifies the records. @param into receives them @throws {DataError} if they are damaged */
  async readRecords({ records, sha256 }: CacheIndex, into?: Uint8Array): Promise<void> {
    const file = { name: this.#name, bytes: records * this.recordBytes, sha256 };
    await readRecordFile(this.#folder, file, into);
  }

  /**
   * Writes records as they come, and the index behind them. Whatever goes wrong, no half-written
   * file stays. To be called with the lock held.
   *
   * @param images label and planes of each image, or the fault of a damaged one, in order
   */
  async write(
    images: AsyncIterable<readonly [label: number, planes: Uint8Array] | DataError>,
  ): Promise<CacheIndex> {
    // No other name than this, so that what an interrupted process left is written over.
    const partial = `${this.path}.tmp`;
    try {
      await removeIfThere(this.#indexPath);
      const index = await this.#writeRecords(partial, images);
      await Deno.rename(partial, this.path);
      await syncFolder(this.#folder);
      await writeFileAtomic(this.#indexPath, JSON.stringify(index));
      return index;
    } catch (error) {
      await removeIfThere(partial).catch(() => {});
      throw ioError("write", this.path, error);
    }
  }

  async #writeRecords(
    path: string,
    images: AsyncIterable<readonly [label: number, planes: Uint8Array] | DataError>,
  ): Promise<CacheIndex> {
    const hash = createHash("sha256");
    const damaged: DamagedImage[] = [];
    const buffer = new Uint8Array(Math.ceil(FLUSH_BYTES / this.recordBytes) * this.recordBytes);
    const view = new DataView(buffer.buffer);
    using target = await Deno.open(path, { write: true, create: true, truncate: true });
    let index = 0;
    let records = 0;
    let filled = 0;
    const flush = async () => {
      const part = buffer.subarray(0, filled);
      hash.update(part);
      await writeAll(target, part);
      filled = 0;
    };
    for await (const image of images) {
      if (image instanceof DataError) {
        damaged.push({ index, message: image.message, hint: image.hint });
      } else {
        const [label, planes] = image;
        view.setUint16(filled, label, true);
        buffer.set(planes, filled + LABEL_BYTES);
        filled += this.recordBytes;
        records++;
        if (filled === buffer.length) await flush();
      }
      index++;
    }
    await flush();
    await target.sync();
    return { version: VERSION, records, sha256: hash.digest("hex"), damaged };
  }
}

/** Changes with whatever changes a record: the files' content, names, classes and order, and the size. */
function keyOf({ classes, images }: ImageFolder, { height, width }: ImageSize): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([VERSION, height, width, RESIZE_RULE]));
  for (const { label, relativePath, sha256 } of images) {
    hash.update(JSON.stringify([classes[label], relativePath, sha256]));
  }
  return hash.digest("hex").slice(0, 32);
}

function parseIndex(text: string): CacheIndex | undefined {
  let index: CacheIndex;
  try {
    index = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { version, records, sha256, damaged } = index ?? {};
  const valid = version === VERSION && Number.isSafeInteger(records) && records >= 0 &&
    typeof sha256 === "string" && Array.isArray(damaged) && damaged.every(isDamagedImage);
  return valid ? index : undefined;
}

function isDamagedImage(value: unknown): value is DamagedImage {
  const { index, message, hint } = (value ?? {}) as Partial<DamagedImage>;
  return Number.isSafeInteger(index) && typeof message === "string" && typeof hint === "string";
}
