// JPEG files to 8-bit RGB, by libjpeg (MozJPEG) as WebAssembly.

import decode, { init } from "npm:@jsquash/jpeg@1.6.0/decode.js";
import { DataError } from "../../util/errors.ts";
import type { JpegHeader } from "./image_header.ts";
import type { RgbImage } from "./resize_image.ts";

const MODULE = "npm:@jsquash/jpeg@1.6.0/codec/dec/mozjpeg_dec.wasm";
const CMYK = 4;

/** What libjpeg has said of the file at hand: its warnings, and why it gave up. */
let words: string[] = [];
let binary: Promise<Uint8Array> | undefined;
let ready: Promise<void> | undefined;

/**
 * Decodes a JPEG file to interleaved 8-bit RGB, upright as its EXIF orientation says. Gray is
 * repeated; color profiles are not applied. A file that libjpeg only warns of (cut off, or wrong
 * codes) is damaged too: what it cannot read it paints gray.
 *
 * Decodes one file at a time: wait for the last before you give it the next.
 *
 * @throws {DataError} if it is CMYK, or damaged
 */
export async function decodeJpeg(
  bytes: Uint8Array,
  header: JpegHeader,
  name: string,
): Promise<RgbImage> {
  if (header.components === CMYK) {
    throw new DataError(`Cannot decode ${name}: expected gray or color, found a CMYK image`, {
      hint: "convert it to RGB",
    });
  }
  await (ready ??= start());
  words = [];
  let image: ImageData;
  try {
    image = await decode(bytes as unknown as ArrayBuffer, { preserveOrientation: true });
  } catch (cause) {
    // The instance is not to be trusted any more.
    ready = undefined;
    throw damaged(name, cause);
  }
  if (words.length > 0) throw damaged(name);
  return { width: image.width, height: image.height, data: withoutAlpha(image.data) };
}

/** A fresh instance of the decoder, from the package's file: its own way would fetch it. */
async function start(): Promise<void> {
  binary ??= Deno.readFile(new URL(import.meta.resolve(MODULE)));
  // The package's types know the first of these options only.
  const options = {
    noInitialRun: true,
    wasmBinary: await binary,
    printErr: (text: string) => words.push(text),
  };
  await init(options);
}

function damaged(name: string, cause?: unknown): DataError {
  const reason = words.at(-1) ?? (cause instanceof Error ? cause.message : "no reason given");
  return new DataError(`Cannot decode ${name} as it is damaged: ${reason}`, {
    hint: "save it again, or remove it",
    cause,
  });
}

function withoutAlpha(rgba: ArrayLike<number>): Uint8Array {
  const rgb = new Uint8Array(rgba.length / 4 * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return rgb;
}
