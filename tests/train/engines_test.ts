/** Fifty training steps of the reference CNN on both engines, from the same start on the same batches. */
import assert from "node:assert/strict";
import type { Device } from "../../src/engine/device.ts";
import { referenceCnn } from "../../src/nn/models/reference.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { testCpu, testDevice, testRandom } from "../support.ts";

const STEPS = 50;
const BATCH = 8;

/**
 * How far the losses may be apart. Steps differ by some 1e-7 at first; then a maximum or a ReLU that rounding
 * decides comes out differently, and the weights go apart: 1.5e-4 was seen.
 */
const TOLERANCE = 1e-3;
const FIRST_TOLERANCE = 1e-6;

async function losses(device: Device): Promise<number[]> {
  using trainer = await Trainer.create(device, {
    model: referenceCnn,
    recipe: { ...REFERENCE_RECIPE, batchSize: BATCH, seed: 1, learningRate: 0.05 },
    trainingImages: 50_000,
  });
  const random = testRandom(11);
  for (let step = 0; step < STEPS; step++) {
    const images = Float32Array.from({ length: BATCH * 24 * 24 * 3 }, () => random() * 2 - 1);
    const labels = Uint32Array.from({ length: BATCH }, () => Math.floor(random() * 10));
    trainer.run({ images, labels });
  }
  return (await trainer.losses()).map(({ total }) => total);
}

Deno.test("fifty steps' losses agree between the engines to 1e-3, the first ones' to 1e-6", async () => {
  const [webgpu, wasm] = [await losses(await testDevice()), await losses(await testCpu())];
  assert.equal(wasm.length, STEPS);
  wasm.forEach((loss, step) => {
    const apart = Math.abs(loss / webgpu[step] - 1);
    assert.ok(
      apart <= (step < 5 ? FIRST_TOLERANCE : TOLERANCE),
      `step ${step}: losses ${loss} and ${webgpu[step]}`,
    );
  });
});
