/** Every mistake on the command line: one line that says what, one with the fix, an exit code, no stack trace. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CIFAR10_FILES } from "../src/data/datasets/cifar10.ts";
import { initialValues, parameterLayout } from "../src/nn/parameters.ts";
import { referenceCnn } from "../src/nn/models/reference.ts";
import { listCheckpoints } from "../src/train/checkpoints/list_checkpoints.ts";
import { loadCheckpoint } from "../src/train/checkpoints/load_checkpoint.ts";
import { FRESH_LOOP } from "../src/train/checkpoints/loop_state.ts";
import { writeCheckpoint } from "../src/train/checkpoints/write_checkpoint.ts";
import { assertMistake, DATA_DIR, ensureData, kiln } from "./cli_support.ts";
import { namesIn, temporaryFolder } from "./data/helpers.ts";
import { tinyRun } from "./train/run_support.ts";

/** Command lines that are wrong by themselves: exit code 2. */
const WRONG_LINES: readonly [line: string, error: RegExp, hint: RegExp][] = [
  ["trian", /unknown command "trian": expected one of train, eval/, /did you mean train\?/],
  ["train --stepz 3", /unknown flag --stepz/, /did you mean --steps\?/],
  ["eval --steps 3", /unknown flag --steps for eval/, /train/],
  ["train --steps 0", /--steps must be an integer of at least 1: found "0"/, /--steps \d/],
  ["train --batch-size 1.5", /--batch-size must be an integer .*found "1\.5"/, /--batch-size/],
  ["train --learning-rate nan", /--learning-rate must be .*found "nan"/, /--learning-rate/],
  [
    "train --device tpu",
    /--device must be one of auto, gpu, software, cpu: found "tpu"/,
    /did you mean gpu\?/,
  ],
  ["train --steps 3 --epochs 2", /--epochs.*--steps|--steps.*--epochs/, /./],
  ["train now", /now/, /./],
];

for (const [line, error, hint] of WRONG_LINES) {
  Deno.test(`${line}: exit code 2`, async () => {
    assertMistake(await kiln(line.split(" ")), { code: 2, error, hint });
  });
}

Deno.test("an environment variable out of range: exit code 2", async () => {
  await ensureData();
  await using folder = await temporaryFolder();
  const run = await kiln(["train", "--run-dir", join(folder.path, "run")], { KILN_ADAPTER: "tpu" });
  assertMistake(run, {
    code: 2,
    error: /KILN_ADAPTER must be one of .*"tpu"/,
    hint: /KILN_ADAPTER/,
  });
});

/** A data folder in which all files are right but one. */
async function damagedData(
  folder: string,
  damage: (path: string) => Promise<void>,
): Promise<string> {
  await ensureData();
  for (const { name } of CIFAR10_FILES.train) {
    await Deno.symlink(join(DATA_DIR, name), join(folder, name));
  }
  const path = join(folder, "test_batch.bin");
  await Deno.copyFile(join(DATA_DIR, "test_batch.bin"), path);
  await damage(path);
  return path;
}

async function flipBit(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const byte = new Uint8Array(1);
  await file.seek(12_345_678, Deno.SeekMode.Start);
  await file.read(byte);
  byte[0] ^= 4;
  await file.seek(12_345_678, Deno.SeekMode.Start);
  await file.write(byte);
}

const DAMAGES: readonly [what: string, damage: (path: string) => Promise<void>, error: RegExp][] = [
  ["truncated", (path) => Deno.truncate(path, 30_729_999), /truncated: expected 30730000 bytes/],
  ["too long", (path) => Deno.truncate(path, 30_730_001), /too long: expected 30730000 bytes/],
  ["corrupted", flipBit, /corrupted: expected sha256 8e2eb146[0-9a-f]+, found [0-9a-f]{64}$/],
];

for (const [what, damage, error] of DAMAGES) {
  Deno.test(`a data file that is ${what} never trains`, async () => {
    await using folder = await temporaryFolder();
    const path = await damagedData(folder.path, damage);
    const runDir = join(folder.path, "run");
    const outcome = await kiln(["train", "--data-dir", folder.path, "--run-dir", runDir]);
    assertMistake(outcome, { code: 1, error, hint: /delete it and run: deno task data/ });
    assert.ok(outcome.err.includes(path), "the file is named");
    assert.deepEqual(await namesIn(join(runDir, "checkpoints")), []);
  });
}

Deno.test("data that is missing and cannot be had", async () => {
  await using folder = await temporaryFolder();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("gone", { status: 404 }),
  );
  const url = `http://127.0.0.1:${server.addr.port}/cifar-10-binary.tar.gz`;
  const dataDir = join(folder.path, "data");
  const outcome = await kiln(["data", "--data-dir", dataDir, "--data-url", url]);
  assertMistake(outcome, { code: 1, error: /404/, hint: /--data-url/ });
  assert.ok(outcome.err.includes(url));
  const bad = await kiln(["data", "--data-dir", dataDir, "--data-url", "no url"]);
  assertMistake(bad, { code: 2, error: /Cannot download no url: expected a URL/, hint: /https:/ });
});

const NO_DRIVER = { VK_DRIVER_FILES: "/nonexistent", DENO_WEBGPU_BACKEND: "vulkan" };

Deno.test("no adapter: the hint names the set-up, and the run folder stays free", async () => {
  await ensureData();
  await using folder = await temporaryFolder();
  const outcome = await kiln(
    ["train", "--device", "software", "--run-dir", folder.path],
    NO_DRIVER,
  );
  assertMistake(outcome, {
    code: 1,
    error: /no software WebGPU adapter found/,
    hint: /deno task setup/,
  });
  assert.deepEqual(await namesIn(folder.path), [".lock", "checkpoints"]);
  const doctor = await kiln(["doctor", "--device", "software"], NO_DRIVER);
  assert.equal(doctor.code, 1);
  assert.match(doctor.out, /no software WebGPU adapter found/);
  assert.match(doctor.out, /deno task setup/);
});

Deno.test("a batch too large: the hint names one that fits, and the run folder stays free", async () => {
  await ensureData();
  await using folder = await temporaryFolder();
  for (const device of ["software", "cpu"]) {
    const outcome = await kiln(
      ["train", "--batch-size", "65536", "--device", device, "--run-dir", folder.path],
    );
    assertMistake(outcome, {
      code: 1,
      error: /limit for one buffer is \d+ bytes: it needs \d+/,
      hint: /--batch-size \d+ fits/,
    });
    assert.ok(!(await namesIn(folder.path)).includes("config.json"));
  }
});

Deno.test("a run folder that cannot be made, or that holds a run", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "file");
  await Deno.writeTextFile(file, "");
  const under = await kiln(["train", "--run-dir", join(file, "run")]);
  assertMistake(under, { code: 1, error: /Cannot create .*is a file, not a folder/, hint: /path/ });
  await Deno.writeTextFile(join(folder.path, "config.json"), "{}");
  const used = await kiln(["train", "--run-dir", folder.path]);
  assertMistake(used, { code: 1, error: /holds one already/, hint: /another --run-dir/ });
});

Deno.test("eval without a run, without a checkpoint, or with a damaged one", async () => {
  await ensureData();
  await using folder = await temporaryFolder();
  const none = await kiln(["eval", "--run-dir", folder.path]);
  assertMistake(none, {
    code: 1,
    error: /no checkpoint found in .*checkpoints/,
    hint: /train first/,
  });
  const layout = parameterLayout(referenceCnn.parameters);
  const parameters = initialValues(layout, 1);
  const { path } = await writeCheckpoint(folder.path, layout, {
    state: { step: 1, lossAverage: 0, parameters, averages: parameters, optimizer: {} },
    draft: {
      model: referenceCnn.name,
      number: 1,
      configHash: "0",
      metrics: { loss: null, set: null, precision: null, precisionEma: null },
      loop: FRESH_LOOP,
      run: tinyRun().json,
    },
  });
  await Deno.truncate(join(path, "ema.safetensors"), 1000);
  const damaged = await kiln(["eval", "--checkpoint", path]);
  assertMistake(damaged, {
    code: 1,
    error: /ema\.safetensors: expected \d+ bytes with sha256 .* found 1000 bytes/,
    hint: /earlier checkpoint/,
  });
  const all = await kiln(["eval", "--run-dir", folder.path]);
  assert.equal(all.code, 1);
  assert.match(all.err, /ema\.safetensors: expected .* found 1000 bytes; taking an earlier one$/m);
  assert.match(all.err, /^error: no checkpoint found in .*: all 1 are damaged$/m);
});

Deno.test("a loss that diverges stops the run and names the step; what was saved stays", async () => {
  await ensureData();
  await using folder = await temporaryFolder();
  const outcome = await kiln([
    ..."train --steps 60 --batch-size 4 --learning-rate 1e6 --log-every 1".split(" "),
    ..."--checkpoint-every 1 --run-dir".split(" "),
    folder.path,
  ]);
  assertMistake(outcome, {
    code: 1,
    error: /step \d+ .*training has diverged/,
    hint: /smaller --learning-rate; checkpoints that were written are intact/,
  });
  const all = await listCheckpoints(folder.path);
  const layout = parameterLayout(referenceCnn.parameters);
  assert.ok(all.length > 0, "the test needs a checkpoint before the end");
  for (const { path, step } of all) {
    const { state } = await loadCheckpoint(path, referenceCnn, layout);
    assert.ok(state.parameters.every(Number.isFinite), `step ${step}`);
  }
});
