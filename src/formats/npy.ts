// NumPy's array files (.npy): a magic, a version, a Python dictionary and the values; NEP 1 describes them.

import { DataError } from "../util/errors.ts";

/** The element types that are read and written; NumPy's names for them in the comments. */
const ARRAYS = {
  /** float32 */
  "<f4": Float32Array,
  /** float64 */
  "<f8": Float64Array,
  /** uint8 */
  "|u1": Uint8Array,
  /** int32 */
  "<i4": Int32Array,
  /** uint32 */
  "<u4": Uint32Array,
  /** int64 */
  "<i8": BigInt64Array,
} as const;

/** An element type as the header names it. */
export type NpyType = keyof typeof ARRAYS;

/** An array: row-major, one typed array. */
export type NpyArray = {
  [T in NpyType]: {
    readonly type: T;
    readonly shape: readonly number[];
    readonly data: InstanceType<(typeof ARRAYS)[T]>;
  };
}[NpyType];

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** The data begins at a multiple of this, so that it can be mapped into memory. */
const ALIGNMENT = 64;
/** Spaces that NumPy leaves so that the first axis can grow in place: the digits of 2^64, and one. */
const GROWTH_DIGITS = 21;
/** No array needs more; a damaged length would. */
const MAX_HEADER_BYTES = 10_000;

/** The bytes before the values, as NumPy writes them (version 1.0), to the byte. */
export function npyHeader(type: NpyType, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const dimensions = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const growth = shape.length === 0 ? 0 : GROWTH_DIGITS - String(shape[0]).length;
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${dimensions}, }${
    " ".repeat(growth)
  }`;
  const before = MAGIC.length + 4;
  const total = Math.ceil((before + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(total).fill(0x20);
  bytes.set(MAGIC);
  bytes.set([1, 0], MAGIC.length);
  new DataView(bytes.buffer).setUint16(MAGIC.length + 2, total - before, true);
  bytes.set(new TextEncoder().encode(text), before);
  bytes[total - 1] = 0x0a;
  return bytes;
}

/**
 * The bytes of a whole file.
 *
 * @throws {RangeError} if the shape does not match the values
 */
export function encodeNpy({ type, shape, data }: NpyArray): Uint8Array<ArrayBuffer> {
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements !== data.length) {
    throw new RangeError(
      `Cannot encode an array as shape [${shape}]: its data has ${data.length} elements`,
    );
  }
  const header = npyHeader(type, shape);
  const bytes = new Uint8Array(header.length + data.byteLength);
  bytes.set(header);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length);
  return bytes;
}

/**
 * Reads the bytes of a file of version 1 to 3; the array is a copy.
 *
 * @param source names the bytes in errors
 * @throws {DataError} if they are no such file, of another element type or in Fortran's order
 */
export function decodeNpy(bytes: Uint8Array, source = "npy data"): NpyArray {
  const fail = (rule: string, found: string) => {
    throw new DataError(`Cannot read ${source}: expected ${rule}, found ${found}`);
  };
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) fail("an .npy file", "other bytes");
  const version = bytes[MAGIC.length];
  if (!(version >= 1 && version <= 3)) fail("version 1 to 3", `version ${version}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const before = MAGIC.length + (version === 1 ? 4 : 6);
  if (bytes.length < before) fail("a header", "the end of the file");
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES || before + length > bytes.length) {
    fail("a whole header", `a length of ${length} bytes`);
  }
  const text = new TextDecoder("latin1").decode(bytes.subarray(before, before + length));
  const type = /'descr': *'([^']*)'/.exec(text)?.[1] ?? "";
  const order = /'fortran_order': *(True|False)/.exec(text)?.[1];
  const listed = /'shape': *\(([\d, ]*)\)/.exec(text)?.[1];
  if (!isType(type)) return fail(`one of ${Object.keys(ARRAYS).join(", ")}`, JSON.stringify(type));
  if (order !== "False") return fail("rows one after the other", `fortran_order ${order}`);
  if (listed === undefined) return fail("a shape", JSON.stringify(text.trim()));
  const shape = listed.split(",").map((part) => part.trim()).filter((part) => part !== "")
    .map(Number);
  const elements = shape.reduce((product, size) => product * size, 1);
  const size = ARRAYS[type].BYTES_PER_ELEMENT;
  const values = bytes.slice(before + length);
  if (!Number.isSafeInteger(elements * size) || values.length !== elements * size) {
    return fail(`${elements * size} bytes of values`, `${values.length}`);
  }
  return { type, shape, data: new ARRAYS[type](values.buffer) } as NpyArray;
}

function isType(type: string): type is NpyType {
  return Object.hasOwn(ARRAYS, type);
}
