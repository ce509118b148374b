/** A disk that is full for a while, or to the end: what is told, what stays, and when it ends the run. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readMetrics } from "../../src/report/metrics.ts";
import { listCheckpoints } from "../../src/train/checkpoints/list_checkpoints.ts";
import { InterruptedError } from "../../src/train/interrupt.ts";
import { UserError } from "../../src/util/errors.ts";
import { namesIn, temporaryFolder } from "../data/helpers.ts";
import { testCpu } from "../support.ts";
import { checkpointOf, runTiny, type TinyOptions } from "./run_support.ts";

/** Weights that hardly move: no measurement after the first is better. */
const STILL = { learningRate: 1e-9 };

/** The disk is full for checkpoints of some steps, or only their manifests: their last rename fails. */
async function withFullDisk<T>(
  isFull: (step: number) => boolean,
  body: () => Promise<T>,
  pattern = /step-(\d{8})$/,
) {
  const real = Deno.rename;
  Deno.rename = (from, to) => {
    const step = pattern.exec(String(to))?.[1];
    if (step === undefined || !isFull(Number(step))) return real(from, to);
    return Promise.reject(Object.assign(new Error("No space left"), { code: "ENOSPC" }));
  };
  try {
    return await body();
  } finally {
    Deno.rename = real;
  }
}

Deno.test("a full disk is told with the last good step, and leaves no trace in metrics or the best", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const told: [number, number | undefined, boolean][] = [];
  const onDiskFull = (error: UserError, step: number, last: number | undefined) =>
    void told.push([step, last, /no space left/.test(error.message)]);
  const options = { recipe: STILL, events: { onDiskFull } };
  const result = await withFullDisk(
    (step) => step === 3 || step === 4 || step === 9,
    () => runTiny(device, folder.path, options),
  );
  assert.deepEqual(told, [[3, undefined, true], [4, undefined, true], [9, 8, true]]);
  // That of step 4 is not there to go back to: the next as good is the best.
  assert.deepEqual([result.end, result.best?.step], ["finished", 8]);
  assert.deepEqual((await listCheckpoints(folder.path)).map(({ step }) => step), [6, 8, 12]);
  assert.equal((await checkpointOf(folder.path)).manifest.number, 3);
  const lines = readMetrics(join(folder.path, "metrics.jsonl"));
  const named = lines.filter(({ kind }) => kind === "checkpoint").map(({ step }) => step);
  assert.deepEqual(named, [6, 8, 12]);
  assert.equal((await namesIn(join(folder.path, "checkpoints"))).length, 3, "nothing else is left");
});

Deno.test("a full disk ends the run where that was asked for, and always at its end", async () => {
  const device = await testCpu();
  const cases: [string, TinyOptions, (step: number) => boolean, RegExp][] = [
    ["stop", { onFull: "stop" }, (step) => step === 6, /^step 4 is safe; free some space, then: /],
    ["stop", { onFull: "stop" }, () => true, /^there is no checkpoint yet; free some space/],
    ["continue", {}, (step) => step === 12, /^step 9 is safe; .*deno task train --resume/],
  ];
  for (const [onFull, options, isFull, hint] of cases) {
    await using folder = await temporaryFolder();
    const told: number[] = [];
    const events = { onDiskFull: (_: UserError, step: number) => void told.push(step) };
    const run = () => runTiny(device, folder.path, { ...options, events });
    const error = await withFullDisk(isFull, () => run().then(() => assert.fail(), (e) => e));
    assert.ok(error instanceof UserError, `${onFull}: ${error}`);
    assert.match(error.message, /^Cannot write .*no space left$/);
    assert.match(error.hint, hint);
    assert.ok(error.hint.endsWith(`--run-dir ${folder.path}`), error.hint);
    assert.deepEqual(told, [], "what ends the run is not told as what it goes on after");
  }
  // An interrupted run that cannot be saved says so, too.
  await using folder = await temporaryFolder();
  const controller = new AbortController();
  const onLog = () => controller.abort(new InterruptedError("SIGINT"));
  const options = { signal: controller.signal, events: { onLog } };
  await assert.rejects(withFullDisk(() => true, () => runTiny(device, folder.path, options)), {
    message: /no space left$/,
    hint: /^there is no checkpoint yet/,
  });
});

Deno.test("what is no full disk ends the run whatever was asked for", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const real = Deno.rename;
  Deno.rename = () => Promise.reject(Object.assign(new Error("x"), { code: "EROFS" }));
  try {
    const events = { onDiskFull: () => assert.fail("it is not full") };
    const run = runTiny(device, folder.path, { events });
    await assert.rejects(run, { message: /file system is read-only$/ });
  } finally {
    Deno.rename = real;
  }
});

Deno.test("after a failure it is waited for as long as after a checkpoint", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const real = performance.now;
  let seconds = 0;
  performance.now = () => seconds * 1000;
  const told: number[] = [];
  const events = {
    onLog: () => void seconds++,
    onDiskFull: (_: UserError, step: number) => void told.push(step),
  };
  const options = { logEvery: 1, evalEvery: 0, checkpointEvery: { seconds: 3 }, events };
  try {
    await withFullDisk((step) => step < 8, () => runTiny(device, folder.path, options));
  } finally {
    performance.now = real;
  }
  assert.deepEqual(told, [4]);
  assert.deepEqual((await listCheckpoints(folder.path)).map(({ step }) => step), [8, 12]);
});

const MANIFEST = /step-(\d{8})\/manifest\.json$/;

Deno.test("a manifest that cannot be replaced loses nothing: its checkpoint is there", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const controller = new AbortController();
  const told: number[] = [];
  const onDiskFull = (_: UserError, step: number) => void told.push(step);
  // Called off in the measurement that is due with the checkpoint of its step.
  const onEvaluating = () => controller.abort(new InterruptedError("SIGINT"));
  const options = { recipe: STILL, checkpointEvery: {}, events: { onDiskFull } };
  const { signal } = controller;
  const events = { onDiskFull, onEvaluating };
  const cut = await runTiny(device, folder.path, { ...options, signal, events });
  assert.deepEqual([cut.end, cut.step], ["interrupted", 4]);
  const resume = await checkpointOf(folder.path);
  const end = await withFullDisk(
    (step) => step === 4,
    () => runTiny(device, folder.path, { ...options, resume }),
    MANIFEST,
  );
  assert.deepEqual(told, [4]);
  assert.deepEqual([end.end, end.best?.step], ["finished", 4], "it can be gone back to");
  // The same at the end: the weights are safe, the measurement is made up for by --resume.
  const last = join(folder.path, "last");
  told.length = 0;
  const finished = await withFullDisk(() => true, () => runTiny(device, last, options), MANIFEST);
  assert.deepEqual([finished.end, told], ["finished", [12]]);
  assert.equal((await checkpointOf(last)).manifest.loop.evaluationIsDue, true);
});

Deno.test("a signal right after a checkpoint ends the run, though its manifest cannot be replaced", async () => {
  const device = await testCpu();
  await using folder = await temporaryFolder();
  const controller = new AbortController();
  const onCheckpoint = () => controller.abort(new InterruptedError("SIGINT"));
  const options = { signal: controller.signal, events: { onCheckpoint } };
  const run = () => runTiny(device, folder.path, options);
  const { end, step } = await withFullDisk(() => true, run, MANIFEST);
  assert.deepEqual([end, step], ["interrupted", 3]);
});
