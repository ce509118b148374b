// SVHN's MAT files turned into fixed-length records.

import { type MatArray, openMat } from "../../formats/mat.ts";
import { DataError } from "../../util/errors.ts";
import type { AcquireReporter } from "../acquire/progress.ts";
import { writeChunks } from "../acquire/record_files.ts";

const SIZE = 32;
const CHANNELS = 3;
const PLANE_BYTES = SIZE * SIZE;
const IMAGE_BYTES = CHANNELS * PLANE_BYTES;

/** Bytes of a record: a label byte, then three planes of 32x32, row-major. */
export const SVHN_RECORD_BYTES = 1 + IMAGE_BYTES;

const MAX_IMAGES = 1 << 20;
const RECORDS_PER_CHUNK = 256;

/** What a conversion made. */
export interface SvhnConversion {
  readonly records: number;
  /** Of the record file, in hex. */
  readonly sha256: string;
}

/**
 * Writes the images `X` (uint8 [32, 32, 3, N], column-major) and labels `y` (1 to 10, of which 10
 * stands for the digit 0) of a MAT file as records. Only some records are in memory at a time.
 *
 * @throws {DataError} if the file is damaged or holds something else
 * @throws {UserError} if the system refuses a file
 */
export async function convertSvhn(
  matPath: string,
  recordPath: string,
  reporter: AcquireReporter,
): Promise<SvhnConversion> {
  const arrays = await openMat(matPath);
  const images = arrays.find(({ name }) => name === "X");
  const labels = arrays.find(({ name }) => name === "y");
  if (images === undefined || labels === undefined) {
    const names = arrays.map(({ name }) => JSON.stringify(name)).join(", ") || "none";
    throw fault(matPath, "the arrays X and y", names);
  }
  const count = countImages(images, matPath);
  if (labels.count !== count) throw fault(matPath, `${count} labels in y`, `${labels.count}`);
  const digits = digitsOf(await labels.numbers(MAX_IMAGES), matPath);
  const { sha256 } = await writeChunks(recordPath, recordChunks(images, digits, reporter));
  return { records: count, sha256 };
}

function countImages({ type, shape }: MatArray, path: string): number {
  // MATLAB drops a last dimension of 1.
  const [height, width, channels, count = 1] = shape;
  const right = type === "uint8" && height === SIZE && width === SIZE && channels === CHANNELS &&
    shape.length <= 4 && count >= 1 && count <= MAX_IMAGES;
  if (!right) throw fault(path, `X as uint8 [32, 32, 3, N]`, `${type} [${shape.join(", ")}]`);
  return count;
}

function digitsOf(labels: Float64Array, path: string): Uint8Array {
  return Uint8Array.from(labels, (label, index) => {
    if (!Number.isInteger(label) || label < 1 || label > 10) {
      throw fault(path, "labels 1 to 10 in y", `${label} for image ${index}`);
    }
    return label % 10;
  });
}

async function* recordChunks(
  images: MatArray,
  digits: Uint8Array,
  reporter: AcquireReporter,
): AsyncGenerator<Uint8Array> {
  const total = digits.length * SVHN_RECORD_BYTES;
  const image = new Uint8Array(IMAGE_BYTES);
  let filled = 0;
  let chunk = new Uint8Array(RECORDS_PER_CHUNK * SVHN_RECORD_BYTES);
  let record = 0;
  for await (const piece of images.pieces()) {
    for (let start = 0; start < piece.length;) {
      const taken = piece.subarray(start, start + IMAGE_BYTES - filled);
      image.set(taken, filled);
      start += taken.length;
      filled += taken.length;
      if (filled < IMAGE_BYTES) break;
      filled = 0;
      const at = record % RECORDS_PER_CHUNK * SVHN_RECORD_BYTES;
      chunk[at] = digits[record];
      transposePlanes(image, chunk.subarray(at + 1, at + SVHN_RECORD_BYTES));
      record++;
      if (record % RECORDS_PER_CHUNK !== 0 && record < digits.length) continue;
      yield chunk.subarray(0, at + SVHN_RECORD_BYTES);
      chunk = new Uint8Array(chunk.length);
      reporter.progress("converting", record * SVHN_RECORD_BYTES, total);
    }
  }
}

/** From column-major planes to row-major ones. */
function transposePlanes(source: Uint8Array, target: Uint8Array): void {
  for (let plane = 0; plane < IMAGE_BYTES; plane += PLANE_BYTES) {
    for (let row = 0; row < SIZE; row++) {
      for (let column = 0; column < SIZE; column++) {
        target[plane + row * SIZE + column] = source[plane + column * SIZE + row];
      }
    }
  }
}

function fault(path: string, expected: string, found: string): DataError {
  return new DataError(`Cannot convert ${path}: expected ${expected}, found ${found}`, {
    hint: "delete it, so that the official file is downloaded again",
  });
}
