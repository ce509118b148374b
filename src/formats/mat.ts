// MAT files, version 5 ("MAT-File Format", The MathWorks): numeric arrays by name, read in pieces.

import { DataError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";
import { ByteTaker, type FilePart, partStream } from "./mat_bytes.ts";
import {
  type ArrayHeader,
  readArrayHeader,
  readTag,
  STORAGE,
  type StorageType,
} from "./mat_header.ts";

const HEADER_BYTES = 128;
const TAG_BYTES = 8;
const VERSION = 0x0100;
const VERSION_HDF5 = 0x0200;
const MATRIX = 14;
const COMPRESSED = 15;
const MAX_ELEMENTS = 1024;

/** A numeric array of a MAT file; its data stays there until it is asked for. */
export class MatArray {
  readonly #part: FilePart;
  readonly #header: ArrayHeader;
  readonly #littleEndian: boolean;

  constructor(part: FilePart, header: ArrayHeader, littleEndian: boolean) {
    this.#part = part;
    this.#header = header;
    this.#littleEndian = littleEndian;
  }

  get name(): string {
    return this.#header.name;
  }

  /** How its numbers are stored: maybe smaller than what they are in MATLAB. */
  get type(): StorageType {
    return this.#header.type;
  }

  get shape(): readonly number[] {
    return this.#header.shape;
  }

  /** How many numbers it has. */
  get count(): number {
    return this.shape.reduce((product, length) => product * length, 1);
  }

  /**
   * The bytes of its data in pieces, column-major; never more than one piece is in memory.
   *
   * @throws {DataError} if the file is damaged or truncated
   * @throws {UserError} if it cannot be read
   */
  async *pieces(): AsyncGenerator<Uint8Array> {
    const { path } = this.#part;
    await using bytes = new ByteTaker(partStream(this.#part), path);
    const { headerBytes, dataBytes, padding } = this.#header;
    await bytes.take(headerBytes);
    yield* bytes.pieces(dataBytes);
    await bytes.take(padding);
    if (this.#part.compressed && !await bytes.atEnd()) {
      throw new DataError(
        `Cannot read ${path}: expected the end of array ${this.name}, found more bytes`,
      );
    }
  }

  /**
   * All its numbers, column-major.
   *
   * @param limit refuses a larger array before anything is allocated
   * @throws as `pieces`
   */
  async numbers(limit: number): Promise<Float64Array> {
    if (this.count > limit) {
      throw new DataError(
        `Cannot read array ${this.name} of ${this.#part.path}: expected at most ${limit} numbers, found ${this.count}`,
      );
    }
    const { bytes: size, get } = STORAGE[this.type];
    const data = new Uint8Array(this.count * size);
    let done = 0;
    for await (const piece of this.pieces()) {
      data.set(piece, done);
      done += piece.length;
    }
    const view = new DataView(data.buffer);
    return Float64Array.from(
      { length: this.count },
      (_, i) => get(view, i * size, this.#littleEndian),
    );
  }
}

/**
 * Finds the numeric arrays of a MAT file; others (cells, structures, text, sparse and complex arrays)
 * are passed over. Every length is checked against what holds it before it is used.
 *
 * @throws {DataError} if it is no MAT file of version 5, or damaged
 * @throws {UserError} if it cannot be read
 */
export async function openMat(path: string): Promise<MatArray[]> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    const littleEndian = checkHeader(await readAt(file, 0, HEADER_BYTES), path);
    const arrays: MatArray[] = [];
    let elements = 0;
    for (let offset = HEADER_BYTES; offset < size;) {
      if (++elements > MAX_ELEMENTS) throw fault(path, `at most ${MAX_ELEMENTS} elements`, "more");
      const { part, end } = await elementAt(file, { path, offset, size, littleEndian });
      const array = await openArray(part, littleEndian);
      if (array !== undefined) arrays.push(array);
      offset = end;
    }
    return arrays;
  } catch (error) {
    throw ioError("read", path, error);
  }
}

/** Bytes at a place of the file: fewer at its end. */
async function readAt(file: Deno.FsFile, offset: number, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  await file.seek(offset, Deno.SeekMode.Start);
  let done = 0;
  while (done < count) {
    const read = await file.read(bytes.subarray(done));
    if (read === null) break;
    done += read;
  }
  return bytes.subarray(0, done);
}

/** Whether the numbers of the file are little-endian. */
function checkHeader(header: Uint8Array, path: string): boolean {
  const mark = String.fromCharCode(...header.subarray(126, 128));
  const littleEndian = mark === "IM";
  if (!littleEndian && mark !== "MI") {
    throw fault(path, "a MAT file of version 5", "something else");
  }
  const version = new DataView(header.buffer).getUint16(124, littleEndian);
  if (version === VERSION) return littleEndian;
  const name = version === VERSION_HDF5 ? "7.3 (HDF5)" : `0x${version.toString(16)}`;
  throw fault(path, "a MAT file of version 5", `version ${name}`);
}

interface Place {
  readonly path: string;
  readonly offset: number;
  /** Of the file. */
  readonly size: number;
  readonly littleEndian: boolean;
}

/** The element that begins at an offset, and where the next one does. */
async function elementAt(
  file: Deno.FsFile,
  { path, offset, size, littleEndian }: Place,
): Promise<{ part: FilePart; end: number }> {
  const tag = await readAt(file, offset, TAG_BYTES);
  if (tag.length < TAG_BYTES) {
    throw fault(path, `an element at offset ${offset}`, `${tag.length} bytes`);
  }
  const { type, bytes, small } = readTag(tag, littleEndian);
  if (small || (type !== MATRIX && type !== COMPRESSED)) {
    throw fault(path, `an array at offset ${offset}`, `an element of type ${type}`);
  }
  const left = size - offset - TAG_BYTES;
  if (bytes > left) {
    throw fault(path, `at most ${left} bytes for the element at offset ${offset}`, `${bytes}`);
  }
  const end = offset + TAG_BYTES + bytes;
  const compressed = type === COMPRESSED;
  // The array's own tag stands inside of the compressed bytes.
  const part = compressed
    ? { path, offset: offset + TAG_BYTES, bytes, compressed }
    : { path, offset, bytes: bytes + TAG_BYTES, compressed };
  return { part, end };
}

/** The array of an element, unless it is one that is passed over. */
async function openArray(part: FilePart, littleEndian: boolean): Promise<MatArray | undefined> {
  await using bytes = new ByteTaker(partStream(part), part.path);
  const { type, bytes: length, small } = readTag(await bytes.take(TAG_BYTES), littleEndian);
  if (small || type !== MATRIX) {
    throw fault(part.path, "an array in a compressed element", `an element of type ${type}`);
  }
  const header = await readArrayHeader(bytes, { littleEndian, length, source: part.path });
  return header && new MatArray(part, header, littleEndian);
}

function fault(path: string, expected: string, found: string): DataError {
  return new DataError(`Cannot read ${path}: expected ${expected}, found ${found}`);
}
