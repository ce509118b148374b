/** A trainer that goes on from a saved state is the one that never stopped, to the bit. */
import assert from "node:assert/strict";
import type { Device } from "../../src/engine/device.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { type Recipe, Trainer, type TrainerState } from "../../src/train/trainer.ts";
import { testCpu, testEngines, testRandom } from "../support.ts";
import { tinyModel } from "./support.ts";

const BATCH = 4;
const IMAGE = 8 * 8 * 3;
const [BEFORE, AFTER] = [3, 4];

const RECIPES: Readonly<Record<string, Partial<Recipe>>> = {
  sgd: {},
  momentum: { optimizer: "momentum" },
  nesterov: { optimizer: "nesterov" },
  adamw: { optimizer: "adamw", learningRate: 0.01 },
  "muon, lookahead, on a triangle": {
    optimizer: "muon",
    lookahead: 2,
    schedule: "triangle",
    totalSteps: 9,
  },
  "adamw, accumulated, clipped, on a cosine": {
    optimizer: "adamw",
    learningRate: 0.01,
    accumulate: 3,
    clipNorm: 0.5,
    schedule: "cosine",
    warmupSteps: 5,
    totalSteps: 10,
  },
};

/** Batch number `k`, the same for whoever asks. */
function batch(k: number) {
  const random = testRandom(k + 1);
  return {
    images: Float32Array.from({ length: BATCH * IMAGE }, () => random() * 2 - 1),
    labels: Uint32Array.from({ length: BATCH }, () => Math.floor(random() * 10)),
  };
}

function create(device: Device, change: Partial<Recipe>, seed = 0): Promise<Trainer> {
  const recipe = { ...REFERENCE_RECIPE, batchSize: BATCH, seed, ...change };
  return Trainer.create(device, { model: tinyModel(8), recipe, trainingImages: 8 });
}

/** Does whole steps and reads their losses. */
async function steps(trainer: Trainer, count: number) {
  const { accumulate } = trainer.recipe;
  const first = trainer.step * accumulate;
  for (let k = first; k < first + count * accumulate; k++) trainer.run(batch(k));
  return await trainer.losses();
}

function assertSameBits(actual: TrainerState, expected: TrainerState, what: string): void {
  const { optimizer, parameters, averages, ...numbers } = actual;
  const { step, lossAverage } = expected;
  assert.deepEqual(numbers, { step, lossAverage }, what);
  const bits = (values: Float32Array<ArrayBuffer>) => new Uint32Array(values.buffer);
  assert.deepEqual(bits(parameters), bits(expected.parameters), `${what}: parameters`);
  assert.deepEqual(bits(averages), bits(expected.averages), `${what}: averages`);
  assert.deepEqual(Object.keys(optimizer), Object.keys(expected.optimizer), what);
  for (const [name, block] of Object.entries(optimizer)) {
    assert.deepEqual(bits(block), bits(expected.optimizer[name]), `${what}: ${name}`);
    assert.ok(block.some((value) => value !== 0), `${what}: ${name} is empty`);
  }
}

for (const [name, recipe] of Object.entries(RECIPES)) {
  Deno.test(`${name}: a trainer that was stopped and continued has the bits of one that was not`, async () => {
    for (const { name: engine, device } of await testEngines()) {
      using whole = await create(device, recipe);
      await steps(whole, BEFORE);
      const saved = await whole.saveState();
      const expected = await steps(whole, AFTER);

      // Another seed, and steps of its own: all of it must be replaced.
      using continued = await create(device, recipe, 7);
      await steps(continued, 2);
      continued.loadState(saved);
      assert.equal(continued.step, BEFORE);
      assertSameBits(await continued.saveState(), saved, `${engine} ${name}, at once`);
      assert.deepEqual(await steps(continued, AFTER), expected, `${engine} ${name}: losses`);
      assertSameBits(await continued.saveState(), await whole.saveState(), `${engine} ${name}`);
    }
  });
}

Deno.test("given weights are what training starts from, and their averages", async () => {
  using trainer = await create(await testCpu(), {});
  const { layout } = trainer.variables;
  const weights = Float32Array.from({ length: layout.size }, (_, i) => Math.sin(i));
  trainer.initialize({ parameters: weights });
  const { parameters, averages, step } = await trainer.saveState();
  assert.deepEqual([parameters, averages, step], [weights, weights, 0]);
});

Deno.test("a state is not saved in the midst of a step, nor with losses that nobody has seen", async () => {
  using trainer = await create(await testCpu(), { accumulate: 2 });
  trainer.run(batch(0));
  await trainer.losses();
  await assert.rejects(() => trainer.saveState(), /step 0 is half accumulated/);
  trainer.run(batch(1));
  await assert.rejects(() => trainer.saveState(), /the losses of 1 batches are not read/);
  await trainer.losses();
  assert.equal((await trainer.saveState()).step, 1);
});

Deno.test("a state of another optimizer or model is refused, and nothing is changed", async () => {
  const device = await testCpu();
  using sgd = await create(device, {});
  await steps(sgd, 1);
  const before = await sgd.saveState();
  using momentum = await create(device, { optimizer: "momentum" });
  const other = await momentum.saveState();
  assert.throws(() => sgd.loadState(other), /blocks must be none: given velocity/);
  assert.throws(() => momentum.loadState(before), /blocks must be velocity: given none/);
  const short = { ...before, averages: new Float32Array(64) };
  assert.throws(() => sgd.loadState(short), /shadows must hold \d+ values: given 64/);
  assertSameBits(await sgd.saveState(), before, "after the refusals");
});

Deno.test("what diverged is forgotten with a state from before, the accumulated gradients too", async () => {
  using trainer = await create(await testCpu(), { accumulate: 2 });
  const saved = await trainer.saveState();
  const expected = await steps(trainer, 2);
  trainer.run({ ...batch(0), images: new Float32Array(BATCH * IMAGE).fill(NaN) });
  await assert.rejects(
    () => trainer.losses(),
    /^NonFiniteLossError: the loss of step 2 is NaN: training has diverged$/,
  );
  trainer.loadState(saved);
  assert.deepEqual(await steps(trainer, 2), expected);
});
