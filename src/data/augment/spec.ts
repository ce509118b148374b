// What is done to images on their way into the model; plain data, part of a run's config.

import type { Normalization } from "../../ops/augment_row.ts";

export type { AffineNormalization, Normalization } from "../../ops/augment_row.ts";

/**
 * The way of a training image, in this order: pad, random crop, flip, saturation, hue, brightness,
 * contrast, normalization, cutout; then mixup or cutmix within the batch. Evaluation takes the central
 * crop and the normalization alone.
 */
export interface AugmentSpec {
  /** Height and width of the crop: the model's input, pixels. */
  readonly crop: readonly [number, number];
  /** Pixels added on each side before the random crop; 0: none. */
  readonly pad: number;
  /** What the padding shows: black (zero), or the image mirrored at its edge without repeating the edge. */
  readonly padMode: "zero" | "reflect";
  /** Whether left and right are exchanged with probability 1/2. */
  readonly flip: boolean;
  /** By a coin each epoch, or by one coin an image and then every other epoch. */
  readonly flipMode: "random" | "alternating";
  /** Saturation is multiplied by a factor in [1 - s, 1 + s); 0: off. */
  readonly saturation: number;
  /** The hue is turned by an angle in [-h, h) turns, at most 0.5; 0: off. */
  readonly hue: number;
  /** A number in [-b, b) is added to all values (0 to 255); 0: off. */
  readonly brightness: number;
  /** Contrast is multiplied by a factor in [1 - c, 1 + c); 0: off. */
  readonly contrast: number;
  readonly normalization: Normalization;
  /** Side of the square that is set to zero after normalization, pixels; 0: off. */
  readonly cutout: number;
  /** Alpha of mixup's Beta distribution; 0: off. */
  readonly mixup: number;
  /** Alpha of cutmix's Beta distribution; 0: off. With both on, each batch draws which. */
  readonly cutmix: number;
}

/** The recipe of TensorFlow's CIFAR-10 tutorial: 24x24 crops, flip, brightness 63, contrast 0.2 to 1.8. */
export const REFERENCE_AUGMENT: AugmentSpec = {
  crop: [24, 24],
  pad: 0,
  padMode: "zero",
  flip: true,
  flipMode: "random",
  saturation: 0,
  hue: 0,
  brightness: 63,
  contrast: 0.8,
  normalization: { kind: "image" },
  cutout: 0,
  mixup: 0,
  cutmix: 0,
};

/** Whether batches are mixed: whether each image has two labels. */
export function mixes({ mixup, cutmix }: Pick<AugmentSpec, "mixup" | "cutmix">): boolean {
  return mixup > 0 || cutmix > 0;
}
