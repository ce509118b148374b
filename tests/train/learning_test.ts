/** The reference CNN learns, starts where it should, and the same run twice gives the same bits. */
import assert from "node:assert/strict";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { referenceCnn } from "../../src/nn/models/reference.ts";
import { parameterLayout } from "../../src/nn/parameters.ts";
import { loadCheckpoint } from "../../src/train/checkpoints/load_checkpoint.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { Evaluator } from "../../src/train/evaluation/evaluator.ts";
import { type StepLosses, Trainer } from "../../src/train/trainer.ts";
import { NonFiniteLossError } from "../../src/util/errors.ts";
import { testDevice } from "../support.ts";
import { namesIn, temporaryFolder } from "../data/helpers.ts";
import { checkpointOf, runTiny } from "./run_support.ts";
import { fixedBatch, waveImages } from "./support.ts";

const IMAGE = 24 * 24 * 3;

Deno.test("the reference with its own initialization starts at a loss of 4.68", async () => {
  const recipe = { ...REFERENCE_RECIPE, batchSize: 16 };
  const batch = await fixedBatch(waveImages(16, 1), 16);
  using trainer = await Trainer.create(await testDevice(), {
    model: referenceCnn,
    recipe,
    trainingImages: 50_000,
  });
  trainer.run(batch);
  const [{ total, average, terms }] = await trainer.losses();
  assert.ok(Math.abs(total - 4.68) <= 0.1, `loss ${total}`);
  const { cross_entropy: crossEntropy, ...decays } = terms;
  assert.ok(Math.abs(crossEntropy - Math.log(10)) < 0.05, `cross-entropy ${crossEntropy}`);
  assert.deepEqual(Object.keys(decays), ["local3/weight_loss", "local4/weight_loss"]);
  const sum = Object.values(terms).reduce((a, b) => a + b, 0);
  assert.equal(total, sum);
  // The average starts at zero and is not debiased.
  assert.ok(Math.abs(average - 0.1 * total) < 1e-9, `average ${average}`);
});

Deno.test("the reference overfits 64 images to 100 %", async () => {
  const device = await testDevice();
  const [count, batchSize, steps] = [64, 16, 70];
  const store = waveImages(count, 1);
  const { images, labels } = await fixedBatch(store, count);
  const recipe = { ...REFERENCE_RECIPE, batchSize, learningRate: 0.05 };
  const options = { model: referenceCnn, recipe, trainingImages: count };
  using trainer = await Trainer.create(device, options);
  using evaluator = await Evaluator.create(device, referenceCnn, count);
  const { parameters } = trainer.variables;
  const precision = async () => {
    const values = await trainer.state.read(parameters) as Float32Array<ArrayBuffer>;
    return (await evaluator.run({ parameters: values }, {
      store,
      augment: REFERENCE_AUGMENT,
      workers: 1,
    }))
      .precision;
  };
  assert.ok(await precision() < 0.3, "untrained it guesses");
  for (let step = 0; step < steps; step++) {
    const first = step * batchSize % count;
    trainer.run({
      images: images.subarray(first * IMAGE, (first + batchSize) * IMAGE),
      labels: labels.subarray(first, first + batchSize),
    });
  }
  const losses = await trainer.losses();
  const last = losses.slice(-4).map(({ terms }) => terms.cross_entropy);
  assert.ok(Math.max(...last) < 0.3, `cross-entropy ${last}`);
  assert.equal(await precision(), 1);
});

interface Run {
  readonly losses: StepLosses[];
  readonly parameters: Float32Array;
  readonly averages: Float32Array;
  readonly precisions: readonly number[];
}

/** Five steps of the whole trainer: worker threads, augmentation, checkpoint, evaluation. */
async function shortRun(change: { seed?: number; workers?: number } = {}): Promise<Run> {
  await using folder = await temporaryFolder();
  const { seed = 3, workers = 1 } = change;
  const losses: StepLosses[] = [];
  const { evaluations: [evaluation], checkpoint } = await runTiny(
    await testDevice(),
    folder.path,
    {
      model: referenceCnn,
      recipe: { ...REFERENCE_RECIPE, batchSize: 16, seed, totalSteps: 5 },
      train: waveImages(40, 2),
      evaluations: [{ name: "test", open: () => Promise.resolve(waveImages(20, 4)) }],
      workers,
      logEvery: 2,
      checkpointEvery: {},
      evalEvery: 0,
      events: { onLog: (event) => losses.push(...event.losses) },
    },
  );
  const layout = parameterLayout(referenceCnn.parameters);
  const { state: { parameters, averages } } = await loadCheckpoint(
    checkpoint,
    referenceCnn,
    layout,
  );
  const precisions = [evaluation.weights.precision, evaluation.averages.precision];
  return { losses, parameters, averages, precisions };
}

Deno.test("the same run twice gives the same bits, with any number of workers; another seed others", async () => {
  const first = await shortRun();
  assert.deepEqual(first.losses.map(({ step }) => step), [0, 1, 2, 3, 4]);
  assert.notDeepEqual(first.parameters, first.averages);
  for (const workers of [1, 3]) {
    const again = await shortRun({ workers });
    assert.deepEqual(again.losses, first.losses, `${workers} workers`);
    assert.deepEqual(bits(again.parameters), bits(first.parameters), `${workers} workers`);
    assert.deepEqual(bits(again.averages), bits(first.averages), `${workers} workers`);
    assert.deepEqual(again.precisions, first.precisions);
  }
  const other = await shortRun({ seed: 4 });
  assert.notEqual(other.losses[0].total, first.losses[0].total);
  assert.notDeepEqual(other.parameters, first.parameters);
});

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** A run of the tiny model that goes wrong. */
async function diverging(
  runDir: string,
  { recipe = {}, ...change }: Parameters<typeof runTiny>[2] = {},
) {
  const saved: number[] = [];
  const run = runTiny(await testDevice(), runDir, {
    recipe: {
      ...REFERENCE_RECIPE,
      batchSize: 16,
      learningRate: 1e6,
      totalSteps: 500,
      ...recipe,
    },
    train: waveImages(64, 2),
    logEvery: 1,
    checkpointEvery: { steps: 1 },
    evalEvery: 0,
    events: { onCheckpoint: (_, step) => saved.push(step) },
    ...change,
  });
  const error = await run.then(() => assert.fail("no error"), (error) => error);
  assert.ok(error instanceof NonFiniteLossError, String(error));
  assert.match(error.hint, /smaller --learning-rate; checkpoints that were written are intact/);
  return { error, saved };
}

Deno.test("a loss that is not finite stops the run, names the step, and the last checkpoint is intact", async () => {
  await using folder = await temporaryFolder();
  const { error, saved } = await diverging(folder.path);
  const named = Number(/step (\d+)/.exec(error.message)?.[1] ?? assert.fail(error.message));
  assert.ok(saved.length > 0, "the test needs a checkpoint before the end");
  assert.ok(named >= saved.at(-1)! - 1 && named < 500, `${error.message}; saved ${saved}`);
  const { state: { step, parameters, averages } } = await checkpointOf(folder.path);
  assert.equal(step, saved.at(-1));
  assert.ok(parameters.every(Number.isFinite) && averages.every(Number.isFinite));
  for (const name of await namesIn(`${folder.path}/checkpoints`)) assert.match(name, /^step-\d+$/);
});

Deno.test("weights that are not finite are never saved, even if the loss before them was", async () => {
  await using folder = await temporaryFolder();
  // One step: its loss is that of the initial weights, its update overflows.
  const { error, saved } = await diverging(folder.path, {
    recipe: { learningRate: 1e39, totalSteps: 1 },
    checkpointEvery: {},
  });
  assert.match(error.message, /^the (update of|weights after) step 0 .*: training has diverged$/);
  assert.deepEqual(saved, []);
  assert.ok(!(await namesIn(folder.path)).includes("checkpoints"));
});

Deno.test("without a log line in between, the loss is read and checked all the same", async () => {
  await using folder = await temporaryFolder();
  const { error } = await diverging(folder.path, { logEvery: 1000, checkpointEvery: {} });
  const named = Number(/step (\d+)/.exec(error.message)![1]);
  assert.ok(named < 50, `step ${named}`);
});
