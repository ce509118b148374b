// Parameters that start from the training images.

import { createAugmenter } from "../data/augment/apply.ts";
import { centerRow } from "../data/augment/draw.ts";
import type { AugmentSpec } from "../data/augment/spec.ts";
import type { ImageStore } from "../data/image_store.ts";
import type { ImageSample } from "../nn/initializers.ts";
import type { Model } from "../nn/model.ts";
import { initialValues, parameterLayout } from "../nn/parameters.ts";
import { AUGMENT_LENGTH } from "../ops/augment_row.ts";
import type { ModelValues } from "./trainer.ts";

/** Images that are looked at, evenly spread, of a set with more. */
const MOST_IMAGES = 5000;

/** The values that a model starts with where it looks at its training images; undefined if it does not. */
export function initialFromImages(
  model: Model,
  { store, augment, seed }: {
    readonly store: ImageStore;
    readonly augment: AugmentSpec;
    readonly seed: number;
  },
): ModelValues | undefined {
  if (!model.parameters.some(({ fromImages }) => fromImages !== undefined)) return undefined;
  const layout = parameterLayout(model.parameters);
  return { parameters: initialValues(layout, seed, sampleOf(store, augment)) };
}

/** Training images as an evaluation sees them: the central crop, normalized. */
function sampleOf(store: ImageStore, augment: AugmentSpec): ImageSample {
  const [height, width] = augment.crop;
  const apply = createAugmenter(augment, store.format);
  const row = new Float32Array(AUGMENT_LENGTH);
  centerRow(augment, store.format, row);
  const image = new Float32Array(height * width * 3);
  const count = Math.min(store.count, MOST_IMAGES);
  return {
    count,
    height,
    width,
    at(i) {
      apply(store.pixels(Math.floor(i * store.count / count)), row, image);
      return image;
    },
  };
}
