// The input recipe of the CIFAR-10 tutorial: random 24x24 crop, flip, brightness, contrast,
// standardization in training; central crop and standardization in evaluation.
//
// Images are floats in the order [H=24, W=24, C=3]. Every function writes into `out`, allocates
// nothing, and depends on nothing but its arguments; `out` may be `image` itself.

import type { RandomStream } from "../../util/random.ts";
import { CHANNELS, IMAGE_SIZE, PLANE_BYTES } from "../records.ts";

/** Height and width of a cropped image, pixels. */
export const CROP_SIZE = 24;
/** Values of a cropped image: 24 x 24 x 3. */
export const CROP_VALUES = CROP_SIZE * CROP_SIZE * CHANNELS;
/** The largest offset of a crop, pixels. */
export const MAX_OFFSET = IMAGE_SIZE - CROP_SIZE;
/** Brightness is changed by a value in [-63, 63). */
export const MAX_BRIGHTNESS_DELTA = 63;
/** Contrast is multiplied by a factor in [0.2, 1.8). */
export const CONTRAST_RANGE = { lower: 0.2, upper: 1.8 } as const;

const ROW_VALUES = CROP_SIZE * CHANNELS;
const CROP_PIXELS = CROP_SIZE * CROP_SIZE;
const GREEN = PLANE_BYTES;
const BLUE = 2 * PLANE_BYTES;
// Keeps the division of a uniform image by its own deviation finite.
const MIN_DEVIATION = 1 / Math.sqrt(CROP_VALUES);

/** The random numbers of one distorted image. */
export interface Distortion {
  /** First row of the crop, 0 to 8. */
  top: number;
  /** First column of the crop, 0 to 8. */
  left: number;
  /** Whether left and right are exchanged. */
  flip: boolean;
  /** Added to every value, in [-63, 63). */
  brightness: number;
  /** Multiplies the distance from the channel's mean, in [0.2, 1.8). */
  contrast: number;
}

/** A distortion to draw into, so that drawing allocates nothing. */
export function createDistortion(): Distortion {
  return { top: 0, left: 0, flip: false, brightness: 0, contrast: 1 };
}

/**
 * Draws the random numbers of one image, in the order top, left, flip, brightness, contrast.
 *
 * @param random a stream at position 0 of (epoch, image index)
 * @param out receives the numbers
 */
export function drawDistortion(random: RandomStream, out: Distortion): Distortion {
  const { lower, upper } = CONTRAST_RANGE;
  out.top = random.uniformInt(MAX_OFFSET + 1);
  out.left = random.uniformInt(MAX_OFFSET + 1);
  out.flip = random.uniform() < 0.5;
  out.brightness = (2 * random.uniform() - 1) * MAX_BRIGHTNESS_DELTA;
  out.contrast = lower + (upper - lower) * random.uniform();
  return out;
}

/**
 * Cuts the 24x24 part at row `top` and column `left` out of a planar image.
 *
 * @param pixels bytes [C=3, H=32, W=32]
 * @param out receives floats 0 to 255, [24, 24, 3]
 */
export function crop(pixels: Uint8Array, top: number, left: number, out: Float32Array): void {
  let target = 0;
  for (let y = 0; y < CROP_SIZE; y++) {
    const start = (top + y) * IMAGE_SIZE + left;
    for (let source = start; source < start + CROP_SIZE; source++) {
      out[target] = pixels[source];
      out[target + 1] = pixels[source + GREEN];
      out[target + 2] = pixels[source + BLUE];
      target += CHANNELS;
    }
  }
}

/** Cuts a part at offsets drawn from 0 to 8, first the row, then the column. */
export function randomCrop(pixels: Uint8Array, random: RandomStream, out: Float32Array): void {
  const top = random.uniformInt(MAX_OFFSET + 1);
  crop(pixels, top, random.uniformInt(MAX_OFFSET + 1), out);
}

/** Cuts the part in the middle, at offset (4, 4). */
export function centerCrop(pixels: Uint8Array, out: Float32Array): void {
  crop(pixels, MAX_OFFSET / 2, MAX_OFFSET / 2, out);
}

/** Exchanges left and right: out[y, x, c] = image[y, 23 - x, c]. */
export function flipHorizontal(image: Float32Array, out: Float32Array): void {
  for (let row = 0; row < CROP_VALUES; row += ROW_VALUES) {
    let right = row + ROW_VALUES - CHANNELS;
    for (let left = row; left < right; left += CHANNELS, right -= CHANNELS) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        const value = image[left + channel];
        out[left + channel] = image[right + channel];
        out[right + channel] = value;
      }
    }
  }
}

/** Adds `delta` to every value; nothing is clamped. */
export function adjustBrightness(image: Float32Array, delta: number, out: Float32Array): void {
  for (let i = 0; i < CROP_VALUES; i++) out[i] = image[i] + delta;
}

/** Scales the distance from each channel's own mean: (x - mean_c) * factor + mean_c. */
export function adjustContrast(image: Float32Array, factor: number, out: Float32Array): void {
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let i = 0; i < CROP_VALUES; i += CHANNELS) {
    red += image[i];
    green += image[i + 1];
    blue += image[i + 2];
  }
  red /= CROP_PIXELS;
  green /= CROP_PIXELS;
  blue /= CROP_PIXELS;
  for (let i = 0; i < CROP_VALUES; i += CHANNELS) {
    out[i] = (image[i] - red) * factor + red;
    out[i + 1] = (image[i + 1] - green) * factor + green;
    out[i + 2] = (image[i + 2] - blue) * factor + blue;
  }
}

/**
 * (x - mean) / max(deviation, 1/sqrt(1728)), mean and population standard deviation over all pixels
 * and channels, summed in float64. Source: TensorFlow's per_image_standardization.
 */
export function standardize(image: Float32Array, out: Float32Array): void {
  let sum = 0;
  for (let i = 0; i < CROP_VALUES; i++) sum += image[i];
  const mean = sum / CROP_VALUES;
  let squares = 0;
  for (let i = 0; i < CROP_VALUES; i++) {
    const distance = image[i] - mean;
    squares += distance * distance;
  }
  const scale = 1 / Math.max(Math.sqrt(squares / CROP_VALUES), MIN_DEVIATION);
  for (let i = 0; i < CROP_VALUES; i++) out[i] = (image[i] - mean) * scale;
}

/** Applies a distortion in the reference's order: crop, flip, brightness, contrast, standardize. */
export function applyDistortion(
  pixels: Uint8Array,
  distortion: Distortion,
  out: Float32Array,
): void {
  crop(pixels, distortion.top, distortion.left, out);
  if (distortion.flip) flipHorizontal(out, out);
  adjustBrightness(out, distortion.brightness, out);
  adjustContrast(out, distortion.contrast, out);
  standardize(out, out);
}

/**
 * Makes one training image: draws a distortion and applies it.
 *
 * @param pixels bytes [3, 32, 32]
 * @param random the augment stream, at position 0 of (epoch, image index)
 * @param scratch holds the numbers drawn
 * @param out receives floats [24, 24, 3]
 */
export function distort(
  pixels: Uint8Array,
  random: RandomStream,
  scratch: Distortion,
  out: Float32Array,
): void {
  applyDistortion(pixels, drawDistortion(random, scratch), out);
}

/** Makes one evaluation image: central crop, standardize. */
export function preprocessEval(pixels: Uint8Array, out: Float32Array): void {
  centerCrop(pixels, out);
  standardize(out, out);
}
