// Brightness, contrast and normalization of [H, W, 3] images: one affine map for each channel,
//
//   out = (x - center[c]) gain[c] + offset[c]
//
// but for the mean image, which is taken off pixel by pixel behind it. Centered on the channel's mean, so that images of low contrast lose nothing to rounding.

import type { AffineNormalization } from "./spec.ts";
import { CHANNELS } from "./crop.ts";

/** An affine map for each channel, and the statistics that it is made from; arrays of three. */
export interface ChannelMap {
  /** The channel's mean in the image. */
  readonly center: Float64Array;
  /** The channel's population variance in the image; left alone by channel normalization. */
  readonly variance: Float64Array;
  readonly gain: Float64Array;
  readonly offset: Float64Array;
}

/** A map to fit into, so that fitting allocates nothing. */
export function createChannelMap(): ChannelMap {
  return {
    center: new Float64Array(CHANNELS),
    variance: new Float64Array(CHANNELS),
    gain: new Float64Array(CHANNELS),
    offset: new Float64Array(CHANNELS),
  };
}

/** The mean of each channel, [3]. */
export function channelMeans(image: Float64Array, means: Float64Array): void {
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let i = 0; i < image.length; i += CHANNELS) {
    red += image[i];
    green += image[i + 1];
    blue += image[i + 2];
  }
  const pixels = image.length / CHANNELS;
  means[0] = red / pixels;
  means[1] = green / pixels;
  means[2] = blue / pixels;
}

/** The mean squared distance of each channel from its mean, [3]. */
export function channelVariances(
  image: Float64Array,
  means: Float64Array,
  variances: Float64Array,
): void {
  const redMean = means[0];
  const greenMean = means[1];
  const blueMean = means[2];
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let i = 0; i < image.length; i += CHANNELS) {
    const redDistance = image[i] - redMean;
    const greenDistance = image[i + 1] - greenMean;
    const blueDistance = image[i + 2] - blueMean;
    red += redDistance * redDistance;
    green += greenDistance * greenDistance;
    blue += blueDistance * blueDistance;
  }
  const pixels = image.length / CHANNELS;
  variances[0] = red / pixels;
  variances[1] = green / pixels;
  variances[2] = blue / pixels;
}

/** Fits a map to an image: x + brightness, then (x - mean_c) contrast + mean_c, then normalization. */
export type MapFitter = (
  image: Float64Array,
  brightness: number,
  contrast: number,
  map: ChannelMap,
) => void;

/** The {@linkcode MapFitter} of a normalization. */
export function createMapFitter(normalization: AffineNormalization): MapFitter {
  if (normalization.kind === "image") {
    return (image, _brightness, contrast, map) => fitToImage(image, contrast, map);
  }
  const { mean, deviation } = normalization;
  return (image, brightness, contrast, { center, gain, offset }) => {
    channelMeans(image, center);
    for (let c = 0; c < CHANNELS; c++) {
      gain[c] = contrast / deviation[c];
      offset[c] = (center[c] + brightness - mean[c]) / deviation[c];
    }
  };
}

/**
 * Image normalization. Its mean takes any brightness away, and the variance of the image after
 * contrast is that within its channels plus that between their means, which contrast leaves alone.
 */
function fitToImage(
  image: Float64Array,
  contrast: number,
  { center, variance, gain, offset }: ChannelMap,
): void {
  channelMeans(image, center);
  channelVariances(image, center, variance);
  const mean = (center[0] + center[1] + center[2]) / CHANNELS;
  const within = (variance[0] + variance[1] + variance[2]) / CHANNELS;
  let between = 0;
  for (let c = 0; c < CHANNELS; c++) between += (center[c] - mean) ** 2 / CHANNELS;
  const deviation = Math.sqrt(contrast * contrast * within + between);
  const scale = 1 / Math.max(deviation, 1 / Math.sqrt(image.length));
  for (let c = 0; c < CHANNELS; c++) {
    gain[c] = contrast * scale;
    offset[c] = (center[c] - mean) * scale;
  }
}

/** No normalization: the map has brightness and contrast alone. */
export const UNCHANGED: AffineNormalization = {
  kind: "channel",
  mean: [0, 0, 0],
  deviation: [1, 1, 1],
};

/** Applies a map, and takes `mean` [H, W, 3] off; in float64, as both are far larger than their difference. */
export function applyMapAndMean(
  image: Float64Array,
  { center, gain, offset }: ChannelMap,
  mean: Float64Array,
  out: Float32Array,
): void {
  for (let c = 0; c < CHANNELS; c++) {
    const middle = center[c];
    const factor = gain[c];
    const shift = offset[c];
    for (let i = c; i < image.length; i += CHANNELS) {
      out[i] = (image[i] - middle) * factor + shift - mean[i];
    }
  }
}

/** Applies a map. */
export function applyChannelMap(
  image: Float64Array,
  { center, gain, offset }: ChannelMap,
  out: Float32Array,
): void {
  for (let c = 0; c < CHANNELS; c++) {
    const middle = center[c];
    const factor = gain[c];
    const shift = offset[c];
    for (let i = c; i < image.length; i += CHANNELS) out[i] = (image[i] - middle) * factor + shift;
  }
}
