import { DataError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import { decodeImage } from "./decode_image.ts";
import { MAX_PIXELS } from "./image_header.ts";
import { resizeImage, toPlanes } from "./resize_image.ts";

/** No image that may be decoded needs a larger file: 16 bits of four channels a pixel. */
export const MAX_FILE_BYTES = MAX_PIXELS * 8;

/** The size that images are brought to, pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/**
 * Reads an image file and brings it to one size: [3, height, width], 0 to 255.
 *
 * @throws {DataError} if it is neither PNG nor JPEG, too large or damaged
 * @throws {UserError} if the system refuses it
 */
export async function loadImage(
  path: string,
  { height, width }: ImageSize,
): Promise<Uint8Array<ArrayBuffer>> {
  return await imageFromBytes(readFile(path), path, { height, width });
}

/**
 * An image file's bytes brought to one size, as {@linkcode loadImage} does; one at a time.
 *
 * @param name names the file in messages
 * @throws {DataError} if it is neither PNG nor JPEG, too large or damaged
 */
export async function imageFromBytes(
  bytes: Uint8Array,
  name: string,
  { height, width }: ImageSize,
): Promise<Uint8Array<ArrayBuffer>> {
  return toPlanes(resizeImage(await decodeImage(bytes, name), width, height));
}

function readFile(path: string): Uint8Array {
  try {
    const { size } = Deno.statSync(path);
    if (size > MAX_FILE_BYTES) {
      throw new DataError(
        `Cannot decode ${path} as it is too large: expected at most ${MAX_FILE_BYTES} bytes, found ${size}`,
        { hint: "scale it down, or remove it" },
      );
    }
    return Deno.readFileSync(path);
  } catch (error) {
    throw ioError("read", path, error);
  }
}
