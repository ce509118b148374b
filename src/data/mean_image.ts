import type { MeanImage } from "../ops/augment_row.ts";
import { type ImageStore, imageStrides } from "./image_store.ts";

/** Images that are looked at, evenly spread, of a set with more. */
const MOST_IMAGES = 50_000;

/** The mean of a set of images at each place, for `--normalize pixel`. */
export function meanImage(store: ImageStore): MeanImage {
  const { height, width } = store.format;
  const { row, column, channel } = imageStrides(store.format);
  const images = Math.min(store.count, MOST_IMAGES);
  // Whole numbers: exact, as they stay far below 2^53.
  const sums = new Float64Array(height * width * 3);
  for (let image = 0; image < images; image++) {
    const pixels = store.pixels(Math.floor(image * store.count / images));
    for (let y = 0, target = 0; y < height; y++) {
      for (let x = 0, at = y * row; x < width; x++, at += column) {
        sums[target++] += pixels[at];
        sums[target++] += pixels[at + channel];
        sums[target++] += pixels[at + 2 * channel];
      }
    }
  }
  const mean = Float32Array.from(sums, (sum) => sum / images);
  return { height, width, mean: new Uint8Array(mean.buffer).toBase64() };
}

/** The values of a mean image, [height, width, 3]; of another length if the text is no such image. */
export function meanValues({ mean }: Pick<MeanImage, "mean">): Float32Array<ArrayBuffer> {
  const bytes = Uint8Array.fromBase64(mean);
  return new Float32Array(bytes.buffer, 0, Math.floor(bytes.length / 4));
}
