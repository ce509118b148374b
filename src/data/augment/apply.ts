// Makes the model's input images by the numbers that `draw.ts` drew. The ops of `ops/augment.ts` do
// the same on the device.

import { AUGMENT, type MeanImage, MIX } from "../../ops/augment_row.ts";
import type { ImageFormat } from "../image_store.ts";
import { adjustSaturation, rotateHue } from "./color.ts";
import { CHANNELS, createCropper } from "./crop.ts";
import { meanValues } from "../mean_image.ts";
import {
  applyChannelMap,
  applyMapAndMean,
  createChannelMap,
  createMapFitter,
  UNCHANGED,
} from "./normalize.ts";
import type { AugmentSpec } from "./spec.ts";

/**
 * Makes one image by its row of {@linkcode AUGMENT} numbers; allocates nothing.
 *
 * @param pixels the bytes of one image, in the order of its format
 * @param out receives [H, W, 3] of the crop's size
 */
export type Augmenter = (pixels: Uint8Array, row: Float32Array, out: Float32Array) => void;

/** The {@linkcode Augmenter} of images of one format, by a spec that `checkAugment` has passed. */
export function createAugmenter(spec: AugmentSpec, format: ImageFormat): Augmenter {
  const [height, width] = spec.crop;
  const image = new Float64Array(height * width * CHANNELS);
  const map = createChannelMap();
  const crop = createCropper(spec, format);
  const { normalization } = spec;
  const fitMap = createMapFitter(normalization.kind === "pixel" ? UNCHANGED : normalization);
  const cropMean = normalization.kind === "pixel" ? createMeanCropper(spec, normalization) : null;
  return (pixels, row, out) => {
    crop(pixels, row[AUGMENT.top], row[AUGMENT.left], row[AUGMENT.flip] === 1, image);
    if (row[AUGMENT.saturation] !== 1) adjustSaturation(image, row[AUGMENT.saturation]);
    if (row[AUGMENT.hue] !== 0) rotateHue(image, row[AUGMENT.hue]);
    fitMap(image, row[AUGMENT.brightness], row[AUGMENT.contrast], map);
    if (cropMean === null) applyChannelMap(image, map, out);
    else applyMapAndMean(image, map, cropMean(row), out);
    const size = row[AUGMENT.cutoutSize];
    if (size > 0) cutOut(out, spec.crop, row[AUGMENT.cutoutTop], row[AUGMENT.cutoutLeft], size);
  };
}

/** Cuts the mean image as a row cuts its image; what it returns is used again. */
function createMeanCropper(
  spec: Pick<AugmentSpec, "crop" | "padMode">,
  mean: MeanImage,
): (row: Float32Array) => Float64Array {
  const { height, width } = mean;
  const values = meanValues(mean);
  const crop = createCropper(spec, { height, width, channels: CHANNELS, order: "HWC" });
  const out = new Float64Array(spec.crop[0] * spec.crop[1] * CHANNELS);
  return (row) => {
    crop(values, row[AUGMENT.top], row[AUGMENT.left], row[AUGMENT.flip] === 1, out);
    return out;
  };
}

/**
 * Sets a square of a [H, W, 3] image to zero. Source: DeVries and Taylor, "Improved regularization of
 * convolutional neural networks with cutout", 2017.
 *
 * @param top its first row; what lies outside of the image is clipped
 * @param left its first column
 * @param size its side, pixels
 */
export function cutOut(
  image: Float32Array,
  [height, width]: readonly [number, number],
  top: number,
  left: number,
  size: number,
): void {
  const bottom = Math.min(height, top + size);
  const start = Math.max(0, left) * CHANNELS;
  const end = Math.min(width, left + size) * CHANNELS;
  for (let y = Math.max(0, top); y < bottom; y++) {
    const row = y * width * CHANNELS;
    image.fill(0, row + start, row + end);
  }
}

/**
 * Mixes the images i and B - 1 - i of a batch in place, by its {@linkcode MIX} numbers: inside the box
 * they are exchanged, outside each keeps its share. The middle one of an odd batch is its own partner.
 *
 * @param images [B, H, W, 3]
 * @param shape height and width of an image
 */
export function mixBatch(
  images: Float32Array,
  mix: Float32Array,
  batch: number,
  [height, width]: readonly [number, number],
): void {
  const rowValues = width * CHANNELS;
  const imageValues = height * rowValues;
  const share = mix[MIX.share];
  const boxStart = mix[MIX.left] * CHANNELS;
  const boxEnd = mix[MIX.right] * CHANNELS;
  for (let i = 0, j = batch - 1; i < j; i++, j--) {
    for (let y = 0; y < height; y++) {
      const one = i * imageValues + y * rowValues;
      const other = j * imageValues + y * rowValues;
      if (y < mix[MIX.top] || y >= mix[MIX.bottom]) {
        blend(images, one, other, rowValues, share);
      } else {
        blend(images, one, other, boxStart, share);
        blend(images, one + boxStart, other + boxStart, boxEnd - boxStart, 0);
        blend(images, one + boxEnd, other + boxEnd, rowValues - boxEnd, share);
      }
    }
  }
}

/** Blends two runs of `count` values with each other; each keeps `share` of itself. */
function blend(
  images: Float32Array,
  one: number,
  other: number,
  count: number,
  share: number,
): void {
  if (share === 1) return;
  const rest = 1 - share;
  for (let i = 0; i < count; i++) {
    const a = images[one + i];
    const b = images[other + i];
    images[one + i] = share * a + rest * b;
    images[other + i] = share * b + rest * a;
  }
}
