// From the bytes of records to numbers: decode_raw, cast and slice, on the host.

/** The arrays that hold numbers of a type; `bool` is one byte, 0 or 1. */
export interface HostArrays {
  readonly bool: Uint8Array;
  readonly uint8: Uint8Array;
  readonly int8: Int8Array;
  readonly uint16: Uint16Array;
  readonly int16: Int16Array;
  readonly uint32: Uint32Array;
  readonly int32: Int32Array;
  readonly uint64: BigUint64Array;
  readonly int64: BigInt64Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
}

/** A type of numbers. */
export type HostType = keyof HostArrays;

/** Numbers in row-major order. */
export interface HostArray<T extends HostType = HostType> {
  readonly type: T;
  readonly shape: readonly number[];
  readonly data: HostArrays[T];
}

const VIEWS: { readonly [T in HostType]: (buffer: ArrayBuffer) => HostArrays[T] } = {
  bool: (buffer) => new Uint8Array(buffer),
  uint8: (buffer) => new Uint8Array(buffer),
  int8: (buffer) => new Int8Array(buffer),
  uint16: (buffer) => new Uint16Array(buffer),
  int16: (buffer) => new Int16Array(buffer),
  uint32: (buffer) => new Uint32Array(buffer),
  int32: (buffer) => new Int32Array(buffer),
  uint64: (buffer) => new BigUint64Array(buffer),
  int64: (buffer) => new BigInt64Array(buffer),
  float32: (buffer) => new Float32Array(buffer),
  float64: (buffer) => new Float64Array(buffer),
};

/** Bytes of one number. */
const BYTES: Readonly<Record<HostType, number>> = {
  bool: 1,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  int64: 8,
  float32: 4,
  float64: 8,
};

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Takes bytes for numbers of a type: [n] from one string of bytes, [k, n] from k of equal length.
 *
 * @param options littleEndian: the order of a number's bytes, default true; types of one byte have none
 * @throws {RangeError} if a length is not a multiple of the type's, or the lengths differ
 */
export function decodeRaw<T extends HostType>(
  bytes: Uint8Array | readonly Uint8Array[],
  type: T,
  options: { readonly littleEndian?: boolean } = {},
): HostArray<T> {
  const { littleEndian = true } = options;
  const rows = bytes instanceof Uint8Array ? [bytes] : bytes;
  const length = rows.length === 0 ? 0 : rows[0].length;
  const size = BYTES[type];
  if (length % size !== 0) {
    throw new RangeError(
      `Cannot decode bytes as ${type} as their number must be a multiple of ${size}: current value is ${length}`,
    );
  }
  const all = new Uint8Array(rows.length * length);
  rows.forEach((row, index) => {
    if (row.length !== length) {
      throw new RangeError(
        `Cannot decode bytes as all inputs must have the same length: input 0 has ${length}, input ${index} has ${row.length}`,
      );
    }
    all.set(row, index * length);
  });
  if (littleEndian !== HOST_IS_LITTLE_ENDIAN) reverseEach(all, size);
  const count = length / size;
  const shape = bytes instanceof Uint8Array ? [count] : [rows.length, count];
  return { type, shape, data: VIEWS[type](all.buffer) };
}

function zeros<T extends HostType>(type: T, count: number): HostArrays[T] {
  return VIEWS[type](new ArrayBuffer(count * BYTES[type]));
}

function reverseEach(bytes: Uint8Array, size: number): void {
  if (size === 1) return;
  for (let start = 0; start < bytes.length; start += size) {
    bytes.subarray(start, start + size).reverse();
  }
}

/**
 * Converts numbers to another type. To `bool`: 0 is 0 and all else 1. Fractions are cut off towards
 * zero. Whole numbers wrap around, as in C.
 *
 * @throws {RangeError} if a float is not finite or too large for the whole numbers of the new type
 */
export function cast<T extends HostType>(array: HostArray, type: T): HostArray<T> {
  const source = array.data;
  const data = zeros(type, source.length) as { [index: number]: number | bigint };
  const fromFloat = array.type === "float32" || array.type === "float64";
  const toFloat = type === "float32" || type === "float64";
  const toBig = type === "int64" || type === "uint64";
  const limits = fromFloat && !toFloat && type !== "bool" ? rangeOf(type) : undefined;
  for (let i = 0; i < source.length; i++) {
    const value = source[i];
    if (type === "bool") data[i] = Number(value) === 0 ? 0 : 1;
    else if (limits) data[i] = wholeNumber(value as number, limits, toBig, type);
    else if (toBig) data[i] = BigInt(value);
    // Wrapped while it is whole: a number would lose the low bits of a large one.
    else data[i] = Number(toFloat || typeof value === "number" ? value : BigInt.asIntN(32, value));
  }
  return { type, shape: array.shape, data: data as unknown as HostArrays[T] };
}

function wholeNumber(
  value: number,
  [least, end]: readonly [number, number],
  big: boolean,
  type: HostType,
): number | bigint {
  const whole = Math.trunc(value);
  if (!(whole >= least && whole < end)) {
    throw new RangeError(
      `Cannot cast to ${type} as the number must be from ${least} up to but not including ${end}: current value is ${value}`,
    );
  }
  return big ? BigInt(whole) : whole;
}

/** The least whole number of a type, and the first one too large. */
function rangeOf(type: HostType): readonly [number, number] {
  const bits = BYTES[type] * 8;
  return type.startsWith("u") ? [0, 2 ** bits] : [-(2 ** (bits - 1)), 2 ** (bits - 1)];
}

/**
 * Cuts a block out of an array.
 *
 * @param begin where the block begins, a number for each axis
 * @param size how long it is along each axis; -1: to the end
 * @throws {RangeError} if the block is not within the array, or the axes do not match
 */
export function slice<T extends HostType>(
  array: HostArray<T>,
  begin: readonly number[],
  size: readonly number[],
): HostArray<T> {
  const { shape } = array;
  if (begin.length !== shape.length || size.length !== shape.length) {
    throw new RangeError(
      `Cannot slice an array of shape [${shape}] as begin and size must have ${shape.length} numbers: ` +
        `begin is [${begin}], size is [${size}]`,
    );
  }
  const lengths = shape.map((axis, i) => size[i] === -1 ? axis - begin[i] : size[i]);
  const inside = shape.every((axis, i) =>
    Number.isInteger(begin[i]) && Number.isInteger(lengths[i]) && begin[i] >= 0 &&
    lengths[i] >= 0 && begin[i] + lengths[i] <= axis
  );
  if (!inside) {
    throw new RangeError(
      `Cannot slice an array of shape [${shape}] as the block must be within it: ` +
        `begin is [${begin}], size is [${size}]`,
    );
  }
  const data = zeros(array.type, lengths.reduce((product, length) => product * length, 1));
  copyBlock(array, begin, lengths, data);
  return { type: array.type, shape: lengths, data };
}

function copyBlock<T extends HostType>(
  { shape, data }: HostArray<T>,
  begin: readonly number[],
  lengths: readonly number[],
  target: HostArrays[T],
): void {
  let written = 0;
  const walk = (axis: number, offset: number): void => {
    if (axis === shape.length) {
      target[written++] = data[offset];
      return;
    }
    for (let i = 0; i < lengths[axis]; i++) {
      walk(axis + 1, offset * shape[axis] + begin[axis] + i);
    }
  };
  walk(0, 0);
}
