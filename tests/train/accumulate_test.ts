/** Accumulated gradients: N micro-batches of B are one batch of N B, and their losses one step's. */
import assert from "node:assert/strict";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { type Recipe, Trainer } from "../../src/train/trainer.ts";
import { HISTORY_ROWS } from "../../src/train/training_graph.ts";
import type { Device } from "../../src/engine/device.ts";
import { assertClose, testCpu, testEngines, testRandom } from "../support.ts";
import { tinyModel } from "./support.ts";

const IMAGE = 8 * 8 * 3;
const STEPS = 4;
const [PARTS, PART] = [3, 4];

function create(device: Device, change: Partial<Recipe>): Promise<Trainer> {
  const recipe = { ...REFERENCE_RECIPE, ...change };
  return Trainer.create(device, { model: tinyModel(8), recipe, trainingImages: 24 });
}

/** The images of all steps in a row, a few from one micro-batch or more. */
function* batches(size: number) {
  const random = testRandom(5);
  for (let done = 0; done < STEPS * PARTS * PART; done += size) {
    const images = Float32Array.from({ length: size * IMAGE }, () => random() * 2 - 1);
    // From the images, so that both sizes draw the same numbers.
    const labels = Uint32Array.from({ length: size }, (_, i) => Math.abs(images[i * IMAGE]) * 10);
    yield { images, labels };
  }
}

for (const optimizer of ["sgd", "nesterov", "adamw"] as const) {
  Deno.test(`${optimizer}: three micro-batches of four are a batch of twelve`, async () => {
    const recipe = { optimizer, learningRate: 0.02, clipNorm: 1 };
    for (const { name, device } of await testEngines()) {
      using whole = await create(device, { ...recipe, batchSize: PARTS * PART });
      for (const batch of batches(PARTS * PART)) whole.run(batch);
      using parted = await create(device, { ...recipe, batchSize: PART, accumulate: PARTS });
      let run = 0;
      for (const batch of batches(PART)) {
        parted.run(batch);
        assert.equal(parted.step, Math.floor(++run / PARTS), `after ${run} micro-batches`);
      }
      const [expected, actual] = [await whole.losses(), await parted.losses()];
      assert.deepEqual(actual.map(({ step }) => step), [0, 1, 2, 3]);
      for (const [step, losses] of actual.entries()) {
        const { total, terms, gradientNorm, average } = expected[step];
        const of = (l: typeof losses) => [l.total, l.gradientNorm, l.average];
        assertClose(of(losses), [total, gradientNorm, average], 1e-5, `${name}, step ${step}`);
        assertClose(Object.values(losses.terms), Object.values(terms), 1e-5, `${name} terms`);
      }
      const [a, b] = [await parted.saveState(), await whole.saveState()];
      // A second moment near zero makes AdamW's step as large as any.
      assertClose(a.parameters, b.parameters, 1e-4, `${name}: parameters`);
      assertClose(a.averages, b.averages, 1e-4, `${name}: averages`);
    }
  });
}

Deno.test("the learning rate follows the updates, and an epoch has fewer of them", async () => {
  const change = { batchSize: 4, accumulate: 3, epochsPerDecay: 1.5, warmupSteps: 0 };
  using trainer = await create(await testCpu(), change);
  // 24 images in steps of 12: two an epoch, three a decay.
  const rates = [0, 2, 3, 6].map((step) => Number(trainer.learningRate(step).toPrecision(6)));
  assert.deepEqual(rates, [0.1, 0.1, 0.01, 0.001]);
});

Deno.test("losses of a step come with its last micro-batch, even where they are read in between", async () => {
  const found: number[][] = [];
  for (const readEvery of [1, 5, 100]) {
    using trainer = await create(await testCpu(), { batchSize: PART, accumulate: PARTS });
    const losses = [];
    let run = 0;
    for (const batch of batches(PART)) {
      trainer.run(batch);
      if (++run % readEvery === 0) losses.push(...await trainer.losses());
    }
    losses.push(...await trainer.losses());
    assert.deepEqual(losses.map(({ step }) => step), [0, 1, 2, 3]);
    found.push(losses.map(({ total }) => total));
  }
  assert.deepEqual(found[1], found[0]);
  assert.deepEqual(found[2], found[0]);
});

Deno.test("as many micro-batches may be queued as the trainer says", async () => {
  using trainer = await create(await testCpu(), { batchSize: 1, accumulate: 100 });
  assert.equal(trainer.maxQueued, HISTORY_ROWS);
  assert.equal(trainer.queueableSteps, 2);
  const batch = { images: new Float32Array(IMAGE), labels: Uint32Array.of(3) };
  for (let i = 0; i < trainer.maxQueued; i++) trainer.run(batch);
  assert.throws(() => trainer.run(batch), /more than 256 batches without reading the losses/);
  assert.equal((await trainer.losses()).length, 2);
  assert.equal(trainer.queued, 0);
  for (let i = trainer.maxQueued; i < 300; i++) trainer.run(batch);
  assert.deepEqual((await trainer.losses()).map(({ step }) => step), [2]);
});
