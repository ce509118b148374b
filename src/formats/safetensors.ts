import { writeFileAtomic } from "../util/atomic_file.ts";
import { DataError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";
import {
  type Dtype,
  DTYPE_BYTES,
  type Header,
  MAX_HEADER_BYTES,
  parseHeader,
  parsePrefix,
  PREFIX_BYTES,
  type TensorEntry,
} from "./safetensors_header.ts";

export type { Dtype } from "./safetensors_header.ts";

/** The typed array of each element type; what JavaScript has no type for is kept as its bits. */
const ARRAYS = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  F8_E5M2: Uint8Array,
  F8_E4M3: Uint8Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I32: Int32Array,
  U32: Uint32Array,
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
} as const satisfies Record<Dtype, unknown>;

interface DtypeArrays<B extends ArrayBufferLike> extends Record<Dtype, ArrayBufferView> {
  BOOL: Uint8Array<B>;
  U8: Uint8Array<B>;
  I8: Int8Array<B>;
  F8_E5M2: Uint8Array<B>;
  F8_E4M3: Uint8Array<B>;
  I16: Int16Array<B>;
  U16: Uint16Array<B>;
  F16: Uint16Array<B>;
  BF16: Uint16Array<B>;
  I32: Int32Array<B>;
  U32: Uint32Array<B>;
  F32: Float32Array<B>;
  F64: Float64Array<B>;
  I64: BigInt64Array<B>;
  U64: BigUint64Array<B>;
}

/** A tensor as safetensors keeps it: row-major, one typed array. */
export type SafeTensor<B extends ArrayBufferLike = ArrayBufferLike> = {
  [D in Dtype]: {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: DtypeArrays<B>[D];
  };
}[Dtype];

/** What a file holds. */
export interface SafeTensors {
  readonly tensors: Readonly<Record<string, SafeTensor<ArrayBuffer>>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The bytes of a safetensors file: header length (u64, little-endian), JSON header filled with
 * spaces to a multiple of 8 bytes, data. Tensors are sorted as the reference implementation does,
 * wide element types first, then by name, so that each is aligned and equal tensors give equal bytes.
 *
 * @throws {RangeError} if a shape does not match its data, or the header is longer than allowed
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, SafeTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(tensors);
  for (const [name, tensor] of entries) checkTensor(name, tensor);
  const { bytes: header, order } = safetensorsHeader(
    Object.fromEntries(entries.map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
    metadata,
  );
  const dataBytes = entries.reduce((sum, [, { data }]) => sum + data.byteLength, 0);
  const bytes = new Uint8Array(header.length + dataBytes);
  bytes.set(header);
  let at = header.length;
  for (const { data } of order.map((name) => tensors[name])) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * The bytes before the data, for a file that is written piece by piece: the data of the tensors follows in
 * the order that is given back.
 *
 * @throws {RangeError} if it is longer than allowed
 */
export function safetensorsHeader(
  tensors: Readonly<Record<string, Pick<SafeTensor, "dtype" | "shape">>>,
  metadata: Readonly<Record<string, string>> = {},
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly order: readonly string[] } {
  const rank = Object.keys(DTYPE_BYTES);
  const sorted = Object.entries(tensors).sort(([a, { dtype: da }], [b, { dtype: db }]) =>
    rank.indexOf(db) - rank.indexOf(da) || (a < b ? -1 : 1)
  );
  const fields: string[] = [];
  if (Object.keys(metadata).length > 0) fields.push(field("__metadata__", metadata));
  let dataBytes = 0;
  for (const [name, { dtype, shape }] of sorted) {
    const size = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
    fields.push(field(name, { dtype, shape, data_offsets: [dataBytes, dataBytes += size] }));
  }
  const header = new TextEncoder().encode(`{${fields.join(",")}}`);
  const headerBytes = Math.ceil(header.length / 8) * 8;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new RangeError(
      `Cannot encode safetensors with a header over ${MAX_HEADER_BYTES} bytes: it is ${headerBytes}`,
    );
  }
  const bytes = new Uint8Array(PREFIX_BYTES + headerBytes).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(header, PREFIX_BYTES);
  return { bytes, order: sorted.map(([name]) => name) };
}

/**
 * Reads the bytes of a safetensors file. The tensors are views of `bytes`, copies only where one is
 * not aligned to its element type.
 *
 * @param source names the bytes in errors
 * @throws {DataError} if anything in the header is unsound, before anything is allocated
 */
export function decodeSafetensors(
  bytes: Uint8Array<ArrayBuffer>,
  source = "safetensors data",
): SafeTensors {
  const headerBytes = parsePrefix(bytes, bytes.length, source);
  const data = bytes.subarray(PREFIX_BYTES + headerBytes);
  const header = bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes);
  return assemble(parseHeader(header, data.length, source), data);
}

/**
 * Reads a safetensors file; the header is checked against the file's size before the data is read.
 *
 * @throws {DataError} if the file is unsound
 * @throws {UserError} if it cannot be read
 */
export async function readSafetensors(path: string): Promise<SafeTensors> {
  try {
    using file = await Deno.open(path);
    const { size, isFile } = await file.stat();
    if (!isFile) throw new DataError(`Cannot read ${path}: it is not a file`);
    const prefix = await readBytes(file, Math.min(size, PREFIX_BYTES), path);
    const headerBytes = parsePrefix(prefix, size, path);
    const dataBytes = size - PREFIX_BYTES - headerBytes;
    const header = parseHeader(await readBytes(file, headerBytes, path), dataBytes, path);
    // The data in a buffer of its own is aligned, whatever the length of the header.
    return assemble(header, await readBytes(file, dataBytes, path));
  } catch (error) {
    throw ioError("read", path, error);
  }
}

/**
 * Writes a safetensors file through a temporary name, so that `path` is never half a file.
 *
 * @throws {UserError} if it cannot be written; nothing is left behind
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, SafeTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomic(path, encodeSafetensors(tensors, metadata));
}

function field(key: string, value: unknown): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

function checkTensor(name: string, { dtype, shape, data }: SafeTensor): void {
  if (name === "__metadata__") {
    throw new RangeError("Cannot encode a tensor named __metadata__ as safetensors");
  }
  if (!(data instanceof ARRAYS[dtype])) {
    throw new TypeError(
      `Cannot encode tensor ${name} as ${dtype}: expected data in ${ARRAYS[dtype].name}`,
    );
  }
  const elements = shape.reduce((product, size) => product * size, 1);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || elements !== data.length) {
    throw new RangeError(
      `Cannot encode tensor ${name} as shape [${shape}]: its data has ${data.length} elements`,
    );
  }
}

function assemble({ entries, metadata }: Header, data: Uint8Array<ArrayBuffer>): SafeTensors {
  // fromEntries defines properties, so that a tensor named __proto__ is a tensor like any other.
  const tensors = Object.fromEntries(entries.map((entry) => [entry.name, view(entry, data)]));
  return { tensors, metadata };
}

function view(
  { dtype, shape, begin, end }: TensorEntry,
  data: Uint8Array<ArrayBuffer>,
): SafeTensor<ArrayBuffer> {
  const size = DTYPE_BYTES[dtype];
  const part = data.subarray(begin, end);
  const aligned = part.byteOffset % size === 0 ? part : part.slice();
  const array = new ARRAYS[dtype](aligned.buffer, aligned.byteOffset, (end - begin) / size);
  return { dtype, shape, data: array } as SafeTensor<ArrayBuffer>;
}

async function readBytes(
  file: Deno.FsFile,
  count: number,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(count);
  for (let done = 0; done < count;) {
    const read = await file.read(bytes.subarray(done));
    if (read === null) throw new DataError(`Cannot read ${path}: it shrank while it was read`);
    done += read;
  }
  return bytes;
}
