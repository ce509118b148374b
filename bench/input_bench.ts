/**
 * The augmenter on one thread: 128 images cropped, flipped, brightened, contrasted, standardized.
 *
 *     deno bench bench/input_bench.ts
 */
import { AUGMENT_LENGTH } from "../src/ops/augment_row.ts";
import { createAugmenter } from "../src/data/augment/apply.ts";
import { centerRow, drawAugment } from "../src/data/augment/draw.ts";
import { REFERENCE_AUGMENT } from "../src/data/augment/spec.ts";
import { RandomStream, STREAMS } from "../src/util/random.ts";
import { randomImages } from "./random_images.ts";

const IMAGES = 128;
const random = new RandomStream(0, STREAMS.augment);
const store = randomImages(IMAGES);
const row = new Float32Array(AUGMENT_LENGTH);
const out = new Float32Array(24 * 24 * 3);
const full = { ...REFERENCE_AUGMENT, pad: 4, saturation: 0.4, hue: 0.1, cutout: 8 };

for (const [name, augment] of [["the reference's", REFERENCE_AUGMENT], ["every", full]] as const) {
  const apply = createAugmenter(augment, store.format);
  Deno.bench({ name: `${IMAGES} images, ${name} augmentation`, group: "input" }, () => {
    for (let id = 0; id < IMAGES; id++) {
      drawAugment(augment, store.format, random.seek(0, id), row);
      apply(store.pixels(id), row, out);
    }
  });
}

const prepare = createAugmenter(REFERENCE_AUGMENT, store.format);
Deno.bench({ name: `${IMAGES} images for evaluation`, group: "input" }, () => {
  centerRow(REFERENCE_AUGMENT, store.format, row);
  for (let id = 0; id < IMAGES; id++) prepare(store.pixels(id), row, out);
});
