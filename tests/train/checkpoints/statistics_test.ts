/** Running moments in files: checkpoints hold them to the bit, runs go on with them, `--init-from` takes them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  readSafetensors,
  type SafeTensor,
  writeSafetensors,
} from "../../../src/formats/safetensors.ts";
import { initialValues, parameterLayout } from "../../../src/nn/parameters.ts";
import { initialStatistics, statisticsLayout } from "../../../src/nn/statistics.ts";
import { loadInitialWeights } from "../../../src/train/checkpoints/init_from.ts";
import { listCheckpoints } from "../../../src/train/checkpoints/list_checkpoints.ts";
import { loadCheckpoint } from "../../../src/train/checkpoints/load_checkpoint.ts";
import { FRESH_LOOP } from "../../../src/train/checkpoints/loop_state.ts";
import { writeCheckpoint } from "../../../src/train/checkpoints/write_checkpoint.ts";
import type { TrainerState } from "../../../src/train/trainer.ts";
import { temporaryFolder } from "../../data/helpers.ts";
import { testEngines } from "../../support.ts";
import { runTiny, tinyRun } from "../run_support.ts";
import { normalizedModel } from "../support.ts";

const MODEL = normalizedModel(24);
const LAYOUT = parameterLayout(MODEL.parameters);
const MOMENTS = statisticsLayout(MODEL.statistics);

/** Moments that no start has; the gaps between slots are zeros, as they are not kept. */
function someMoments(): Float32Array<ArrayBuffer> {
  const block = initialStatistics(MOMENTS);
  MOMENTS.specs.forEach(({ channels }, i) => {
    for (let c = 0; c < 2 * channels; c++) block[MOMENTS.offsets[i] + c] = 1 / (3 + c + 50 * i);
  });
  return block;
}

function stateAt(step: number): TrainerState {
  const [parameters, averages] = [initialValues(LAYOUT, step), initialValues(LAYOUT, step + 1)];
  return { step, lossAverage: 0.5, parameters, averages, optimizer: {}, statistics: someMoments() };
}

async function write(runDir: string, statistics = MOMENTS): Promise<string> {
  const { path } = await writeCheckpoint(runDir, LAYOUT, {
    state: stateAt(3),
    statistics,
    draft: {
      model: MODEL.name,
      number: 1,
      configHash: "0",
      metrics: { loss: null, set: null, precision: null, precisionEma: null },
      loop: { ...FRESH_LOOP, lossAverage: 0.5 },
      run: JSON.parse(JSON.stringify(tinyRun().json)),
    },
  });
  return path;
}

Deno.test("a checkpoint holds moving means and variances by name, beside weights and averages", async () => {
  await using run = await temporaryFolder();
  const path = await write(run.path);
  for (const file of ["model.safetensors", "ema.safetensors"]) {
    const { tensors } = await readSafetensors(join(path, file));
    for (const [i, { name, channels }] of MOMENTS.specs.entries()) {
      for (const [row, part] of ["moving_mean", "moving_variance"].entries()) {
        const { dtype, shape, data } = tensors[`${name}/${part}`];
        const start = MOMENTS.offsets[i] + row * channels;
        assert.deepEqual([dtype, shape], ["F32", [channels]], `${file} ${name}/${part}`);
        assert.deepEqual(data, someMoments().slice(start, start + channels), `${name}/${part}`);
      }
    }
    assert.equal(Object.keys(tensors).length, LAYOUT.specs.length + 2 * MOMENTS.specs.length);
  }
  assert.deepEqual((await loadCheckpoint(path, MODEL, LAYOUT)).state, stateAt(3));
});

Deno.test("a checkpoint without them is none of a model that needs them", async () => {
  await using run = await temporaryFolder();
  const path = await write(run.path, { specs: [], offsets: [], size: 0 });
  await assert.rejects(loadCheckpoint(path, MODEL, LAYOUT), {
    name: "DataError",
    message:
      `Cannot use ${path}/model.safetensors: expected bn1/moving_mean as F32 [8], found nothing`,
    hint: "it was written for another model or number of classes",
  });
});

Deno.test("a run that is interrupted and resumed ends with the bits of one that was not", async () => {
  for (const { name: engine, device } of await testEngines()) {
    for (const accumulate of [1, 2]) {
      await using folder = await temporaryFolder();
      const options = {
        model: MODEL,
        recipe: { totalSteps: 6, accumulate },
        evalEvery: 0,
        evaluations: [],
      } as const;
      const last = async (runDir: string) => {
        const { path } = (await listCheckpoints(runDir)).at(-1) ?? assert.fail("no checkpoint");
        return await loadCheckpoint(path, MODEL, LAYOUT);
      };
      const [whole, runDir] = ["whole", "run"].map((name) => join(folder.path, name));
      await runTiny(device, whole, options);
      const controller = new AbortController();
      const { end, step } = await runTiny(device, runDir, {
        ...options,
        signal: controller.signal,
        events: { onCheckpoint: () => controller.abort() },
      });
      assert.deepEqual([end, step], ["interrupted", 3]);
      const before = await last(runDir);
      await runTiny(device, runDir, { ...options, resume: before });
      const [{ state }, { state: expected }] = [await last(runDir), await last(whole)];
      assert.deepEqual(state, expected, `${engine}, ${accumulate} batches a step`);
      assert.notDeepEqual(state.statistics, before.state.statistics);
    }
  }
});

Deno.test("running moments that are not finite are not saved, though the loss and the weights are", async () => {
  for (const { name: engine, device } of await testEngines()) {
    await using folder = await temporaryFolder();
    const options = { model: MODEL, evalEvery: 0, evaluations: [] } as const;
    await runTiny(device, folder.path, { ...options, recipe: { totalSteps: 3 } });
    const [{ path }] = await listCheckpoints(folder.path);
    const { state, ...good } = await loadCheckpoint(path, MODEL, LAYOUT);
    const { statistics = assert.fail("no moments") } = state;
    const variance = statistics.slice();
    // Of one channel of the second normalization.
    variance[MOMENTS.offsets[1] + MOMENTS.specs[1].channels + 2] = Infinity;
    const resume = { ...good, state: { ...state, statistics: variance } };
    await assert.rejects(runTiny(device, folder.path, { ...options, resume }), {
      name: "NonFiniteLossError",
      message: /^the update of step 5 is (NaN|Infinity): training has diverged$/,
      hint: /^its images are named in .*diverged-step-00000005\.json; /,
    });
    assert.deepEqual((await listCheckpoints(folder.path)).map(({ step }) => step), [3], engine);
  }
});

type Tensors = Record<string, SafeTensor>;

/** Starts from a checkpoint's tensors as they are changed. */
async function initial(change: (tensors: Tensors) => void, partial = false) {
  await using folder = await temporaryFolder();
  const { tensors } = await readSafetensors(join(await write(folder.path), "model.safetensors"));
  const changed: Tensors = { ...tensors };
  change(changed);
  const path = join(folder.path, "weights.safetensors");
  await writeSafetensors(path, changed);
  return await loadInitialWeights(path, LAYOUT, { partial, seed: 5, moments: MOMENTS });
}

Deno.test("weights to start from bring their running moments", async () => {
  const found = await initial(() => {});
  assert.deepEqual(found.statistics, someMoments());
  assert.deepEqual(found.parameters, stateAt(3).parameters);
  assert.deepEqual([found.mismatches, found.fresh, found.unused], [[], [], []]);
});

Deno.test("normalizations without moments in the file start at mean 0 and variance 1, and are told", async () => {
  const found = await initial((tensors) => {
    delete tensors["bn2/moving_mean"];
    delete tensors["bn2/moving_variance"];
  });
  const expected = initialStatistics(MOMENTS);
  expected.set(someMoments().subarray(0, MOMENTS.offsets[1]));
  assert.deepEqual(found.statistics, expected);
  assert.deepEqual([found.mismatches, found.fresh, found.unused], [[], ["bn2"], []]);
});

Deno.test("moments that do not fit are refused, and with --init-partial left out", async () => {
  const spoil: readonly (readonly [(tensors: Tensors) => void, string])[] = [
    [(tensors) => delete tensors["bn1/moving_mean"], "bn1/moving_mean [8] is missing"],
    [
      (tensors) =>
        tensors["bn1/moving_variance"] = { dtype: "F32", shape: [4], data: new Float32Array(4) },
      "bn1/moving_variance is F32 [4], expected F32 [8]",
    ],
    [
      (tensors) =>
        tensors["bn1/moving_variance"] = {
          dtype: "F32",
          shape: [8],
          data: new Float32Array(8).fill(-1),
        },
      "bn1/moving_variance is below zero somewhere",
    ],
    [
      (tensors) =>
        tensors["bn1/moving_mean"] = {
          dtype: "F32",
          shape: [8],
          data: new Float32Array(8).fill(NaN),
        },
      "bn1/moving_mean is not finite everywhere",
    ],
  ];
  const expected = someMoments();
  expected.set(initialStatistics(MOMENTS).subarray(0, MOMENTS.offsets[1]));
  for (const [change, phrase] of spoil) {
    const error = await initial(change).then(() => assert.fail("no error"), (e) => e);
    assert.equal(error.name, "DataError");
    const all = LAYOUT.specs.length;
    assert.ok(error.message.endsWith(`: ${all} of ${all} tensors match; ${phrase}`), error.message);
    const { mismatches, statistics, parameters } = await initial(change, true);
    assert.deepEqual(mismatches, [phrase]);
    assert.deepEqual(statistics, expected, phrase);
    assert.deepEqual(parameters, stateAt(3).parameters);
  }
});
