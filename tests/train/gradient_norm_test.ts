/** The norm of the gradients: recorded, clipped to, and the guard against what a ReLU hides from the loss. */
import assert from "node:assert/strict";
import type { Device } from "../../src/engine/device.ts";
import type { Model } from "../../src/nn/model.ts";
import { constantInitializer } from "../../src/nn/initializers.ts";
import { add, sqrt, square } from "../../src/ops/elementwise.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { DivergedError, type Recipe, Trainer } from "../../src/train/trainer.ts";
import { testEngines } from "../support.ts";
import { tinyModel } from "./support.ts";

const IMAGES = Float32Array.from({ length: 4 * 192 }, (_, i) => Math.sin(i));
const BATCH = { images: IMAGES, labels: Uint32Array.of(0, 1, 2, 3) };

function create(device: Device, change: Partial<Recipe>, model = tinyModel(8)): Promise<Trainer> {
  const recipe = { ...REFERENCE_RECIPE, batchSize: 4, ...change };
  return Trainer.create(device, { model, recipe, trainingImages: 8 });
}

function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0));
}

Deno.test("a step of SGD is as long as the rate times the recorded norm, or times the clip norm", async () => {
  for (const { name, device } of await testEngines()) {
    for (const clipNorm of [0, 0.25, 100]) {
      using trainer = await create(device, { clipNorm });
      const before = await trainer.saveState();
      trainer.run(BATCH);
      const [{ gradientNorm }] = await trainer.losses();
      assert.ok(gradientNorm > 0.5 && gradientNorm < 50, `norm ${gradientNorm}`);
      const length = distance((await trainer.saveState()).parameters, before.parameters);
      const expected = 0.1 * (clipNorm === 0 ? gradientNorm : Math.min(gradientNorm, clipNorm));
      const what = `${name}, clip norm ${clipNorm}: ${length}, expected ${expected}`;
      assert.ok(Math.abs(length / expected - 1) < 1e-4, what);
    }
  }
});

/** The tiny model with |w| added to its logits, whose derivative at w = 0 is not a number. */
function kinkedModel(): Model {
  const tiny = tinyModel(8);
  const initializer = constantInitializer(1);
  const kink = { name: "kink", shape: [1], initializer, decay: 0, rate: 1 };
  return {
    ...tiny,
    parameters: [...tiny.parameters, kink],
    forward(inputs) {
      const { logits, ...rest } = tiny.forward(inputs);
      return { ...rest, logits: add(logits, sqrt(square(inputs.parameters.kink))) };
    },
  };
}

for (const accumulate of [1, 2]) {
  Deno.test(`a gradient that is not finite is told with its step, the loss being finite: ${accumulate} a step`, async () => {
    for (const { name, device } of await testEngines()) {
      const model = kinkedModel();
      using trainer = await create(device, { accumulate }, model);
      for (let k = 0; k < 2 * accumulate; k++) trainer.run(BATCH);
      const { parameters, layout } = trainer.variables;
      const weights = await trainer.state.read(parameters);
      assert.ok(Math.abs(weights[layout.offsets[4]] - 1) < 1e-3);
      weights[layout.offsets[4]] = 0;
      trainer.state.write(parameters, weights);
      trainer.run(BATCH);
      const error = await trainer.losses().then(() => assert.fail("no error"), (error) => error);
      assert.ok(error instanceof DivergedError, `${name}: ${error}`);
      assert.equal(error.message, "the gradient of step 2 is NaN: training has diverged");
      assert.match(error.hint, /smaller --learning-rate/);
      assert.deepEqual([error.step, error.quantity, error.value], [2, "gradient", NaN]);
      assert.deepEqual(error.before.map(({ step }) => step), [0, 1]);
      await assert.rejects(() => trainer.losses(), /the gradient of step 2 is NaN/);
      await assert.rejects(() => trainer.saveState(), /^Error: Cannot save a trainer's state/);
    }
  });
}
