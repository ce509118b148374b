import { DataError, UserError } from "../../util/errors.ts";
import { decodeJpeg } from "./decode_jpeg.ts";
import { decodePng } from "./decode_png.ts";
import { readImageHeader } from "./image_header.ts";
import type { RgbImage } from "./resize_image.ts";

/**
 * Decodes a PNG or JPEG file, whatever its name, to interleaved 8-bit RGB. One at a time: wait for
 * the last before the next.
 *
 * @param name names the file in messages
 * @throws {DataError} if it is neither, too large, or damaged in any way
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RgbImage> {
  const header = readImageHeader(bytes, name);
  let image: RgbImage;
  try {
    image = header.type === "png"
      ? { width: header.width, height: header.height, data: decodePng(bytes, header, name) }
      : await decodeJpeg(bytes, header, name);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`Cannot decode ${name}: ${reason}`, {
      hint: "save it again, or remove it",
      cause,
    });
  }
  const { width, height } = image;
  const same = width === header.width && height === header.height;
  const turned = header.type === "jpeg" && width === header.height && height === header.width;
  if (!(same || turned) || image.data.length !== width * height * 3) {
    throw new DataError(
      `Cannot decode ${name}: expected ${header.width}x${header.height} pixels as its header says, ` +
        `found ${width}x${height} in ${image.data.length} bytes`,
    );
  }
  return image;
}
