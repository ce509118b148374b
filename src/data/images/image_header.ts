// What an image file says of itself before anything is decoded: its format and its size.

import { DataError } from "../../util/errors.ts";

/** Images of more pixels are refused before anything is decoded: 64 megapixels. */
export const MAX_PIXELS = 64 * 2 ** 20;

/** A file format, known by the file's first bytes, whatever its name. */
export type ImageType = "png" | "jpeg";

/** The first chunk of a PNG file (PNG specification, section 11.2.1). */
export interface PngHeader {
  readonly type: "png";
  readonly width: number;
  readonly height: number;
  /** Bits a sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  /** 0 gray, 2 RGB, 3 palette, 4 gray with alpha, 6 RGB with alpha. */
  readonly colorType: number;
  readonly interlaced: boolean;
}

/** The frame header of a JPEG file (ITU-T T.81, section B.2.2). */
export interface JpegHeader {
  readonly type: "jpeg";
  /** As stored; an EXIF orientation may exchange width and height. */
  readonly width: number;
  readonly height: number;
  /** 1 gray, 3 color, 4 CMYK. */
  readonly components: number;
}

export type ImageHeader = PngHeader | JpegHeader;

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG_SIGNATURE = [0xff, 0xd8, 0xff];
/** How many of a file's first bytes tell its format. */
export const SIGNATURE_BYTES = PNG_SIGNATURE.length;

/** The format by the first bytes; undefined for whatever is neither PNG nor JPEG. */
export function imageType(bytes: Uint8Array): ImageType | undefined {
  if (PNG_SIGNATURE.every((byte, index) => bytes[index] === byte)) return "png";
  if (JPEG_SIGNATURE.every((byte, index) => bytes[index] === byte)) return "jpeg";
  return undefined;
}

/**
 * Reads format and size.
 *
 * @param name names the file in messages
 * @throws {DataError} if it is no PNG or JPEG file, cut off, contradictory, or has more than
 *   {@linkcode MAX_PIXELS}
 */
export function readImageHeader(bytes: Uint8Array, name: string): ImageHeader {
  const type = imageType(bytes);
  if (type === undefined) throw notAnImage(name);
  const header = type === "png" ? readPngHeader(bytes, name) : readJpegHeader(bytes, name);
  const { width, height } = header;
  if (width < 1 || height < 1) {
    throw new DataError(`Cannot decode ${name}: expected a size, found ${width}x${height} pixels`);
  }
  if (width * height > MAX_PIXELS) {
    throw new DataError(
      `Cannot decode ${name} as it is too large: expected at most ${MAX_PIXELS} pixels, ` +
        `found ${width}x${height}`,
      { hint: "scale it down, or remove it" },
    );
  }
  return header;
}

/** The fault of a file that carries an image's name only. */
export function notAnImage(name: string): DataError {
  return new DataError(`Cannot decode ${name}: expected a PNG or JPEG file, found something else`, {
    hint: "convert it to PNG or JPEG, or remove it",
  });
}

const IHDR = 0x49484452;
const IHDR_BYTES = 13;
const PNG_HEADER_END = 33;
/** The depths that each color type allows. */
const PNG_DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

function readPngHeader(bytes: Uint8Array, name: string): PngHeader {
  if (bytes.length < PNG_HEADER_END) throw cutOff(name, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(8) !== IHDR_BYTES || view.getUint32(12) !== IHDR) {
    throw new DataError(`Cannot decode ${name}: expected a PNG header behind the signature`);
  }
  const [depth, colorType, compression, filter, interlace] = bytes.subarray(24, 29);
  const known = compression === 0 && filter === 0 && interlace <= 1;
  if (!known || !PNG_DEPTHS[colorType]?.includes(depth)) {
    throw new DataError(
      `Cannot decode ${name}: no PNG has depth ${depth}, color type ${colorType}, ` +
        `compression ${compression}, filter ${filter}, interlace ${interlace}`,
    );
  }
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  return { type: "png", width, height, depth, colorType, interlaced: interlace === 1 };
}

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
const FRAME_BYTES = 8;

/** Walks from marker to marker to the frame header; a thumbnail lies inside a segment and is passed. */
function readJpegHeader(bytes: Uint8Array, name: string): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) {
      throw new DataError(
        `Cannot decode ${name}: expected a JPEG marker at byte ${at}, found ${bytes[at]}`,
      );
    }
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
    } else if (isBare(marker)) {
      at += 2;
    } else if (marker === START_OF_SCAN || marker === END_OF_IMAGE) {
      throw new DataError(`Cannot decode ${name}: expected a frame header before the image data`);
    } else if (isFrame(marker)) {
      if (at + 2 + FRAME_BYTES > bytes.length) break;
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      return { type: "jpeg", width, height, components: bytes[at + 9] };
    } else {
      // A length below 2 is wrong; going on keeps this loop from standing still.
      at += 2 + Math.max(2, view.getUint16(at + 2));
    }
  }
  throw cutOff(name, bytes.length);
}

/** Markers without a segment: restarts, TEM and a repeated start. */
function isBare(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** Frame headers of every kind of JPEG; C4, C8 and CC are other segments. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function cutOff(name: string, bytes: number): DataError {
  return new DataError(
    `Cannot decode ${name} as it is truncated: expected a whole header, found ${bytes} bytes`,
    { hint: "copy it again, or remove it" },
  );
}
