/** Runs that stop and go on: the same bits and lines as one that never stopped; guards on the way. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { listCheckpoints } from "../../src/train/checkpoints/list_checkpoints.ts";
import { InterruptedError } from "../../src/train/interrupt.ts";
import { DeviceLostError } from "../../src/util/errors.ts";
import { WebGpuDevice } from "../../src/webgpu/device.ts";
import { temporaryFolder } from "../data/helpers.ts";
import { testCpu, testEngines } from "../support.ts";
import { checkpointOf, runTiny, TINY_LAYOUT, type TinyOptions } from "./run_support.ts";
import { initialValues } from "../../src/nn/parameters.ts";

const RUNS: Readonly<Record<string, TinyOptions>> = {
  sgd: {},
  "momentum, accumulated, on a plateau": {
    recipe: {
      optimizer: "momentum",
      accumulate: 2,
      schedule: "plateau",
      plateauPatience: 0,
      decayFactor: 0.5,
    },
  },
  "muon, triangle, lookahead, accumulated, mirrored every other epoch": {
    recipe: { optimizer: "muon", schedule: "triangle", lookahead: 2, accumulate: 2 },
    augment: { ...REFERENCE_AUGMENT, flipMode: "alternating" },
  },
  "adamw, cosine, clipped, smoothed, mixed by the device": {
    recipe: {
      optimizer: "adamw",
      learningRate: 0.002,
      schedule: "cosine",
      warmupSteps: 3,
      clipNorm: 0.5,
      labelSmoothing: 0.1,
    },
    augment: { ...REFERENCE_AUGMENT, cutout: 6, mixup: 0.3 },
    input: "device",
    shuffle: "queue",
  },
};

function metricsText(runDir: string): Promise<string> {
  return Deno.readTextFile(join(runDir, "metrics.jsonl"));
}

/** Rows of training and evaluation. */
async function rowsOf(runDir: string): Promise<string[]> {
  const rows = (await metricsText(runDir)).trimEnd().split("\n");
  return rows.filter((row) => !row.includes('"checkpoint"'));
}

for (const [name, options] of Object.entries(RUNS)) {
  Deno.test(`from every checkpoint a run goes on to the same bits and lines: ${name}`, async () => {
    for (const { name: engine, device } of await testEngines()) {
      await using folder = await temporaryFolder();
      const whole = join(folder.path, "run");
      await runTiny(device, whole, options);
      const expected = await checkpointOf(whole);
      const lines = (await metricsText(whole)).replaceAll(whole, "");
      const steps = (await listCheckpoints(whole)).map(({ step }) => step);
      assert.ok(steps.length >= 4, `${steps}`);
      for (const step of steps.slice(0, -1)) {
        const what = `${engine}, from step ${step}`;
        await runTiny(device, whole, { ...options, resume: await checkpointOf(whole, step) });
        const actual = await checkpointOf(whole);
        assert.deepEqual(actual.state, expected.state, what);
        assert.deepEqual(actual.manifest.loop, expected.manifest.loop, what);
        assert.equal((await metricsText(whole)).replaceAll(whole, ""), lines, what);
      }
    }
  });
}

Deno.test("a signal saves after the step at hand; an evaluation that was due is made up for", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const whole = join(folder.path, "whole");
  await runTiny(device, whole);
  const expected = await checkpointOf(whole);
  for (const moment of ["onLog", "onEvaluating", "onCheckpoint"] as const) {
    // The fourth log line is that of the last step: what is left are the measurements.
    for (let nth = 1; nth <= (moment === "onLog" ? 4 : 3); nth++) {
      const runDir = join(folder.path, `${moment}-${nth}`);
      const controller = new AbortController();
      let calls = 0;
      const events = {
        [moment]: () => {
          if (++calls === nth) controller.abort(new InterruptedError("SIGINT"));
        },
      };
      const { signal } = controller;
      // Its own lines are left to the resumed run where the listener takes the place of a writer.
      const result = await runTiny(device, runDir, { signal, events });
      assert.equal(result.end, "interrupted", `${moment} ${nth}`);
      const last = await checkpointOf(runDir);
      assert.equal(last.state.step, result.step);
      const resumed = await runTiny(device, runDir, { resume: last });
      assert.equal(resumed.end, "finished");
      assert.equal(resumed.evaluations.length, 1, "the last measurement is made up for");
      assert.deepEqual((await checkpointOf(runDir)).state, expected.state, `${moment} ${nth}`);
      if (moment !== "onLog") {
        assert.deepEqual(await rowsOf(runDir), await rowsOf(whole), `${moment} ${nth}`);
      }
    }
  }
});

Deno.test("any reason of an abort saves, also during a measurement", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const controller = new AbortController();
  const { end, step } = await runTiny(device, folder.path, {
    signal: controller.signal,
    events: { onEvaluating: () => controller.abort() },
  });
  assert.deepEqual([end, step], ["interrupted", 4]);
  const { manifest } = await checkpointOf(folder.path);
  assert.deepEqual([manifest.step, manifest.loop.evaluationIsDue], [4, true]);
});

Deno.test("a signal right after the best measurement leaves it known, and its number as it was", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const controller = new AbortController();
  await runTiny(device, folder.path, {
    checkpointEvery: {},
    signal: controller.signal,
    events: { onCheckpoint: () => controller.abort() },
  });
  const { manifest } = await checkpointOf(folder.path);
  assert.deepEqual([manifest.step, manifest.number, manifest.loop.best?.step], [4, 1, 4]);
  assert.equal(manifest.metrics.precisionEma, manifest.loop.best?.precision);
});

Deno.test("an early stop that is interrupted and resumed has its lines once", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const options = { recipe: { learningRate: 1e-9, totalSteps: 40 }, patience: 1 };
  const whole = join(folder.path, "whole");
  assert.equal((await runTiny(device, whole, options)).end, "stopped");
  const runDir = join(folder.path, "run");
  const controller = new AbortController();
  const interrupted = await runTiny(device, runDir, {
    ...options,
    signal: controller.signal,
    events: { onCheckpoint: (_, step) => step === 8 && controller.abort() },
  });
  assert.deepEqual([interrupted.end, interrupted.step], ["stopped", 8], "nothing was left to do");
  assert.deepEqual(await rowsOf(runDir), await rowsOf(whole));
});

Deno.test("a run that goes on from an earlier checkpoint sets the later ones aside", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  await runTiny(device, folder.path);
  await runTiny(device, folder.path, {
    resume: await checkpointOf(folder.path, 3),
    recipe: { totalSteps: 5 },
    keep: 1,
  });
  assert.deepEqual((await listCheckpoints(folder.path)).map(({ step }) => step).at(-1), 5);
  const names = [...Deno.readDirSync(join(folder.path, "checkpoints"))].map(({ name }) => name);
  assert.ok(names.some((name) => /^step-00000012\.superseded-\w{8}$/.test(name)), `${names}`);
});

Deno.test("a device that is lost before the start: the run starts on the next one", async () => {
  await using folder = await temporaryFolder();
  const first = await WebGpuDevice.open();
  const second = await WebGpuDevice.open();
  first.gpu.destroy();
  let starts = 0;
  const { end } = await runTiny(first, folder.path, {
    reopen: () => Promise.resolve(second),
    events: { onStart: () => void starts++ },
  });
  assert.deepEqual([end, starts], ["finished", 1]);
  for (const device of [first, second]) device.destroy();
});

Deno.test("a lost device is opened again once, from the last checkpoint; the second loss is an error", async () => {
  await using folder = await temporaryFolder();
  const whole = join(folder.path, "whole");
  {
    using device = await WebGpuDevice.open();
    await runTiny(device, whole);
  }
  const expected = await checkpointOf(whole);
  for (const losses of [1, 2]) {
    const runDir = join(folder.path, `lost-${losses}`);
    const devices: WebGpuDevice[] = [await WebGpuDevice.open()];
    let lost = 0;
    let rebuiltAt: number | undefined;
    const run = runTiny(devices[0], runDir, {
      reopen: async () => {
        devices.push(await WebGpuDevice.open());
        return devices[devices.length - 1];
      },
      events: {
        onCheckpoint(_path, step) {
          if (step < 6 + 3 * lost || lost >= losses) return;
          lost++;
          devices[devices.length - 1].gpu.destroy();
        },
        onRebuilt(error, step) {
          assert.ok(error instanceof DeviceLostError);
          rebuiltAt = step;
        },
      },
    });
    if (losses === 1) {
      assert.equal((await run).end, "finished");
      assert.deepEqual((await checkpointOf(runDir)).state, expected.state);
      assert.deepEqual(await rowsOf(runDir), await rowsOf(whole));
    } else {
      await assert.rejects(run, { name: "DeviceLostError", hint: /--resume/ });
    }
    assert.equal(rebuiltAt, 6);
    assert.equal(devices.length, 2);
    for (const device of devices) device.destroy();
  }
});

Deno.test("training stops when the precision no longer rises, and measures once more", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  // Weights that hardly move: no later measurement is better than the first.
  const options = { recipe: { learningRate: 1e-9, totalSteps: 40 }, patience: 2 };
  const result = await runTiny(device, folder.path, options);
  assert.deepEqual([result.end, result.step, result.best?.step], ["stopped", 12, 4]);
  const last = await checkpointOf(folder.path);
  assert.equal(last.manifest.loop.evaluationIsDue, false);
  assert.equal(last.manifest.metrics.precisionEma, result.evaluations[0].averages.precision);
});

Deno.test("a loss that is not finite ends the run with its images named; checkpoints stay", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const runDir = join(folder.path, "run");
  const recipe = { learningRate: 1e12 };
  await assert.rejects(runTiny(device, runDir, { recipe, checkpointEvery: { steps: 1 } }), {
    name: "NonFiniteLossError",
    message: /^the (loss|gradient) of step (\d+) is (NaN|Infinity): training has diverged$/,
    hint: /^its images are named in .*diverged-step-0000000\d\.json; use a smaller --learning-rate/,
  });
  for (const { step } of await listCheckpoints(runDir)) {
    const { state } = await checkpointOf(runDir, step);
    assert.ok(state.parameters.every(Number.isFinite), `step ${step}`);
  }
  const [name] = [...Deno.readDirSync(runDir)].map((entry) => entry.name)
    .filter((entry) => entry.startsWith("diverged"));
  const dump = JSON.parse(await Deno.readTextFile(join(runDir, name)));
  const [{ ids, labels, augmentation }] = dump.batches;
  assert.equal(new Set(ids).size, 8);
  assert.deepEqual(labels, ids.map((id: number) => id % 10), "wave images have these labels");
  assert.equal(augmentation.length, 8);
});

Deno.test("a run starts from given weights, and so do its averages", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const initial = initialValues(TINY_LAYOUT, 99);
  await runTiny(device, folder.path, {
    initial: { parameters: initial },
    // 0 as float32.
    recipe: { learningRate: 1e-60 },
    evaluations: [],
  });
  const { state } = await checkpointOf(folder.path);
  assert.deepEqual(state.parameters, initial);
  assert.deepEqual(state.averages, initial);
});
