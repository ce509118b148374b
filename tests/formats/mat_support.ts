// Writes MAT files of version 5 byte by byte, right or wrong, for the tests of their reader.

import { deflateSync } from "node:zlib";

type Bytes = Uint8Array<ArrayBuffer>;

/** The types of elements that the tests write. */
export const MI = { int8: 1, uint8: 2, uint16: 4, int32: 5, uint32: 6, double: 9, matrix: 14 };
export const COMPRESSED = 15;

/** Which byte comes first. */
export interface Order {
  readonly little: boolean;
}

export function concat(...parts: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of parts) {
    all.set(part, start);
    start += part.length;
  }
  return all;
}

/** Numbers of two or four bytes. */
export function words(size: 2 | 4, values: readonly number[], { little }: Order): Bytes {
  const view = new DataView(new ArrayBuffer(values.length * size));
  values.forEach((value, i) =>
    size === 2 ? view.setUint16(2 * i, value, little) : view.setInt32(4 * i, value, little)
  );
  return new Uint8Array(view.buffer);
}

export function doubles(values: readonly number[], { little }: Order): Bytes {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, i) => view.setFloat64(8 * i, value, little));
  return new Uint8Array(view.buffer);
}

/** The 128 bytes before the first element. */
export function matHeader(order: Order, version = 0x0100): Bytes {
  const text = new TextEncoder().encode("MATLAB 5.0 MAT-file".padEnd(116));
  const mark = new TextEncoder().encode(order.little ? "IM" : "MI");
  return concat(text, new Uint8Array(8), words(2, [version], order), mark);
}

/** An element of eight bytes of tag, data, and padding to a multiple of 8. */
export function element(type: number, data: Uint8Array, order: Order, bytes = data.length): Bytes {
  const padding = new Uint8Array((8 - data.length % 8) % 8);
  return concat(words(4, [type, bytes], order), data, padding);
}

/** An element of at most four bytes, which stand in its tag. */
export function smallElement(type: number, data: Uint8Array, order: Order): Bytes {
  const first = data.length * 0x10000 + type;
  return concat(words(4, [first], order), data, new Uint8Array(4 - data.length));
}

/** What an array of a MAT file is made of. */
export interface ArrayParts {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  readonly data: Uint8Array;
  /** Of the array: 9 is uint8, 6 is double, 1 is a cell. Default 9. */
  readonly class?: number;
  /** 8: complex. */
  readonly flags?: number;
  /** The data's length as its tag says it. */
  readonly claimed?: number;
}

/** An array, whose short elements are written as small ones, as MATLAB does. */
export function matrix(parts: ArrayParts, order: Order): Bytes {
  const { name, shape, type, data, claimed = data.length } = parts;
  const flags = (parts.flags ?? 0) * 256 + (parts.class ?? 9);
  const text = new TextEncoder().encode(name);
  const short = (bytes: Uint8Array) => bytes.length > 0 && bytes.length <= 4;
  const content = concat(
    element(MI.uint32, words(4, [flags, 0], order), order),
    element(MI.int32, words(4, shape, order), order),
    short(text) ? smallElement(MI.int8, text, order) : element(MI.int8, text, order),
    short(data) && claimed === data.length
      ? smallElement(type, data, order)
      : element(type, data, order, claimed),
  );
  return element(MI.matrix, content, order);
}

/** An element in a compressed one, which has no padding. */
export function compressed(inner: Uint8Array, order: Order): Bytes {
  const zipped = new Uint8Array(deflateSync(inner));
  return concat(words(4, [COMPRESSED, zipped.length], order), zipped);
}
