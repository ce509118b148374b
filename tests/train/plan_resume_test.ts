/** Where a run goes on, with which settings, and when it is over. */
import assert from "node:assert/strict";
import { dirname, join, resolve } from "node:path";
import { initialValues } from "../../src/nn/parameters.ts";
import { listCheckpoints } from "../../src/train/checkpoints/list_checkpoints.ts";
import { loadCheckpoint } from "../../src/train/checkpoints/load_checkpoint.ts";
import { FRESH_LOOP } from "../../src/train/checkpoints/loop_state.ts";
import { OPTIMIZERS } from "../../src/optim/optimizers.ts";
import type { Manifest } from "../../src/train/checkpoints/manifest.ts";
import { writeCheckpoint } from "../../src/train/checkpoints/write_checkpoint.ts";
import { parseCommandLine, parseTrainConfig, type TrainConfig } from "../../src/train/config.ts";
import { checkOptimizer, isAtEnd, planResume, type ResumePlan } from "../../src/train/resume.ts";
import { saveConfig } from "../../src/train/run_folder.ts";
import { savedRun } from "../../src/train/saved_run.ts";
import { namesIn, temporaryFolder } from "../data/helpers.ts";
import { TINY, TINY_LAYOUT, tinyRun } from "./run_support.ts";

/** What a run that was started so says of itself. */
function runOf(...line: string[]) {
  const { data, machine } = tinyRun();
  return savedRun(parseTrainConfig(line), { data, machine });
}

async function write(runDir: string, step: number, run = runOf()): Promise<string> {
  const parameters = initialValues(TINY_LAYOUT, step);
  const state = { step, lossAverage: 0, parameters, averages: parameters, optimizer: {} };
  const metrics = { loss: null, set: null, precision: null, precisionEma: null };
  const draft = { model: TINY.name, number: 1, configHash: "0", metrics, loop: FRESH_LOOP };
  const { path } = await writeCheckpoint(runDir, TINY_LAYOUT, {
    state,
    draft: { ...draft, run: run.json },
  });
  return path;
}

/** As `deno task train --resume` with these flags. */
async function plan(runDir: string, ...line: string[]): Promise<ResumePlan & { told: number[] }> {
  const invocation = parseCommandLine(["train", "--resume", "--run-dir", runDir, ...line]);
  assert.ok(invocation.command === "train");
  const told: number[] = [];
  const { config, given } = invocation;
  const found = await planResume(runDir, { config, given, onDamaged: (f) => told.push(f.step) });
  return { ...found, told };
}

Deno.test("a run goes on with its own settings, on this machine's threads, in the folder where it is", async () => {
  await using folder = await temporaryFolder();
  const started = ["--run-dir", "runs/elsewhere", "--steps", "7", "--seed", "5"];
  const threads = ["--workers", "3", "--threads", "99", "--keep", "2", "--no-flip"];
  await write(folder.path, 3, runOf(...started, ...threads));
  const { config, changes, checkpoint, run } = await plan(folder.path);
  const { steps, seed, keep, flip, runDir, resume } = config;
  assert.deepEqual([steps, seed, keep, flip, resume], [7, 5, 2, false, true]);
  assert.equal(runDir, folder.path);
  const here = parseTrainConfig([]);
  assert.deepEqual([config.workers, config.threads], [here.workers, here.threads]);
  assert.deepEqual([changes, checkpoint?.manifest.step], [[], 3]);
  assert.equal(run.config.runDir, resolve("runs/elsewhere"));
  // Without --run-dir it is the newest run's folder, wherever it was when it was started.
  const newest = await planResume(folder.path, {
    config: parseTrainConfig(["--resume"]),
    given: { resume: true },
    onDamaged: () => assert.fail("none is damaged"),
  });
  assert.deepEqual([newest.config.runDir, newest.config.seed], [folder.path, 5]);
  const given = await plan(folder.path, "--workers", "2", "--on-full", "stop", "--steps", "7");
  assert.deepEqual([given.config.workers, given.config.onFull, given.changes], [2, "stop", []]);
});

Deno.test("what is given otherwise is refused, or a change that is allowed", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, 3, runOf("--epochs", "2", "--optimizer", "momentum"));
  await assert.rejects(plan(folder.path, "--seed", "1"), {
    name: "ConfigError",
    message: `Cannot resume ${folder.path} with another config: seed 0 became 1`,
  });
  // Given as it is by default, a setting counts as given.
  await assert.rejects(
    plan(folder.path, "--optimizer", "sgd"),
    /optimizer "momentum" became "sgd"/,
  );
  await assert.rejects(
    plan(folder.path, "--steps", "9"),
    /steps 100000 became 9; epochs 2 became null/,
  );
  const allowed = await plan(folder.path, "--steps", "9", "--allow-change", "steps,epochs");
  assert.deepEqual([allowed.config.steps, allowed.config.epochs], [9, null]);
  assert.deepEqual(allowed.changes.map(({ name }) => name), ["steps", "epochs"]);
  const unused = await plan(folder.path, "--allow-change", "seed");
  assert.deepEqual([unused.changes, unused.config.epochs], [[], 2]);
  await assert.rejects(plan(folder.path, "--allow-change", "sede"), {
    message: '--allow-change names the unknown setting "sede"',
    hint: "did you mean seed?",
  });
  // What nothing would read is refused though it is allowed.
  const beta = ["--beta1", "0.5", "--allow-change", "beta1"];
  await assert.rejects(plan(folder.path, ...beta), /--beta1 is read by --optimizer adamw only/);
});

Deno.test("damaged checkpoints are set aside once it is sure that the run goes on", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, 3);
  for (const step of [5, 9]) {
    await Deno.truncate(join(await write(folder.path, step), "model.safetensors"), 10);
  }
  const before = await namesIn(join(folder.path, "checkpoints"));
  await assert.rejects(plan(folder.path, "--seed", "1"), /seed 0 became 1/);
  assert.deepEqual(await namesIn(join(folder.path, "checkpoints")), before);
  const { checkpoint, told } = await plan(folder.path);
  assert.deepEqual([checkpoint?.manifest.step, told], [3, [9, 5]]);
  assert.deepEqual((await listCheckpoints(folder.path)).map(({ step }) => step), [3]);
  const [first, ...aside] = await namesIn(join(folder.path, "checkpoints"));
  assert.equal(first, "step-00000003");
  assert.match(aside.join(" "), /^step-00000005\.damaged-\w{8} step-00000009\.damaged-\w{8}$/);
  const bytes = await Deno.readFile(
    join(folder.path, "checkpoints", aside[1], "model.safetensors"),
  );
  assert.equal(bytes.length, 10, "as it was");
  assert.deepEqual((await plan(folder.path)).told, []);
});

Deno.test("a bug is no damage: no checkpoint is set aside for it", async () => {
  await using folder = await temporaryFolder();
  for (const step of [3, 5]) await write(folder.path, step);
  const real = Deno.readFile;
  Deno.readFile = () => Promise.reject(new TypeError("a bug"));
  try {
    await assert.rejects(plan(folder.path), { name: "TypeError", message: "a bug" });
  } finally {
    Deno.readFile = real;
  }
  assert.equal((await listCheckpoints(folder.path)).length, 2);
});

Deno.test("a checkpoint that is removed while it is looked at is no damage: a newer one is there", async () => {
  await using folder = await temporaryFolder();
  for (const step of [3, 5]) await write(folder.path, step);
  const real = Deno.readTextFile;
  let isFirst = true;
  Deno.readTextFile = async (path, options) => {
    if (isFirst) {
      isFirst = false;
      await write(folder.path, 7);
      await Deno.remove(dirname(String(path)), { recursive: true });
    }
    return await real(path, options);
  };
  try {
    const { checkpoint, told } = await plan(folder.path);
    assert.deepEqual([checkpoint?.manifest.step, told], [7, []]);
  } finally {
    Deno.readTextFile = real;
  }
});

Deno.test("a change that went with a damaged checkpoint is told as undone", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, 3, runOf("--steps", "7"));
  const damaged = await write(folder.path, 5, runOf("--steps", "9"));
  await saveConfig(folder.path, runOf("--steps", "9").json);
  assert.deepEqual((await plan(folder.path)).undone, []);
  await Deno.truncate(join(damaged, "model.safetensors"), 10);
  const { undone, config } = await plan(folder.path);
  assert.deepEqual([undone, config.steps], [[{ name: "steps", before: 9, after: 7 }], 7]);
  await Deno.truncate(join(await write(folder.path, 5), "model.safetensors"), 10);
  await Deno.writeTextFile(join(folder.path, "config.json"), "{");
  assert.deepEqual((await plan(folder.path)).undone, [], "what cannot be read tells nothing");
});

Deno.test("an optimizer goes on only from the state that it needs", async () => {
  await using folder = await temporaryFolder();
  const path = await write(folder.path, 3);
  const loaded = await loadCheckpoint(path, TINY, TINY_LAYOUT);
  const { state } = loaded;
  const withState = (...names: string[]) => {
    const optimizer = Object.fromEntries(names.map((name) => [name, state.parameters]));
    return { ...loaded, state: { ...state, optimizer } };
  };
  checkOptimizer(withState(), { optimizer: "sgd", lookahead: 0 });
  checkOptimizer(withState("velocity"), { optimizer: "momentum", lookahead: 0 });
  checkOptimizer(withState("velocity"), { optimizer: "nesterov", lookahead: 0 });
  const slots = Object.keys(OPTIMIZERS).includes("adamw") ? [...OPTIMIZERS.adamw.state] : [];
  assert.equal(slots.length, 2);
  checkOptimizer(withState(...slots.reverse()), { optimizer: "adamw", lookahead: 0 });
  const refused: [string[], "sgd" | "momentum" | "adamw", RegExp][] = [
    [["velocity"], "sgd", /needs the optimizer state none, found velocity$/],
    [[], "momentum", /needs the optimizer state velocity, found none$/],
    [["velocity"], "adamw", /needs the optimizer state .*, found velocity$/],
  ];
  for (const [names, optimizer, message] of refused) {
    const hint = `start a new run from its weights: --init-from ${path}`;
    const expected = { name: "ConfigError", message, hint };
    assert.throws(() => checkOptimizer(withState(...names), { optimizer, lookahead: 0 }), expected);
  }
});

Deno.test("without a checkpoint the config in the folder counts, with one it does not", async () => {
  await using folder = await temporaryFolder();
  await assert.rejects(plan(folder.path), /^DataError: Cannot find .*config\.json/);
  await saveConfig(folder.path, runOf("--seed", "5").json);
  const fresh = await plan(folder.path);
  assert.deepEqual([fresh.config.seed, fresh.checkpoint], [5, undefined]);
  await write(folder.path, 3, runOf("--seed", "6"));
  assert.equal((await plan(folder.path)).config.seed, 6);
  await Deno.writeTextFile(join(folder.path, "config.json"), "{");
  assert.equal((await plan(folder.path)).config.seed, 6);
});

Deno.test("a run is at its end at its last step, or where it stopped early", () => {
  const at = (step: number, sinceBest: number, changes: Partial<TrainConfig>): boolean => {
    const manifest = { step, loop: { ...FRESH_LOOP, sinceBest } } as Manifest;
    return isAtEnd(manifest, { ...parseTrainConfig(["--steps", "10"]), ...changes }, 1280);
  };
  assert.deepEqual([9, 10, 11].map((step) => at(step, 0, {})), [false, true, true]);
  // 1,280 images are ten batches of 128: two epochs are twenty steps.
  assert.deepEqual([10, 19, 20].map((step) => at(step, 0, { epochs: 2 })), [false, false, true]);
  assert.deepEqual([1, 2, 3].map((n) => at(5, n, { patience: 2 })), [false, true, true]);
  assert.equal(at(5, 9, {}), false, "without patience nothing stops it early");
});
