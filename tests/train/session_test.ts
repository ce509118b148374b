/** When a run saves, what stays of it, and how it ends early or goes on. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readMetrics } from "../../src/report/metrics.ts";
import { listCheckpoints } from "../../src/train/checkpoints/list_checkpoints.ts";
import { InterruptedError } from "../../src/train/interrupt.ts";
import { temporaryFolder } from "../data/helpers.ts";
import { testCpu } from "../support.ts";
import { checkpointOf, runTiny, type TinyOptions } from "./run_support.ts";
import { waveImages } from "./support.ts";

/** Weights that hardly move: no measurement after the first is better. */
const STILL = { learningRate: 1e-9 };

/** Runs in a folder of its own; returns the steps of the checkpoints written, and of those that stayed. */
async function saved(options: TinyOptions): Promise<{ written: number[]; left: number[] }> {
  await using folder = await temporaryFolder();
  const written: number[] = [];
  const onCheckpoint = (_: string, step: number) => void written.push(step);
  const events = { ...options.events, onCheckpoint };
  await runTiny(await testCpu(), folder.path, { ...options, events });
  const left = (await listCheckpoints(folder.path)).map(({ step }) => step);
  return { written, left };
}

Deno.test("checkpoints come every so many steps, once at the end, and with each best measurement", async () => {
  const steps = async (options: TinyOptions) => (await saved(options)).written;
  const none = { evalEvery: 0 };
  assert.deepEqual(await steps({ ...none, checkpointEvery: { steps: 5 } }), [5, 10, 12]);
  assert.deepEqual(await steps({ ...none, checkpointEvery: { steps: 4 } }), [4, 8, 12]);
  assert.deepEqual(await steps({ ...none, checkpointEvery: {} }), [12], "never but at the end");
  const best = { recipe: STILL, evalEvery: 4, checkpointEvery: {} };
  assert.deepEqual(await steps(best), [4, 12], "the first measurement is the best");
  assert.deepEqual(await steps({ ...best, checkpointEvery: { steps: 8 } }), [4, 8, 12]);
});

Deno.test("a measurement comes before the checkpoint of its step, which knows it", async () => {
  await using folder = await temporaryFolder();
  const options = {
    recipe: { learningRate: 0.1 },
    evalEvery: 4,
    checkpointEvery: { steps: 4 },
    logEvery: 4,
  };
  const { evaluations } = await runTiny(await testCpu(), folder.path, options);
  const rows = readMetrics(join(folder.path, "metrics.jsonl"));
  assert.deepEqual(
    rows.map(({ kind, step }) => `${kind} ${step}`),
    [
      ...["train 0", "eval 4", "checkpoint 4", "train 4", "eval 8", "checkpoint 8", "train 8"],
      ...["train 11", "checkpoint 12", "eval 12"],
    ],
  );
  const [{ weights, averages }] = evaluations;
  assert.notEqual(weights.precision, averages.precision, "the test needs two numbers");
  const { metrics, loop } = (await checkpointOf(folder.path)).manifest;
  const { size } = await Deno.stat(join(folder.path, "metrics.jsonl"));
  assert.equal(loop.metricsBytes, size, "all lines belong to it");
  const loss = rows.filter(({ kind }) => kind === "train").at(-1)?.total;
  assert.deepEqual(metrics, {
    loss,
    set: "test",
    precision: weights.precision,
    precisionEma: averages.precision,
  });
  const [first] = rows.filter(({ kind }) => kind === "eval");
  const early = (await checkpointOf(folder.path, 4)).manifest.metrics;
  assert.deepEqual([early.precision, early.precisionEma], [first.precision, first.precisionEma]);
});

Deno.test("the measurement at the end may be the best", async () => {
  const progress: [number, number][] = [];
  await using folder = await temporaryFolder();
  const { best, evaluations: [{ averages }] } = await runTiny(await testCpu(), folder.path, {
    evalEvery: 0,
    events: { onEvaluating: (done, images) => void progress.push([done, images]) },
  });
  // The weights, then their averages, both on 40 images in batches of 8.
  assert.deepEqual(progress, Array.from({ length: 10 }, (_, i) => [8 * (i + 1), 80]));
  assert.deepEqual(best, { step: 12, precision: averages.precision });
  assert.deepEqual((await checkpointOf(folder.path)).manifest.loop.best, best);
});

Deno.test("the learning rate drops where the precision no longer rises, in a resumed run, too", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const recipe = { ...STILL, schedule: "plateau", plateauPatience: 0, decayFactor: 0.5 } as const;
  const rates: number[] = [];
  const onLog = ({ step, learningRate }: { step: number; learningRate: number }) =>
    void (rates[step] = learningRate);
  const options = { recipe: { ...recipe, totalSteps: 15 }, logEvery: 1, events: { onLog } };
  await runTiny(device, folder.path, options);
  const [whole, half, quarter] = [1e-9, 5e-10, 2.5e-10];
  const expected = [...Array(8).fill(whole), ...Array(4).fill(half), ...Array(3).fill(quarter)];
  assert.deepEqual(rates, expected);
  for (const step of [6, 9, 12]) {
    rates.length = 0;
    await runTiny(device, folder.path, {
      ...options,
      resume: await checkpointOf(folder.path, step),
    });
    assert.deepEqual(rates.slice(step), expected.slice(step), `from step ${step}`);
  }
});

Deno.test("checkpoints come every so many seconds since the last one", async () => {
  const real = performance.now;
  let seconds = 0;
  performance.now = () => seconds * 1000;
  try {
    // A second passes with each step, when its line is logged: after it is decided what is due.
    const events = { onLog: () => void seconds++ };
    const options = { logEvery: 1, evalEvery: 0, checkpointEvery: { seconds: 3 }, events };
    assert.deepEqual((await saved(options)).written, [4, 8, 12]);
    const every = { ...options, checkpointEvery: { seconds: 5.5 } };
    assert.deepEqual((await saved(every)).written, [7, 12]);
  } finally {
    performance.now = real;
  }
});

Deno.test("the newest, every Nth and the best stay", async () => {
  const options = { recipe: STILL, evalEvery: 4, checkpointEvery: { steps: 1 } };
  assert.deepEqual((await saved({ ...options, keep: 2 })).left, [4, 11, 12]);
  assert.deepEqual((await saved({ ...options, keep: 1, keepEvery: 5 })).left, [4, 5, 10, 12]);
  assert.deepEqual((await saved({ ...options, keep: 3, evalEvery: 0 })).left, [10, 11, 12]);
});

Deno.test("every Nth is counted on by a resumed run", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const options = { evalEvery: 0, evaluations: [], checkpointEvery: { steps: 2 } };
  await runTiny(device, folder.path, { ...options, recipe: { totalSteps: 6 } });
  const resume = await checkpointOf(folder.path);
  assert.equal(resume.manifest.number, 3);
  await runTiny(device, folder.path, { ...options, resume, keep: 1, keepEvery: 4 });
  // The fourth, after step 8, and the last.
  assert.deepEqual((await listCheckpoints(folder.path)).map(({ step }) => step), [8, 12]);
});

Deno.test("a measurement cut off at the end is made up for, and changes nothing else", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  // The precision at the end drops the rate and counts for patience only if it is observed.
  const options = {
    recipe: { ...STILL, schedule: "plateau", plateauPatience: 0, decayFactor: 0.5 } as const,
    patience: 9,
    evaluations: ["test", "validation"].map((name, i) => ({
      name,
      open: () => Promise.resolve(waveImages(40, 2 + i)),
    })),
  };
  const whole = join(folder.path, "whole");
  const opened: string[] = [];
  const onEvaluation = ({ set, step }: { set: string; step: number }) => {
    opened.push(`${set} ${step}`);
  };
  const end = await runTiny(device, whole, { ...options, events: { onEvaluation } });
  assert.deepEqual(opened, ["test 4", "test 8", "test 12", "validation 12"]);
  assert.deepEqual(end.evaluations.map(({ set }) => set), ["test", "validation"]);
  const expected = await checkpointOf(whole);
  assert.deepEqual(expected.manifest.metrics.set, "test");
  for (const set of ["test", "validation"]) {
    const runDir = join(folder.path, set);
    const controller = new AbortController();
    // What was told last before the measurement that is cut off.
    const before = set === "test" ? "test 8" : "test 12";
    const onEvaluating = () => {
      if (opened.at(-1) === before) controller.abort(new InterruptedError("SIGINT"));
    };
    opened.length = 0;
    const { signal } = controller;
    const events = { onEvaluation, onEvaluating };
    const cut = await runTiny(device, runDir, { ...options, signal, events });
    assert.deepEqual([cut.end, cut.step, cut.evaluations], ["interrupted", 12, []], set);
    const last = await checkpointOf(runDir);
    assert.equal(last.manifest.loop.evaluationIsDue, true);
    const resumed = await runTiny(device, runDir, { ...options, resume: last });
    assert.deepEqual([resumed.end, resumed.step, resumed.steps], ["finished", 12, 0]);
    assert.deepEqual(resumed.evaluations, end.evaluations);
    assert.deepEqual(resumed.best, end.best);
    const { manifest } = await checkpointOf(runDir);
    const { metricsBytes: _, ...loop } = manifest.loop;
    assert.deepEqual({ ...loop, metricsBytes: 0 }, { ...expected.manifest.loop, metricsBytes: 0 });
    assert.deepEqual(manifest.metrics, expected.manifest.metrics);
  }
});

Deno.test("what a signal causes: a checkpoint that is no Nth, and a measurement that is due at the end", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  for (const [at, isDue, number] of [[0, false, 0], [4, false, 2], [11, true, 5]] as const) {
    const runDir = join(folder.path, `${at}`);
    const controller = new AbortController();
    const onLog = ({ step }: { step: number }) => {
      if (step === at) controller.abort(new InterruptedError("SIGTERM"));
    };
    const options = { evalEvery: 0, logEvery: 1, checkpointEvery: { steps: 2 } };
    const { signal } = controller;
    const cut = await runTiny(device, runDir, { ...options, signal, events: { onLog } });
    assert.deepEqual([cut.end, cut.step, cut.evaluations], ["interrupted", at + 1, []]);
    const resume = await checkpointOf(runDir);
    const { manifest } = resume;
    assert.deepEqual([manifest.loop.evaluationIsDue, manifest.number], [isDue, number], `${at}`);
    const rest = { ...options, resume, keep: 1, keepEvery: 6 };
    const { evaluations } = await runTiny(device, runDir, rest);
    assert.deepEqual(evaluations.map(({ step }) => step), [12]);
    assert.deepEqual((await listCheckpoints(runDir)).map(({ step }) => step), [12]);
    assert.equal((await checkpointOf(runDir)).manifest.loop.evaluationIsDue, false);
  }
});

Deno.test("metrics that lack lines of the steps done are told, and the run goes on", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const told: string[] = [];
  const events = { onWarning: (text: string) => void told.push(text) };
  await runTiny(device, folder.path, { recipe: { totalSteps: 6 }, events });
  const resume = await checkpointOf(folder.path);
  await Deno.truncate(join(folder.path, "metrics.jsonl"), resume.manifest.loop.metricsBytes - 1);
  const { end } = await runTiny(device, folder.path, { resume, events });
  assert.equal(end, "finished");
  assert.deepEqual(told, [`the metrics of ${folder.path} lack lines of the first 6 steps`]);
});

Deno.test("patience is counted across processes, and a run that lost it is at its end", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const options = { recipe: { ...STILL, totalSteps: 40 }, patience: 2 };
  const told: number[] = [];
  const onEvaluation = ({ step }: { step: number }) => void told.push(step);
  await runTiny(device, folder.path, { ...options, events: { onEvaluation } });
  assert.deepEqual(told, [4, 8, 12], "the last is not made twice");
  for (const step of [4, 6, 9]) {
    const resume = await checkpointOf(folder.path, step);
    const { end, step: last, steps } = await runTiny(device, folder.path, { ...options, resume });
    assert.deepEqual([end, last, steps], ["stopped", 12, 12 - step]);
  }
  const resume = await checkpointOf(folder.path);
  const again = await runTiny(device, folder.path, { ...options, resume });
  assert.deepEqual([again.end, again.steps, again.evaluations], ["stopped", 0, []]);
  // What was measured at its step stays known.
  assert.deepEqual((await checkpointOf(folder.path)).manifest.metrics, resume.manifest.metrics);
  assert.equal(resume.manifest.metrics.set, "test");
});

Deno.test("the steps before one that diverges are still told", async () => {
  await using folder = await temporaryFolder();
  const steps: number[] = [];
  const onLog = ({ losses }: { losses: readonly { step: number }[] }) =>
    steps.push(...losses.map(({ step }) => step));
  const recipe = { learningRate: 1e9, totalSteps: 100 };
  const error: Error = await runTiny(await testCpu(), folder.path, {
    recipe,
    evalEvery: 0,
    checkpointEvery: {},
    logEvery: 100,
    events: { onLog },
  }).then(() => assert.fail("no error"), (error) => error);
  const named = Number(/of step (\d+) is/.exec(error.message)?.[1] ?? assert.fail(error.message));
  assert.ok(named > 0);
  assert.deepEqual(steps, Array.from({ length: named }, (_, step) => step));
});

Deno.test("averages that are not finite are not saved, though the weights are", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  await runTiny(device, folder.path, { recipe: { totalSteps: 3 } });
  const { state, ...good } = await checkpointOf(folder.path);
  const averages = state.averages.slice();
  averages.fill(Infinity);
  const resume = { ...good, state: { ...state, averages } };
  const run = runTiny(device, folder.path, { resume, evalEvery: 0 });
  await assert.rejects(run, {
    name: "NonFiniteLossError",
    message: /^the update of step 5 is (NaN|Infinity): training has diverged$/,
    hint: /^its images are named in .*diverged-step-00000005\.json; /,
  });
  assert.deepEqual((await listCheckpoints(folder.path)).map(({ step }) => step), [3]);
});
