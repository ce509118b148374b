/** The general augmentation with the reference recipe against the recipe's own first code. */
import {
  applyDistortion,
  createDistortion,
  drawDistortion,
  preprocessEval,
} from "../../../src/data/augment/augment.ts";
import assert from "node:assert/strict";
import { createAugmenter } from "../../../src/data/augment/apply.ts";
import { centerRow, drawAugment } from "../../../src/data/augment/draw.ts";
import { REFERENCE_AUGMENT } from "../../../src/data/augment/spec.ts";
import { AUGMENT_LENGTH } from "../../../src/ops/augment_row.ts";
import { RandomStream, STREAMS } from "../../../src/util/random.ts";
import { assertNear, CIFAR, rowOf, testImages } from "./support.ts";

Deno.test("the reference recipe draws the same numbers as before", () => {
  const distortion = createDistortion();
  const row = new Float32Array(AUGMENT_LENGTH);
  for (const seed of [0, 20, 2 ** 40]) {
    const random = new RandomStream(seed, STREAMS.augment);
    for (let index = 0; index < 5000; index++) {
      drawDistortion(random.seek(seed % 7, index), distortion);
      drawAugment(REFERENCE_AUGMENT, CIFAR, random.seek(seed % 7, index), row);
      assert.deepEqual(row, rowOf({ ...distortion, flip: Number(distortion.flip) }));
    }
  }
});

Deno.test("the reference recipe makes the same images as before", () => {
  const augment = createAugmenter(REFERENCE_AUGMENT, CIFAR);
  const random = new RandomStream(1, STREAMS.augment);
  const distortion = createDistortion();
  const row = new Float32Array(AUGMENT_LENGTH);
  const [before, after] = [new Float32Array(1728), new Float32Array(1728)];
  for (let index = 0; index < 20; index++) {
    for (const [name, pixels] of Object.entries(testImages(CIFAR, index))) {
      if (name === "low contrast" || name === "uniform") continue;
      applyDistortion(pixels, drawDistortion(random.seek(0, index), distortion), before);
      drawAugment(REFERENCE_AUGMENT, CIFAR, random.seek(0, index), row);
      augment(pixels, row, after);
      assertNear(after, before, 1e-5, name);
      preprocessEval(pixels, before);
      centerRow(REFERENCE_AUGMENT, CIFAR, row);
      augment(pixels, row, after);
      assertNear(after, before, 1e-5, name);
    }
  }
});
