// Draws the numbers of `ops/augment_row.ts`: what is done to one image or one batch.

import { AUGMENT, MIX } from "../../ops/augment_row.ts";
import { RandomStream, STREAMS } from "../../util/random.ts";
import type { ImageFormat } from "../image_store.ts";
import type { AugmentSpec } from "./spec.ts";

/**
 * Draws the row of a training image: top, left, flip, brightness, contrast, which take their numbers
 * from the stream even when they are off, then those of saturation, hue and cutout that are on. A
 * recipe that adds one of these keeps the numbers of the first five.
 *
 * @param random a stream at position 0 of (epoch, image index)
 * @param row receives the numbers, [AUGMENT_LENGTH]
 */
export function drawAugment(
  spec: AugmentSpec,
  format: ImageFormat,
  random: RandomStream,
  row: Float32Array,
): void {
  const { crop: [height, width], pad, cutout } = spec;
  row.fill(0);
  row[AUGMENT.top] = random.uniformInt(format.height + 2 * pad - height + 1) - pad;
  row[AUGMENT.left] = random.uniformInt(format.width + 2 * pad - width + 1) - pad;
  const flip = random.uniform() < 0.5;
  row[AUGMENT.flip] = spec.flip && flip ? 1 : 0;
  row[AUGMENT.brightness] = around(0, spec.brightness, random);
  row[AUGMENT.contrast] = around(1, spec.contrast, random);
  row[AUGMENT.saturation] = spec.saturation > 0 ? around(1, spec.saturation, random) : 1;
  if (spec.hue > 0) row[AUGMENT.hue] = around(0, spec.hue, random);
  if (cutout > 0) {
    const half = Math.floor(cutout / 2);
    row[AUGMENT.cutoutTop] = random.uniformInt(height) - half;
    row[AUGMENT.cutoutLeft] = random.uniformInt(width) - half;
    row[AUGMENT.cutoutSize] = cutout;
  }
}

/** Draws the rows of the examples of a run: a pure function of seed, epoch and example. */
export class ExampleDraw {
  readonly #spec: AugmentSpec;
  readonly #format: ImageFormat;
  readonly #random: RandomStream;
  readonly #coins: RandomStream;

  constructor(spec: AugmentSpec, format: ImageFormat, seed: number) {
    this.#spec = spec;
    this.#format = format;
    this.#random = new RandomStream(seed, STREAMS.augment);
    this.#coins = new RandomStream(seed, STREAMS.flip);
  }

  /** Draws the row of an example, [AUGMENT_LENGTH], in an epoch. */
  draw(epoch: number, example: number, row: Float32Array): void {
    const { flip, flipMode } = this.#spec;
    drawAugment(this.#spec, this.#format, this.#random.seek(epoch, example), row);
    if (!flip || flipMode === "random") return;
    // The coin of the example's first epoch, then the other side each time (K. Jordan 2024).
    const starts = this.#coins.seek(0, example).uniform() < 0.5;
    row[AUGMENT.flip] = starts === (epoch % 2 === 0) ? 1 : 0;
  }
}

/** Uniform in [middle - reach, middle + reach). */
function around(middle: number, reach: number, random: RandomStream): number {
  return middle - reach + 2 * reach * random.uniform();
}

/** The row of an evaluation image: the central crop, upper left where two are central, and nothing else. */
export function centerRow(
  { crop: [height, width] }: Pick<AugmentSpec, "crop">,
  format: ImageFormat,
  row: Float32Array,
): void {
  row.fill(0);
  row[AUGMENT.top] = Math.floor((format.height - height) / 2);
  row[AUGMENT.left] = Math.floor((format.width - width) / 2);
  row[AUGMENT.saturation] = 1;
  row[AUGMENT.contrast] = 1;
}

/**
 * Draws the numbers of a batch: mixup's or cutmix's, by a coin where both are on, or those that change
 * nothing where both are off.
 *
 * @param random a stream at position 0 of the batch
 * @param mix receives the numbers, [MIX_LENGTH]
 */
export function drawMix(spec: AugmentSpec, random: RandomStream, mix: Float32Array): void {
  const { mixup, cutmix } = spec;
  mix.fill(0);
  mix[MIX.share] = 1;
  mix[MIX.labelShare] = 1;
  const both = mixup > 0 && cutmix > 0;
  if (both ? random.uniform() < 0.5 : mixup > 0) drawMixup(mixup, random, mix);
  else if (cutmix > 0) drawCutmix(spec, random, mix);
}

/** Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond empirical risk minimization", 2018. */
function drawMixup(alpha: number, random: RandomStream, mix: Float32Array): void {
  const share = random.beta(alpha, alpha);
  mix[MIX.share] = share;
  mix[MIX.labelShare] = share;
}

/**
 * Yun et al., "CutMix", 2019: a box of the image's proportions, around any of its pixels and clipped
 * at its edges. The label's share is that of the pixels that are left.
 */
function drawCutmix(
  { crop: [height, width], cutmix }: AugmentSpec,
  random: RandomStream,
  mix: Float32Array,
): void {
  const ratio = Math.sqrt(1 - random.beta(cutmix, cutmix));
  const boxHeight = Math.floor(height * ratio);
  const boxWidth = Math.floor(width * ratio);
  const top = random.uniformInt(height) - Math.floor(boxHeight / 2);
  const left = random.uniformInt(width) - Math.floor(boxWidth / 2);
  mix[MIX.top] = Math.max(0, top);
  mix[MIX.left] = Math.max(0, left);
  mix[MIX.bottom] = Math.min(height, top + boxHeight);
  mix[MIX.right] = Math.min(width, left + boxWidth);
  const area = (mix[MIX.bottom] - mix[MIX.top]) * (mix[MIX.right] - mix[MIX.left]);
  mix[MIX.labelShare] = 1 - area / (height * width);
}
