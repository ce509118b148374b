import { DataError } from "../util/errors.ts";
import { isObject } from "../util/json.ts";
import { duplicateKey } from "./json.ts";

/** The element types of safetensors with their bytes, in the order in which its writers sort them. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

/** The name of an element type. */
export type Dtype = keyof typeof DTYPE_BYTES;

/** Where a tensor lies: bytes `begin` to `end` (not included) of the data behind the header. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A header that was found sound: the tensors cover the data without holes and overlaps. */
export interface Header {
  readonly entries: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The bytes before the header: its length as an unsigned 64-bit integer, little-endian. */
export const PREFIX_BYTES = 8;

/** Of a header: the tensors, a tensor, its shape. */
const DEEPEST = 3;
/** Empty objects in a header: of a sound one that of the metadata at most. */
const MOST_EMPTY = 8;

/** The longest header that the format allows, in bytes. */
export const MAX_HEADER_BYTES = 100_000_000;

/**
 * The length of the header from the file's first 8 bytes (fewer if the file is shorter), checked
 * against the format's limit and the file's size, both in bytes.
 * `source` names the file in the {@linkcode DataError}.
 */
export function parsePrefix(prefix: Uint8Array, fileBytes: number, source: string): number {
  if (fileBytes < PREFIX_BYTES || prefix.length < PREFIX_BYTES) {
    throw invalid(source, `expected at least ${PREFIX_BYTES} bytes, found ${fileBytes}`);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(
      source,
      `expected a header of at most ${MAX_HEADER_BYTES} bytes, found a length of ${length}`,
    );
  }
  if (length > BigInt(fileBytes - PREFIX_BYTES)) {
    throw invalid(
      source,
      `expected a header of at most ${fileBytes - PREFIX_BYTES} bytes in a file of ${fileBytes}, ` +
        `found a length of ${length}`,
    );
  }
  return Number(length);
}

/**
 * Reads and checks a whole header before anything is allocated for the `dataBytes` bytes of data
 * behind it. Whatever is wrong is a {@linkcode DataError} that names `source` and the tensor.
 */
export function parseHeader(header: Uint8Array, dataBytes: number, source: string): Header {
  const json = parseJson(header, source);
  const { __metadata__: metadata, ...tensors } = json;
  const entries = Object.entries(tensors).map(([name, value]) =>
    parseEntry(name, value, dataBytes, source)
  );
  checkCoverage(entries, dataBytes, source);
  return { entries, metadata: parseMetadata(metadata, source) };
}

function parseJson(header: Uint8Array, source: string): Record<string, unknown> {
  if (header[0] !== 0x7b) throw invalid(source, "expected a header that begins with {");
  checkNesting(header, source);
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header);
    json = JSON.parse(text);
  } catch {
    throw invalid(source, "expected a header of JSON in UTF-8, found something else");
  }
  if (!isObject(json)) throw invalid(source, "expected a header that is a JSON object");
  // JSON.parse keeps the last of several equal keys, other readers the first: refuse them.
  const twice = duplicateKey(text);
  if (twice !== undefined) throw invalid(source, `found the key ${quote(twice)} twice`);
  return json;
}

/**
 * Refuses what would cost gigabytes to parse and is no header: values nested deeper than a tensor's, and
 * many empty ones. Only `__metadata__` may be empty.
 */
function checkNesting(header: Uint8Array, source: string): void {
  let depth = 0;
  let empty = 0;
  let opened = false;
  for (let i = 0; i < header.length; i++) {
    const byte = header[i];
    if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) continue;
    if (byte === 0x22) {
      for (i++; i < header.length && header[i] !== 0x22; i++) if (header[i] === 0x5c) i++;
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > DEEPEST) throw invalid(source, `found values nested deeper than ${DEEPEST}`);
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
      if (opened && byte === 0x7d && depth > 0 && ++empty > MOST_EMPTY) {
        throw invalid(source, "found many empty objects");
      }
    }
    opened = byte === 0x7b;
  }
}

function parseEntry(name: string, value: unknown, dataBytes: number, source: string): TensorEntry {
  const fail = (problem: string) => invalid(source, `tensor ${quote(name)}: ${problem}`);
  if (!isObject(value)) throw fail("expected an object");
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    throw fail(`expected dtype, shape and data_offsets, found ${quote(unknown)}`);
  }
  if (!isDtype(dtype)) {
    throw fail(`expected a known dtype, found ${quote(dtype)}`);
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw fail(`expected a shape of integers of at least 0, found ${quote(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw fail(`expected data_offsets of two integers of at least 0, found ${quote(offsets)}`);
  }
  const [begin, end] = offsets;
  if (begin > end) throw fail(`expected data_offsets in order, found ${quote(offsets)}`);
  if (end > dataBytes) {
    throw fail(`expected data_offsets within ${dataBytes} bytes, found ${quote(offsets)}`);
  }
  // Past 2^53 the product is rounded, but then it cannot equal end - begin either.
  const needed = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
  if (needed !== end - begin) {
    throw fail(
      `expected ${needed} bytes for ${dtype} ${quote(shape)}, found data_offsets of ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function checkCoverage(entries: readonly TensorEntry[], dataBytes: number, source: string): void {
  const sorted = entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of sorted) {
    if (begin !== covered) {
      const problem = begin < covered ? "overlaps another tensor" : "leaves a hole before it";
      throw invalid(
        source,
        `tensor ${quote(name)} ${problem}: expected it to begin at byte ${covered}, found ${begin}`,
      );
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    throw invalid(source, `expected tensors for all ${dataBytes} bytes of data, found ${covered}`);
  }
}

function parseMetadata(value: unknown, source: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) throw invalid(source, "expected __metadata__ to be an object of strings");
  const entries = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text === "string") return [key, text];
    throw invalid(source, `expected __metadata__ ${quote(key)} to be a string`);
  });
  return Object.fromEntries(entries);
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(DTYPE_BYTES, value);
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** JSON on one line, cut short: names in a hostile file may be long. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function invalid(source: string, problem: string): DataError {
  return new DataError(`${source} is not a valid safetensors file: ${problem}`, {
    hint: "it is damaged, or of another format",
  });
}
