// PNG files to 8-bit RGB.

import { decode, type DecodedPng, type PngDataArray } from "npm:fast-png@8.0.0";
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { DataError } from "../../util/errors.ts";
import type { PngHeader } from "./image_header.ts";

const SIGNATURE_BYTES = 8;
/** Length and type before a chunk's data, and the checksum behind it. */
const CHUNK_START_BYTES = 8;
const CHUNK_END_BYTES = 4;
/** The chunks that decide about pixels; the others (text, color profiles, times) are left out. */
const PIXEL_CHUNKS = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];

const COLOR_TYPE = { rgb: 2, palette: 3, grayAlpha: 4, rgbAlpha: 6 } as const;
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/**
 * Decodes any PNG file to interleaved 8-bit RGB, [height, width, 3]. 16-bit samples are scaled and
 * rounded, gray is repeated, transparency is composited over white; gamma and color profiles are not
 * applied. Checksums are verified, and the amount of pixel data is before it is decoded.
 *
 * @throws {Error} if the file is damaged
 */
export function decodePng(bytes: Uint8Array, header: PngHeader, name: string): Uint8Array {
  if (header.interlaced && header.depth < 8) {
    throw new DataError(
      `Cannot decode ${name}: expected 8 or 16 bits in an interlaced PNG, found ${header.depth}`,
      { hint: "save it without interlacing" },
    );
  }
  const chunks = pixelChunks(bytes, name);
  checkPixelData(chunks, header, name);
  const parts = [bytes.subarray(0, SIGNATURE_BYTES), ...chunks.map(({ whole }) => whole)];
  return toRgb(decode(Buffer.concat(parts), { checkCrc: true }), header);
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  readonly whole: Uint8Array;
}

function pixelChunks(bytes: Uint8Array, name: string): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE_BYTES; at + CHUNK_START_BYTES + CHUNK_END_BYTES <= bytes.length;) {
    const start = at + CHUNK_START_BYTES;
    const end = start + view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, start));
    if (end + CHUNK_END_BYTES > bytes.length) break;
    if (type === "IHDR" && chunks.length > 0) throw secondHeader(name, at);
    if (PIXEL_CHUNKS.includes(type)) {
      const whole = bytes.subarray(at, end + CHUNK_END_BYTES);
      chunks.push({ type, data: bytes.subarray(start, end), whole });
    }
    if (type === "IEND") return chunks;
    at = end + CHUNK_END_BYTES;
  }
  throw new DataError(
    `Cannot decode ${name} as it is truncated: expected an IEND chunk, found the end of the file ` +
      `after ${bytes.length} bytes`,
    { hint: "copy it again, or remove it" },
  );
}

/** The decoder would believe the last of two headers, and only the first was checked. */
function secondHeader(name: string, at: number): DataError {
  return new DataError(
    `Cannot decode ${name}: expected one PNG header, found another at byte ${at}`,
    {
      hint: "save it again, or remove it",
    },
  );
}

/**
 * The decoder believes the header and unpacks whatever the file holds. So the pixel data is unpacked
 * once before, to no more than the header speaks of: a small file cannot fill the memory.
 */
function checkPixelData(chunks: readonly Chunk[], header: PngHeader, name: string): void {
  const expected = pixelDataBytes(header);
  const packed = chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data);
  let found: string;
  try {
    found = `${inflateSync(Buffer.concat(packed), { maxOutputLength: expected }).length}`;
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_BUFFER_TOO_LARGE") throw error;
    found = "more";
  }
  if (found === `${expected}`) return;
  throw new DataError(
    `Cannot decode ${name} as its header and its data differ: ` +
      `expected ${expected} bytes for ${header.width}x${header.height} pixels, found ${found}`,
    { hint: "save it again, or remove it" },
  );
}

/** Bytes of the unpacked rows, each with its filter byte; an interlaced image has seven passes of rows. */
function pixelDataBytes({ width, height, depth, colorType, interlaced }: PngHeader): number {
  const bits = depth * CHANNELS[colorType];
  const bytes = (columns: number, rows: number) =>
    columns === 0 ? 0 : rows * (1 + Math.ceil(columns * bits / 8));
  if (!interlaced) return bytes(width, height);
  const steps = (length: number, first: number, step: number) =>
    Math.max(0, Math.ceil((length - first) / step));
  return ADAM7.reduce(
    (sum, [x, y, dx, dy]) => sum + bytes(steps(width, x, dx), steps(height, y, dy)),
    0,
  );
}

/** First column, first row, and the steps of the passes (PNG specification, section 8.1). */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function toRgb(png: DecodedPng, header: PngHeader): Uint8Array {
  const { depth, colorType } = header;
  if (colorType === COLOR_TYPE.rgb && depth === 8 && png.transparency === undefined) {
    return png.data as Uint8Array;
  }
  const samples = depth < 8 ? unpack(png) : png.data;
  return colorType === COLOR_TYPE.palette
    ? paletteToRgb(samples, png.palette ?? [])
    : samplesToRgb(samples, png, header);
}

/** One sample a byte, of rows that begin at whole bytes. */
function unpack({ width, height, depth, data }: DecodedPng): Uint8Array {
  const samples = new Uint8Array(width * height);
  const rowBytes = Math.ceil(width * depth / 8);
  const mask = 2 ** depth - 1;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const bit = x * depth;
      samples[i] = (data[y * rowBytes + (bit >> 3)] >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return samples;
}

function paletteToRgb(indices: PngDataArray, palette: readonly number[][]): Uint8Array {
  const colors = palette.map(([red, green, blue, alpha = 255]) =>
    [red, green, blue].map((value) => overWhite(value, alpha, 255))
  );
  const rgb = new Uint8Array(indices.length * 3);
  for (let i = 0; i < indices.length; i++) {
    const color = colors[indices[i]];
    if (color === undefined) {
      throw new Error(`expected a color below ${palette.length}, found ${indices[i]}`);
    }
    rgb.set(color, i * 3);
  }
  return rgb;
}

function samplesToRgb(samples: PngDataArray, png: DecodedPng, header: PngHeader): Uint8Array {
  const { depth, colorType } = header;
  const { channels, transparency } = png;
  const most = 2 ** depth - 1;
  const hasAlpha = colorType === COLOR_TYPE.grayAlpha || colorType === COLOR_TYPE.rgbAlpha;
  const colors = hasAlpha ? channels - 1 : channels;
  const pixels = png.width * png.height;
  const rgb = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const start = pixel * channels;
    let alpha = hasAlpha ? samples[start + colors] : most;
    if (transparency !== undefined && isColor(samples, start, transparency)) alpha = 0;
    for (let c = 0; c < 3; c++) {
      rgb[pixel * 3 + c] = overWhite(samples[start + (colors === 3 ? c : 0)], alpha, most);
    }
  }
  return rgb;
}

function isColor(samples: PngDataArray, start: number, color: Uint16Array): boolean {
  return color.every((value, index) => samples[start + index] === value);
}

/** A sample of 0 to `most` on a white ground, 0 to 255. */
function overWhite(value: number, alpha: number, most: number): number {
  return Math.round((value * alpha + most * (most - alpha)) * 255 / (most * most));
}
