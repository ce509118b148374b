import { mixes } from "../data/augment/spec.ts";
import type { AugmentSpec } from "../data/augment/spec.ts";
import { UNCHANGED } from "../data/augment/normalize.ts";
import { meanValues } from "../data/mean_image.ts";
import { imageBytes, type ImageStore, imageStrides } from "../data/image_store.ts";
import { type AugmentAttributes, augmentImages, mixImages } from "../ops/augment.ts";
import { AUGMENT_LENGTH, MIX_LENGTH } from "../ops/augment_row.ts";
import { subtractMeanImage } from "../ops/mean_image.ts";
import { constant, lazyVariable, placeholder, type Tensor } from "../tensor/tensor.ts";

const WORD_BYTES = 4;

/**
 * A data set's bytes on the device, and the nodes that make a batch's images of them. Its inputs are
 * `ids` [N], `rows` [N, AUGMENT_LENGTH], and where images are mixed `mix` [MIX_LENGTH].
 */
export class DeviceImages {
  /** Bytes that the data set takes on the device. */
  readonly bytes: number;
  readonly #blocks: readonly Tensor[];
  readonly #attributes: AugmentAttributes;
  readonly #mixed: boolean;
  /** What is taken off the images, [H, W, 3]. */
  readonly #mean: Tensor | undefined;

  /**
   * @param maxBindingBytes the largest buffer that a kernel can read: the images are split at it.
   */
  constructor(store: ImageStore, augment: AugmentSpec, maxBindingBytes: number) {
    const { format, count } = store;
    const { normalization } = augment;
    const imageWords = Math.ceil(imageBytes(format) / WORD_BYTES);
    const imagesPerBlock = Math.floor(maxBindingBytes / WORD_BYTES / imageWords);
    this.bytes = count * imageWords * WORD_BYTES;
    this.#blocks = Array.from({ length: Math.ceil(count / imagesPerBlock) }, (_, block) => {
      const first = block * imagesPerBlock;
      const images = Math.min(imagesPerBlock, count - first);
      return lazyVariable(
        `images ${first} to ${first + images - 1}`,
        [images * imageWords],
        "u32",
        () => packImages(store, { first, images, imageWords }),
      );
    });
    this.#mixed = mixes(augment);
    this.#attributes = {
      crop: augment.crop,
      height: format.height,
      width: format.width,
      strides: imageStrides(format),
      imageWords,
      imagesPerBlock,
      padMode: augment.padMode,
      color: augment.saturation > 0 || augment.hue > 0,
      normalization: normalization.kind === "pixel" ? UNCHANGED : normalization,
    };
    if (normalization.kind === "pixel") {
      const shape = [normalization.height, normalization.width, 3];
      this.#mean = constant(meanValues(normalization), shape, "mean image");
    }
  }

  /** The images [N, H, W, 3] of a batch. */
  images(batchSize: number): Tensor {
    const ids = placeholder("ids", [batchSize], "u32");
    const rows = placeholder("rows", [batchSize, AUGMENT_LENGTH]);
    const made = augmentImages(this.#blocks, ids, rows, this.#attributes);
    const images = this.#mean === undefined
      ? made
      : subtractMeanImage(made, rows, this.#mean, this.#attributes.padMode);
    return this.#mixed ? mixImages(images, placeholder("mix", [MIX_LENGTH])) : images;
  }
}

/** The bytes of some images, each from a word's start on. */
function packImages(
  store: ImageStore,
  { first, images, imageWords }: { first: number; images: number; imageWords: number },
): Uint32Array {
  const words = new Uint32Array(images * imageWords);
  const bytes = new Uint8Array(words.buffer);
  for (let i = 0; i < images; i++) bytes.set(store.pixels(first + i), i * imageWords * WORD_BYTES);
  return words;
}
