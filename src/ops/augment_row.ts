// The numbers that describe what is done to one image or one batch: drawn on the host by
// `data/augment`, applied there (`--input host`) or by the ops of `augment.ts` (`--input device`). Both
// read the same 32-bit floats, so both do the same.

/** Positions in the row of one image. Images are [H, W, C]; rows and columns count from the top left. */
export const AUGMENT = {
  /** First row of the crop in the image; below 0 or beyond the last where the image is padded. */
  top: 0,
  /** First column of the crop. */
  left: 1,
  /** 1: left and right are exchanged. */
  flip: 2,
  /** Factor of the distance from the pixel's own gray value; 1 changes nothing. */
  saturation: 3,
  /** Rotation of the hue in turns; 0 changes nothing. */
  hue: 4,
  /** Added to every value. */
  brightness: 5,
  /** Factor of the distance from the channel's mean; 1 changes nothing. */
  contrast: 6,
  /** First row of the cutout square in the cropped image; may be below 0. */
  cutoutTop: 7,
  /** First column of the cutout square. */
  cutoutLeft: 8,
  /** Side of the cutout square, pixels; 0: none. */
  cutoutSize: 9,
} as const;

/** Length of the row of an image. */
export const AUGMENT_LENGTH = 12;

/** Positions in the numbers of one batch, whose image i is mixed with image B - 1 - i. */
export const MIX = {
  /** An image's own share of its pixels outside the box; 1 changes nothing. */
  share: 0,
  /** The box whose pixels come from the partner: rows top to bottom - 1, columns left to right - 1. */
  top: 1,
  left: 2,
  bottom: 3,
  right: 4,
  /** The share of an image's own label in the loss; the rest is the partner's. */
  labelShare: 5,
} as const;

/** Length of the numbers of a batch. */
export const MIX_LENGTH = 8;

/** Weights of red, green and blue in a gray value (ITU-R BT.601). */
export const GRAY_WEIGHTS = [0.299, 0.587, 0.114] as const;

/** A value for each place of a stored image; plain data, so that it can stand in a run's config. */
export interface MeanImage {
  /** Height and width of a stored image, pixels. */
  readonly height: number;
  readonly width: number;
  /** [height, width, 3] of 32-bit floats, little-endian, in base64. */
  readonly mean: string;
}

/** How values become the model's input. */
export type Normalization =
  | AffineNormalization
  /**
   * x - mean[place], the place that the pixel has in the stored image: the mean is cropped and mirrored with it
   * (cuda-convnet's). It is 0 outside of the image.
   */
  | ({ readonly kind: "pixel" } & MeanImage);

/** What is one affine map for each channel of an image. */
export type AffineNormalization =
  /** (x - mean) / max(deviation, 1 / sqrt(N)) of each image (TensorFlow's per_image_standardization). */
  | { readonly kind: "image" }
  /** (x - mean[c]) / deviation[c], the same for all images. */
  | {
    readonly kind: "channel";
    readonly mean: readonly [number, number, number];
    readonly deviation: readonly [number, number, number];
  };
