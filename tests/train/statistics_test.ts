/** Running moments of batch normalizations: how training follows them, goes on with them, and who uses them. */
import assert from "node:assert/strict";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import type { Device } from "../../src/engine/device.ts";
import { pretrained } from "../../src/nn/model.ts";
import { initialValues, parameterLayout, parameterViews } from "../../src/nn/parameters.ts";
import { initialStatistics, statisticsLayout } from "../../src/nn/statistics.ts";
import { compute } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant } from "../../src/tensor/tensor.ts";
import { Evaluator } from "../../src/train/evaluation/evaluator.ts";
import { Predictor } from "../../src/train/evaluation/predictor.ts";
import { Scorer } from "../../src/train/evaluation/scorer.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { type Recipe, Trainer, type TrainerState } from "../../src/train/trainer.ts";
import { readStatistics } from "../../src/train/trainer_state.ts";
import { assertClose, relativeError, testCpu, testEngines, testRandom } from "../support.ts";
import { fixedBatch, normalizedModel, waveImages } from "./support.ts";

const BATCH = 6;
const MODEL = normalizedModel(8);
const LAYOUT = statisticsLayout(MODEL.statistics);
/** 0 as float32: the weights stay. */
const STILL = { learningRate: 1e-60 };

/** Batch number `k`, the same for whoever asks. */
function batch(k: number) {
  const random = testRandom(k + 1);
  return {
    images: Float32Array.from({ length: BATCH * 8 * 8 * 3 }, () => random() * 3 - 1 + k % 3),
    labels: Uint32Array.from({ length: BATCH }, () => Math.floor(random() * 10)),
  };
}

function create(device: Device, change: Partial<Recipe>, model = MODEL): Promise<Trainer> {
  const recipe = { ...REFERENCE_RECIPE, batchSize: BATCH, learningRate: 0.05, ...change };
  return Trainer.create(device, { model, recipe, trainingImages: 8 });
}

async function steps(trainer: Trainer, count: number) {
  const { accumulate } = trainer.recipe;
  const first = trainer.step * accumulate;
  for (let k = first; k < first + count * accumulate; k++) trainer.run(batch(k));
  return await trainer.losses();
}

async function momentsAfter(trainer: Trainer, count: number): Promise<Float32Array<ArrayBuffer>> {
  await steps(trainer, count);
  return await readStatistics(trainer.state, trainer.variables) ?? assert.fail("no moments");
}

function assertSameBits(actual: TrainerState, expected: TrainerState, what: string): void {
  const bits = (values?: Float32Array<ArrayBuffer>) =>
    new Uint32Array((values ?? assert.fail(`${what}: none`)).buffer);
  for (const name of ["parameters", "averages", "statistics"] as const) {
    assert.deepEqual(bits(actual[name]), bits(expected[name]), `${what}: ${name}`);
  }
  assert.deepEqual(bits(actual.optimizer.velocity), bits(expected.optimizer.velocity), what);
}

for (const accumulate of [1, 3]) {
  Deno.test(`a trainer that goes on has the bits of one that never stopped, moments too: ${accumulate} batches a step`, async () => {
    const recipe = { accumulate, optimizer: "momentum" } as const;
    for (const { name: engine, device } of await testEngines()) {
      using whole = await create(device, recipe);
      await steps(whole, 3);
      const saved = await whole.saveState();
      assert.notDeepEqual(saved.statistics, initialStatistics(LAYOUT));
      const expected = await steps(whole, 4);
      // Another seed, and steps of its own: all of it must be replaced.
      using continued = await create(device, { ...recipe, seed: 7 });
      await steps(continued, 2);
      continued.loadState(saved);
      assertSameBits(await continued.saveState(), saved, `${engine}, at once`);
      assert.deepEqual(await steps(continued, 4), expected, `${engine}: losses`);
      assertSameBits(await continued.saveState(), await whole.saveState(), engine);
      assert.notDeepEqual((await whole.saveState()).statistics, saved.statistics);
    }
  });
}

Deno.test("each micro-batch is followed, as if it were a step of its own", async () => {
  for (const { name: engine, device } of await testEngines()) {
    using single = await create(device, STILL);
    using several = await create(device, { ...STILL, accumulate: 2 });
    const expected = await momentsAfter(single, 4);
    assert.deepEqual(await momentsAfter(several, 2), expected, engine);
  }
});

Deno.test("a state without moments, or with too few, is refused and nothing changes", async () => {
  using trainer = await create(await testCpu(), {});
  await steps(trainer, 1);
  const { statistics = assert.fail(), ...bare } = await trainer.saveState();
  const size = LAYOUT.size;
  assert.throws(
    () => trainer.loadState(bare),
    RegExp(`statistics must hold ${size} values: given 0`),
  );
  const short = { ...bare, statistics: statistics.slice(1) };
  assert.throws(() => trainer.loadState(short), RegExp(`${size} values: given ${size - 1}`));
  assert.deepEqual(await readStatistics(trainer.state, trainer.variables), statistics);
});

Deno.test("given moments are gone on from by a pretrained model, else the first batch takes their place", async () => {
  for (const { name: engine, device } of await testEngines()) {
    const given = initialStatistics(LAYOUT).map((v, i) => v === 0 ? Math.sin(i) : 2);
    const parameters = initialValues(parameterLayout(MODEL.parameters), 1);
    const run = async (model: typeof MODEL, statistics: typeof given | undefined) => {
      using trainer = await create(device, STILL, model);
      await steps(trainer, 1);
      trainer.loadState({ ...await trainer.saveState(), step: 0 });
      trainer.initialize({ parameters, statistics });
      return await momentsAfter(trainer, 1);
    };
    const of = await run(MODEL, given);
    assertClose(await run(MODEL, undefined), of, 1e-6, `${engine}: the batch's own`);
    const mixed = (start: Float32Array) => start.map((v, i) => v + 0.1 * (of[i] - v));
    assertClose(await run(pretrained(MODEL), given), mixed(given), 1e-6, engine);
    const fresh = mixed(initialStatistics(LAYOUT));
    assertClose(await run(pretrained(MODEL), undefined), fresh, 1e-6, `${engine}: from 0 and 1`);
  }
});

Deno.test("evaluation takes the running moments: with those of its own batch it gives training's logits", async () => {
  for (const { name: engine, device } of await testEngines()) {
    using trainer = await create(device, STILL);
    // The start is divided out: after one batch the running moments are the batch's.
    const statistics = await momentsAfter(trainer, 1);
    const { parameters } = await trainer.saveState();
    const { images } = batch(0);
    using state = new VariableState(device);
    const layout = parameterLayout(MODEL.parameters);
    const { logits } = MODEL.forward({
      parameters: parameterViews(layout, constant(parameters, [layout.size])),
      images: constant(images, [BATCH, 8, 8, 3]),
      training: true,
    });
    const training = await compute(state, logits);
    using scorer = await Scorer.create(device, MODEL, BATCH);
    const scored = async (moments: Float32Array<ArrayBuffer>) => {
      scorer.load({ parameters, statistics: moments });
      return (await scorer.logits(images)).flatMap((row) => [...row]);
    };
    assertClose(await scored(statistics), training, 1e-5, engine);
    const fresh = await scored(initialStatistics(LAYOUT));
    assert.ok(relativeError(fresh, training) > 0.1, `${engine}: other moments, other logits`);
    assert.throws(
      () => scorer.load({ parameters }),
      /^TypeError: Cannot score without the running/,
    );
  }
});

Deno.test("the evaluator and the predictor take them too, and agree", async () => {
  const device = await testCpu();
  const model = normalizedModel(24);
  const store = waveImages(12, 3);
  const layout = statisticsLayout(model.statistics);
  const parameters = initialValues(parameterLayout(model.parameters), 2);
  using trainer = await Trainer.create(device, {
    model,
    recipe: { ...REFERENCE_RECIPE, batchSize: 12, ...STILL },
    trainingImages: 12,
  });
  trainer.initialize({ parameters });
  trainer.run(await fixedBatch(store, 12));
  await trainer.losses();
  using evaluator = await Evaluator.create(device, model, 12);
  using predictor = await Predictor.create(device, model, {
    augment: REFERENCE_AUGMENT,
    format: store.format,
    views: 1,
    batchSize: 12,
  });
  const followed = await readStatistics(trainer.state, trainer.variables) ?? assert.fail();
  const losses = [];
  for (const statistics of [followed, initialStatistics(layout)]) {
    const values = { parameters, statistics };
    const options = { store, augment: REFERENCE_AUGMENT, workers: 1 };
    const { loss, confidence } = await evaluator.run(values, options);
    predictor.load(values);
    const shares = await predictor.predict(Array.from({ length: 12 }, (_, i) => store.pixels(i)));
    assertClose(shares.map((row) => Math.max(...row)), confidence, 1e-5, "confidences");
    losses.push(loss);
  }
  assert.ok(Math.abs(losses[0] - losses[1]) > 1e-3, `losses ${losses}`);
});
