import { type AdapterKind, foldGrid, input, output } from "../engine/launch.ts";
import { defineOp } from "../tensor/op.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { augmentReference, mixReference } from "./augment_reference.ts";
import { type AffineNormalization, AUGMENT_LENGTH, MIX_LENGTH } from "./augment_row.ts";
import { AUGMENT_SAMPLES, MIX_SAMPLES } from "./augment_samples.ts";
import {
  bytesOfShapes,
  checkInputs,
  checkInteger,
  checkRank,
  checkShapes,
  checkTrips,
  rolledTrips,
} from "./check.ts";

/** How images lie in the blocks, and what is done to all of them. */
export interface AugmentAttributes {
  /** Height and width of the output, pixels. */
  readonly crop: readonly [number, number];
  /** Height and width of a stored image, pixels. */
  readonly height: number;
  readonly width: number;
  /** Bytes between rows, columns and channels of a stored image; channel 0: red, green and blue are one byte. */
  readonly strides: { readonly row: number; readonly column: number; readonly channel: number };
  /** Words of 4 bytes from one image to the next: ceil(bytes of an image / 4). */
  readonly imageWords: number;
  /** Image i is in block floor(i / imagesPerBlock). */
  readonly imagesPerBlock: number;
  /** What the crop shows outside the image: black, or the image mirrored without repeating the edge. */
  readonly padMode: "zero" | "reflect";
  /** False if saturation is 1 and hue 0 in all rows: neither is computed then. */
  readonly color: boolean;
  readonly normalization: AffineNormalization;
}

/** Inputs before the blocks. */
const BLOCKS = 2;

/** Invocations of an image: WORKGROUP of shaders/augment_images.wgsl. */
const WORKGROUP = 64;

function checkAttributes(attributes: AugmentAttributes): void {
  const { crop: [cropHeight, cropWidth], height, width, strides } = attributes;
  const { imageWords, imagesPerBlock, normalization } = attributes;
  const sizes = { "the crop's height": cropHeight, "the crop's width": cropWidth, height, width };
  for (const [name, value] of Object.entries({ ...sizes, imageWords, imagesPerBlock })) {
    checkInteger("augment_images", name, value, 1);
  }
  for (const [name, value] of Object.entries(strides)) {
    checkInteger("augment_images", `the stride of a ${name}`, value, 0);
  }
  const bytes = (height - 1) * strides.row + (width - 1) * strides.column + 2 * strides.channel + 1;
  if (bytes > 4 * imageWords) {
    throw new RangeError(
      `Cannot apply augment_images as an image of ${bytes} bytes does not fit in ${imageWords} words`,
    );
  }
  if (normalization.kind === "channel" && normalization.deviation.some((d) => !(d > 0))) {
    throw new RangeError(
      `Cannot apply augment_images as deviations must be above 0: current values are ${normalization.deviation}`,
    );
  }
}

/** The images of each block. */
function blockParts(
  blocks: readonly Tensor[],
  { imageWords, imagesPerBlock }: AugmentAttributes,
): { first: number; images: number }[] {
  return blocks.map(({ shape }, i) => ({
    first: i * imagesPerBlock,
    images: Math.min(imagesPerBlock, Math.floor(sizeOf(shape) / imageWords)),
  }));
}

function checkBlocks(blocks: readonly Tensor[], attributes: AugmentAttributes): void {
  const parts = blockParts(blocks, attributes);
  parts.forEach(({ images }, i) => {
    const needed = i < parts.length - 1 ? attributes.imagesPerBlock : 1;
    const rule = `block ${i} must hold ${needed} images of ${attributes.imageWords} words`;
    checkShapes("augment_images", rule, images >= needed, blocks[i].shape);
  });
}

/** Of each block, the params that the kernels of both engines take. */
function launchParams(blocks: readonly Tensor[], attributes: AugmentAttributes) {
  const { crop, height, width, strides, imageWords, normalization } = attributes;
  const { mean, deviation } = normalization.kind === "channel"
    ? normalization
    : { mean: [0, 0, 0], deviation: [1, 1, 1] };
  const parts = blockParts(blocks, attributes);
  const total = parts.at(-1)!.first + parts.at(-1)!.images;
  return parts.map(({ first, images }) => ({
    first,
    images,
    total,
    image_words: imageWords,
    crop_height: crop[0],
    crop_width: crop[1],
    height,
    width,
    row_stride: strides.row,
    column_stride: strides.column,
    channel_stride: strides.channel,
    mean_r: mean[0],
    mean_g: mean[1],
    mean_b: mean[2],
    deviation_r: deviation[0],
    deviation_g: deviation[1],
    deviation_b: deviation[2],
  }));
}

/** Three passes of an invocation over its pixels, and two sums of the workgroup's parts by halves. */
function checkCropTrips(shape: Shape, kind: AdapterKind): void {
  const pass = rolledTrips(Math.ceil(shape[1] * shape[2] / WORKGROUP));
  checkTrips("augment_images", 3 * pass + 2 * rolledTrips(Math.log2(WORKGROUP)), kind, shape);
}

const augment = defineOp<AugmentAttributes>({
  name: "augment_images",
  shape([ids, rows, ...blocks], attributes) {
    const kinds = blocks.map(() => "u32" as const);
    checkInputs("augment_images", [ids, rows, ...blocks], ["u32", "f32", ...kinds]);
    checkAttributes(attributes);
    const [batch] = checkRank("augment_images", "the ids", ids, 1);
    const fits = rows.shape.length === 2 && rows.shape[0] === batch &&
      rows.shape[1] === AUGMENT_LENGTH;
    const rule = `there must be one row of ${AUGMENT_LENGTH} numbers an id`;
    checkShapes("augment_images", rule, fits, ids.shape, rows.shape);
    checkBlocks(blocks, attributes);
    return { shape: [batch, ...attributes.crop, 3] };
  },
  launches: {
    webgpu({ inputs, output: { shape }, attributes, kind }) {
      checkCropTrips(shape, kind);
      const [batch] = shape;
      const all = launchParams(inputs.slice(BLOCKS), attributes);
      return {
        launches: all.map((params, i) =>
          launch("augment_images", {
            overrides: {
              COLOR: attributes.color,
              REFLECT: attributes.padMode === "reflect",
              PER_CHANNEL: attributes.normalization.kind === "channel",
            },
            buffers: { block: input(BLOCKS + i), ids: input(0), rows: input(1), y: output },
            params: { batch, ...params },
            grid: foldGrid(batch),
          })
        ),
      };
    },
    wasm({ inputs, output: { shape }, attributes }) {
      const all = launchParams(inputs.slice(BLOCKS), attributes);
      return {
        launches: all.map((params, i) =>
          launchWasm("augment_images", {
            buffers: { block: input(BLOCKS + i), ids: input(0), rows: input(1), y: output },
            params: {
              color: Number(attributes.color),
              reflect: Number(attributes.padMode === "reflect"),
              per_channel: Number(attributes.normalization.kind === "channel"),
              ...params,
            },
            units: shape[0],
          })
        ),
      };
    },
  },
  reference: ({ attributes }, values) => augmentReference(attributes, values),
  cost: ({ inputs: [ids, rows], output: { shape }, attributes: { imageWords, color } }) => ({
    // Without color: a sum, a square and its sum, factor and offset.
    flops: (color ? 40 : 8) * sizeOf(shape),
    bytes: bytesOfShapes([shape[0], imageWords], ids.shape, rows.shape, shape),
  }),
  samples: AUGMENT_SAMPLES,
});

/**
 * A batch [B, h, w, 3] of images out of a data set that is on the device: cropped, flipped, changed in color,
 * normalized and cut out as their rows say (`AUGMENT`); stages and formulas: shaders/augment_images.wgsl.
 * An id that no block has makes an image of NaN. No gradient.
 *
 * @param blocks u32 [words] each: whole images, 4 bytes a word, little-endian, each from the start of a word;
 *   several where a device cannot bind one of all
 * @param ids u32 [B]: which image of the set
 * @param rows f32 [B, AUGMENT_LENGTH]
 */
export function augmentImages(
  blocks: readonly Tensor[],
  ids: Tensor,
  rows: Tensor,
  attributes: AugmentAttributes,
): Tensor {
  checkShapes("augment_images", "there must be a block", blocks.length > 0, ids.shape, rows.shape);
  return augment([ids, rows, ...blocks], attributes);
}

const mix = defineOp<Record<string, never>>({
  name: "mix_images",
  shape([images, mix, ...rest]) {
    checkInputs("mix_images", [images, mix, ...rest], ["f32", "f32"]);
    const shape = checkRank("mix_images", "the images", images, 4);
    const rule = `the second must be ${MIX_LENGTH} numbers`;
    checkShapes("mix_images", rule, sizeOf(mix.shape) === MIX_LENGTH, shape, mix.shape);
    return { shape };
  },
  launches: {
    webgpu({ output: { shape } }) {
      const [batch, height, width, channels] = shape;
      return {
        launches: [launch("mix_images", {
          buffers: { x: input(0), mix: input(1), y: output },
          params: { batch, height, width, channels },
          grid: foldGrid(Math.ceil(sizeOf(shape) / 256)),
        })],
      };
    },
    wasm({ output: { shape: [batch, height, width, channels] } }) {
      return {
        launches: [launchWasm("mix_images", {
          buffers: { x: input(0), mix: input(1), y: output },
          params: { batch, height, width, channels },
          units: batch,
        })],
      };
    },
  },
  reference: ({ output: { shape } }, values) => mixReference(shape, values),
  cost: ({ output: { shape } }) => ({
    flops: 3 * sizeOf(shape),
    bytes: bytesOfShapes(shape, shape),
  }),
  samples: MIX_SAMPLES,
});

/**
 * Mixup and cutmix within a batch (Zhang et al. 2018, Yun et al. 2019): image i of `images` [B, H, W, C] with its
 * partner B - 1 - i. In the box of `mix` (f32 [MIX_LENGTH], see `MIX`) stands the partner's pixel, elsewhere
 * share * own + (1 - share) * partner's. No gradient.
 */
export function mixImages(images: Tensor, mixNumbers: Tensor): Tensor {
  return mix([images, mixNumbers], {});
}
