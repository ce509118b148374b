/**
 * The augmenter on one thread: 128 images cropped, flipped, brightened, contrasted, standardized.
 *
 *     deno bench bench/input_bench.ts
 */
import { createDistortion, CROP_VALUES, distort, preprocessEval } from "../src/data/augment/augment.ts";
import { PIXEL_BYTES } from "../src/data/records.ts";
import { RandomStream, STREAMS } from "../src/util/random.ts";

const IMAGES = 128;
const random = new RandomStream(0, STREAMS.augment);
const pixels = Uint8Array.from({ length: PIXEL_BYTES }, () => random.uniformInt(256));
const out = new Float32Array(CROP_VALUES);
const distortion = createDistortion();

Deno.bench({ name: `augment ${IMAGES} images for training`, group: "input" }, () => {
  for (let id = 0; id < IMAGES; id++) distort(pixels, random.seek(0, id), distortion, out);
});

Deno.bench({ name: `prepare ${IMAGES} images for evaluation`, group: "input" }, () => {
  for (let id = 0; id < IMAGES; id++) preprocessEval(pixels, out);
});
