// PNG files that hold one CIFAR image a row, turned into binary records.

import { decode } from "npm:fast-png@8.0.0";
import { DataError } from "../../util/errors.ts";
import { CHANNELS, PLANE_BYTES, RECORD_BYTES } from "../datasets/cifar10_files.ts";

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const HEADER_BYTES = 33;
const RGB = 2;

/**
 * Turns a lossless 8-bit RGB PNG, 1,024 wide, one image a row (32x32 pixels row-major, interleaved
 * RGB), into records of 3,073 bytes. The dimensions are checked before anything is decoded.
 *
 * @param png the PNG file
 * @param labels one label an image
 * @param name names the file in messages
 * @throws {DataError} if the PNG is no such file, or damaged
 */
export function pngToRecords(png: Uint8Array, labels: ArrayLike<number>, name: string): Uint8Array {
  checkHeader(png, labels.length, name);
  const pixels = decodePixels(png, name);
  const records = new Uint8Array(labels.length * RECORD_BYTES);
  for (let image = 0, source = 0; image < labels.length; image++) {
    const start = image * RECORD_BYTES;
    records[start] = labels[image];
    for (let pixel = 0; pixel < PLANE_BYTES; pixel++) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        records[start + 1 + channel * PLANE_BYTES + pixel] = pixels[source++];
      }
    }
  }
  return records;
}

function checkHeader(png: Uint8Array, images: number, name: string): void {
  if (png.length < HEADER_BYTES || PNG_SIGNATURE.some((byte, index) => png[index] !== byte)) {
    throw new DataError(`Cannot decode ${name}: expected a PNG file, found something else`);
  }
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const [width, height, depth, color] = [
    view.getUint32(16),
    view.getUint32(20),
    view.getUint8(24),
    view.getUint8(25),
  ];
  if (width !== PLANE_BYTES || height !== images || depth !== 8 || color !== RGB) {
    throw new DataError(
      `Cannot decode ${name}: expected ${PLANE_BYTES}x${images} pixels of 8-bit RGB, ` +
        `found ${width}x${height}, depth ${depth}, color type ${color}`,
    );
  }
}

function decodePixels(png: Uint8Array, name: string): ArrayLike<number> {
  try {
    return decode(png, { checkCrc: true }).data;
  } catch (error) {
    throw new DataError(`Cannot decode ${name}: ${(error as Error).message}`, { cause: error });
  }
}
