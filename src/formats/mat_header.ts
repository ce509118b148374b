// What stands before the data of an array in a MAT file: flags, dimensions, name.

import { DataError } from "../util/errors.ts";
import type { ByteTaker } from "./mat_bytes.ts";

/** How a number is stored: its length in bytes, and how to read it. */
interface Storage {
  readonly bytes: number;
  readonly get: (view: DataView, offset: number, littleEndian: boolean) => number;
}

/** The storage types of numbers. */
export const STORAGE = {
  int8: { bytes: 1, get: (view, offset) => view.getInt8(offset) },
  uint8: { bytes: 1, get: (view, offset) => view.getUint8(offset) },
  int16: { bytes: 2, get: (view, offset, little) => view.getInt16(offset, little) },
  uint16: { bytes: 2, get: (view, offset, little) => view.getUint16(offset, little) },
  int32: { bytes: 4, get: (view, offset, little) => view.getInt32(offset, little) },
  uint32: { bytes: 4, get: (view, offset, little) => view.getUint32(offset, little) },
  float32: { bytes: 4, get: (view, offset, little) => view.getFloat32(offset, little) },
  float64: { bytes: 8, get: (view, offset, little) => view.getFloat64(offset, little) },
  int64: { bytes: 8, get: (view, offset, little) => Number(view.getBigInt64(offset, little)) },
  uint64: { bytes: 8, get: (view, offset, little) => Number(view.getBigUint64(offset, little)) },
} satisfies Record<string, Storage>;

/** A storage type of numbers. */
export type StorageType = keyof typeof STORAGE;

/** The types of elements that hold numbers, by their number in the format. */
const ELEMENT_TYPES: Readonly<Record<number, StorageType>> = {
  1: "int8",
  2: "uint8",
  3: "int16",
  4: "uint16",
  5: "int32",
  6: "uint32",
  7: "float32",
  9: "float64",
  12: "int64",
  13: "uint64",
};

const INT8 = 1;
const INT32 = 5;
const UINT32 = 6;
const FIRST_NUMERIC_CLASS = 6;
const LAST_NUMERIC_CLASS = 15;
const COMPLEX_FLAG = 0x800;
const TAG_BYTES = 8;
const MAX_DIMENSIONS = 32;
const MAX_NAME_BYTES = 4096;

/** What comes before the data of a numeric array. */
export interface ArrayHeader {
  readonly name: string;
  readonly type: StorageType;
  readonly shape: readonly number[];
  /** From the array's tag to its data. */
  readonly headerBytes: number;
  readonly dataBytes: number;
  /** Behind the data. */
  readonly padding: number;
}

/** The tag of an element: small ones hold up to four bytes of data in the tag itself. */
export interface Tag {
  readonly type: number;
  readonly bytes: number;
  readonly small: boolean;
}

/** Reads the 8 bytes of a tag. */
export function readTag(tag: Uint8Array, littleEndian: boolean): Tag {
  const view = new DataView(tag.buffer, tag.byteOffset);
  const first = view.getUint32(0, littleEndian);
  if (first >>> 16 !== 0) return { type: first & 0xffff, bytes: first >>> 16, small: true };
  return { type: first, bytes: view.getUint32(4, littleEndian), small: false };
}

/** What is known of an array before its header is read. */
export interface ArrayPlace {
  readonly littleEndian: boolean;
  /** Bytes behind the array's tag. */
  readonly length: number;
  /** Names the file in messages. */
  readonly source: string;
}

/**
 * Reads the header of an array whose tag was taken; undefined if it is not numeric or is complex.
 *
 * @throws {DataError} if it contradicts itself
 */
export async function readArrayHeader(
  bytes: ByteTaker,
  place: ArrayPlace,
): Promise<ArrayHeader | undefined> {
  const elements = new ElementReader(bytes, place);
  const flags = await elements.numbers(UINT32, 2, "flags");
  const arrayClass = flags[0] & 0xff;
  const numeric = arrayClass >= FIRST_NUMERIC_CLASS && arrayClass <= LAST_NUMERIC_CLASS;
  if (!numeric || (flags[0] & COMPLEX_FLAG) !== 0) return undefined;
  const shape = await elements.numbers(INT32, MAX_DIMENSIONS, "dimensions");
  const name = String.fromCharCode(...await elements.numbers(INT8, MAX_NAME_BYTES, "name"));
  if (shape.length < 2 || shape.some((length) => length < 0)) {
    throw elements.fault(`two or more dimensions of array ${JSON.stringify(name)}`, `[${shape}]`);
  }
  return { name, shape, ...await elements.data(name, shape) };
}

/** Reads the elements within an array, and counts what it has read. */
class ElementReader {
  readonly #bytes: ByteTaker;
  readonly #place: ArrayPlace;
  #done = 0;

  constructor(bytes: ByteTaker, place: ArrayPlace) {
    this.#bytes = bytes;
    this.#place = place;
  }

  fault(expected: string, found: string): DataError {
    return new DataError(
      `Cannot read ${this.#place.source}: expected ${expected}, found ${found}`,
    );
  }

  async #take(count: number, what: string): Promise<Uint8Array> {
    const left = this.#place.length - this.#done;
    if (count > left) throw this.fault(`${count} bytes for the ${what} of an array`, `${left}`);
    this.#done += count;
    return await this.#bytes.take(count);
  }

  /** The numbers of an element that must have a type, and at most so many of them. */
  async numbers(type: number, most: number, what: string): Promise<number[]> {
    const { littleEndian } = this.#place;
    const tagBytes = await this.#take(TAG_BYTES, what);
    const tag = readTag(tagBytes, littleEndian);
    const { bytes: size, get } = STORAGE[ELEMENT_TYPES[type]];
    const limit = tag.small ? Math.min(4, most * size) : most * size;
    if (tag.type !== type || tag.bytes > limit || tag.bytes % size !== 0) {
      throw this.fault(
        `${what} of type ${type} with at most ${limit} bytes`,
        `type ${tag.type} with ${tag.bytes}`,
      );
    }
    const data = tag.small
      ? tagBytes.subarray(4)
      : await this.#take(tag.bytes + paddingOf(tag.bytes), what);
    const view = new DataView(data.buffer, data.byteOffset);
    return Array.from({ length: tag.bytes / size }, (_, i) => get(view, i * size, littleEndian));
  }

  /** Where the data of the array is. */
  async data(name: string, shape: readonly number[]) {
    const what = `data of array ${JSON.stringify(name)}`;
    const tag = readTag(await this.#take(TAG_BYTES, what), this.#place.littleEndian);
    const type = ELEMENT_TYPES[tag.type];
    if (type === undefined) throw this.fault(`numbers as ${what}`, `type ${tag.type}`);
    const wanted = shape.reduce((product, length) => product * length, STORAGE[type].bytes);
    if (tag.bytes !== wanted) {
      throw this.fault(`${wanted} bytes as ${what}, of shape [${shape}]`, `${tag.bytes}`);
    }
    const left = tag.small ? 4 : this.#place.length - this.#done;
    if (tag.bytes > left) throw this.fault(`${wanted} bytes as ${what}`, `${left}`);
    // The data of a small element stands in its tag.
    const headerBytes = TAG_BYTES + this.#done - (tag.small ? 4 : 0);
    const padding = Math.min(paddingOf(tag.bytes), left - tag.bytes);
    return { type, headerBytes, dataBytes: tag.bytes, padding };
  }
}

/** Elements are padded to a multiple of 8 bytes. */
function paddingOf(bytes: number): number {
  return (8 - bytes % 8) % 8;
}
