/** A model that starts from its training images: what it sees of them, and what comes of it. */
import assert from "node:assert/strict";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { createModel } from "../../src/nn/model.ts";
import { airbench94 } from "../../src/nn/models/airbench.ts";
import { initialValues, parameterLayout, splitBlock } from "../../src/nn/parameters.ts";
import { initialFromImages } from "../../src/train/initial_images.ts";
import { tinyModel, waveImages } from "./support.ts";

const EPSILON = 5e-4;
const STORE = waveImages(30, 4);
const AUGMENT = {
  ...REFERENCE_AUGMENT,
  crop: [32, 32],
  pad: 2,
  padMode: "reflect",
  normalization: { kind: "channel", mean: [120, 130, 140], deviation: [60, 50, 70] },
} as const;

Deno.test("whitened patches of the training images have variances below 1 and nothing in common", () => {
  const model = createModel(airbench94, 10);
  const layout = parameterLayout(model.parameters);
  const options = { store: STORE, augment: AUGMENT, seed: 3 };
  const initial = initialFromImages(model, options) ?? assert.fail("no values");
  const { "whiten/weights": filters, ...others } = splitBlock(layout, initial.parameters);

  // Means of products of what the filters give, of pixels as they are stored: planes of 32x32.
  const moments = new Float64Array(12 * 12);
  const { mean, deviation } = AUGMENT.normalization;
  const responses = new Float64Array(12);
  for (let image = 0; image < STORE.count; image++) {
    const pixels = STORE.pixels(image);
    for (let y = 0; y < 31; y++) {
      for (let x = 0; x < 31; x++) {
        responses.fill(0);
        for (let place = 0; place < 12; place++) {
          const [row, column, c] = [Math.floor(place / 6), Math.floor(place / 3) % 2, place % 3];
          const byte = pixels[c * 1024 + (y + row) * 32 + x + column];
          const value = (byte - mean[c]) / deviation[c];
          for (let o = 0; o < 12; o++) responses[o] += value * filters[place * 24 + o];
        }
        for (let i = 0; i < 12; i++) {
          for (let j = 0; j < 12; j++) moments[i * 12 + j] += responses[i] * responses[j];
        }
      }
    }
  }
  const patches = STORE.count * 31 * 31;
  let last = 1;
  for (let i = 0; i < 12; i++) {
    for (let j = 0; j < i; j++) {
      const shared = moments[i * 12 + j] / patches;
      assert.ok(Math.abs(shared) < 1e-4, `filters ${i} and ${j}: ${shared}`);
    }
    // lambda / (lambda + epsilon): below 1, the less the smaller the variance.
    const variance = moments[i * 12 + i] / patches;
    assert.ok(variance < 1 + 1e-6 && variance <= last + 1e-4, `filter ${i}: ${variance}`);
    const norm = Math.hypot(...Array.from({ length: 12 }, (_, place) => filters[place * 24 + i]));
    // |e / sqrt(lambda + epsilon)| = 1 / sqrt(lambda + epsilon).
    const lambda = 1 / norm ** 2 - EPSILON;
    assert.ok(Math.abs(variance - lambda / (lambda + EPSILON)) < 1e-4, `filter ${i}: ${variance}`);
    last = variance;
  }

  const random = splitBlock(layout, initialValues(layout, 3));
  for (const [name, values] of Object.entries(others)) assert.deepEqual(values, random[name], name);
});

Deno.test("the crop is the central one, and other models look at nothing", () => {
  const model = createModel(airbench94, 10);
  const crop = [24, 24] as const;
  const of = (store: typeof STORE, augment: typeof AUGMENT | { crop: readonly [24, 24] }) =>
    initialFromImages(model, { store, augment: { ...AUGMENT, ...augment }, seed: 0 });
  assert.notDeepEqual(of(STORE, { crop }), of(STORE, AUGMENT));
  assert.deepEqual(of(STORE, { crop }), of(STORE, { crop }), "the same each time");
  const options = { store: STORE, augment: AUGMENT, seed: 0 };
  assert.equal(initialFromImages(tinyModel(8), options), undefined);
});
