/** Checkpoints: what is written is read back exactly, and nothing damaged or half-written is ever used. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors } from "../../../src/formats/safetensors.ts";
import { initialValues, parameterLayout } from "../../../src/nn/parameters.ts";
import { FRESH_LOOP } from "../../../src/train/checkpoints/loop_state.ts";
import {
  checkpointPath,
  checkpointsFolder,
  listCheckpoints,
} from "../../../src/train/checkpoints/list_checkpoints.ts";
import {
  loadCheckpoint,
  newestCheckpoint,
  verifyCheckpoint,
} from "../../../src/train/checkpoints/load_checkpoint.ts";
import { removeOldCheckpoints } from "../../../src/train/checkpoints/retention.ts";
import {
  type ManifestDraft,
  rewriteManifest,
  writeCheckpoint,
} from "../../../src/train/checkpoints/write_checkpoint.ts";
import type { TrainerState } from "../../../src/train/trainer.ts";
import { DataError, UserError } from "../../../src/util/errors.ts";
import { namesIn, sha256, temporaryFolder } from "../../data/helpers.ts";
import { TINY, TINY_LAYOUT, tinyRun } from "../run_support.ts";
import { tinyModel } from "../support.ts";

const FILES = ["ema.safetensors", "manifest.json", "model.safetensors", "optimizer.safetensors"];

function stateAt(step: number): TrainerState {
  const [parameters, averages, velocity] = [0, 1000, 2000].map((shift) =>
    initialValues(TINY_LAYOUT, step + shift)
  );
  return { step, lossAverage: 0.1 + 0.2, parameters, averages, optimizer: { velocity } };
}

function draftOf(changes: Partial<ManifestDraft> = {}): ManifestDraft {
  return {
    model: TINY.name,
    number: 1,
    configHash: "0",
    metrics: { loss: 1 / 3, set: null, precision: null, precisionEma: null },
    loop: { ...FRESH_LOOP, lossAverage: 0.1 + 0.2, window: [1 / 7, 4.9e-324] },
    run: JSON.parse(JSON.stringify(tinyRun().json)),
    ...changes,
  };
}

async function write(runDir: string, state: TrainerState, draft = draftOf()): Promise<string> {
  return (await writeCheckpoint(runDir, TINY_LAYOUT, { state, draft })).path;
}

/** The error of loading a checkpoint: one line, with a fix. */
async function loadError(path: string): Promise<UserError> {
  const error = await loadCheckpoint(path, TINY, TINY_LAYOUT).then(
    () => assert.fail("no error"),
    (e) => e,
  );
  assert.ok(error instanceof UserError, String(error));
  assert.ok(!error.message.includes("\n"), "the message is one line");
  assert.notEqual(error.hint, "", error.message);
  assert.ok(!error.message.includes("undefined"), error.message);
  return error;
}

Deno.test("a checkpoint is read back bit for bit, edges of float32 and float64 included", async () => {
  await using run = await temporaryFolder();
  const written = stateAt(2000);
  written.parameters.set([-0, 1e-45, 3.4028234663852886e38, -1.1754943508222875e-38]);
  const path = await write(run.path, written);
  assert.equal(path, join(run.path, "checkpoints", "step-00002000"));
  assert.deepEqual(await namesIn(path), FILES);
  const { state, manifest } = await loadCheckpoint(path, TINY, TINY_LAYOUT);
  assert.deepEqual(state, written);
  const { files: _, step, ...draft } = manifest;
  assert.equal(step, 2000);
  assert.deepEqual(draft, draftOf());
});

Deno.test("files hold the model's own names and shapes; without optimizer state there is no such file", async () => {
  await using run = await temporaryFolder();
  const path = await write(run.path, stateAt(7));
  const names = TINY_LAYOUT.specs.map(({ name }) => name).sort();
  for (const file of ["model.safetensors", "ema.safetensors"]) {
    const { tensors, metadata } = await readSafetensors(join(path, file));
    assert.deepEqual(Object.keys(tensors).sort(), names);
    assert.deepEqual(tensors["conv/weights"].shape, [3, 3, 3, 8]);
    assert.deepEqual(metadata, { format: "kiln-checkpoint", model: "tiny", step: "7" });
  }
  const { tensors } = await readSafetensors(join(path, "optimizer.safetensors"));
  assert.deepEqual(Object.keys(tensors).sort(), names.map((name) => `velocity/${name}`));
  const plain = await write(run.path, { ...stateAt(8), optimizer: {} });
  assert.deepEqual(await namesIn(plain), FILES.slice(0, 3));
});

Deno.test("one changed bit in a file of tensors is an error that names the file and both sums", async () => {
  await using run = await temporaryFolder();
  const path = await write(run.path, stateAt(1));
  for (const name of FILES.filter((file) => file.endsWith(".safetensors"))) {
    const file = join(path, name);
    const bytes = await Deno.readFile(file);
    for (const at of [0, 9, bytes.length >> 1, bytes.length - 1]) {
      bytes[at] ^= 1;
      await Deno.writeFile(file, bytes);
      const error = await loadError(path);
      assert.ok(error instanceof DataError);
      assert.match(
        error.message,
        /expected \d+ bytes with sha256 \w{64}, found \d+ bytes with \w{64}/,
      );
      assert.ok(error.message.includes(file));
      bytes[at] ^= 1;
    }
    await Deno.writeFile(file, bytes);
  }
  await verifyCheckpoint(path);
});

Deno.test("no bit of a manifest can change unseen", async () => {
  await using run = await temporaryFolder();
  const path = await write(run.path, stateAt(1));
  const file = join(path, "manifest.json");
  const text = await Deno.readFile(file);
  const { parseManifest } = await import("../../../src/train/checkpoints/manifest.ts");
  assert.equal(parseManifest(new TextDecoder().decode(text), "it").step, 1);
  for (let at = 0; at < text.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      text[at] ^= 1 << bit;
      assert.throws(() => parseManifest(new TextDecoder().decode(text), "it"), DataError);
      text[at] ^= 1 << bit;
    }
  }
});

Deno.test("a truncated, missing or foreign file is an error that names it", async () => {
  await using run = await temporaryFolder();
  const path = await write(run.path, stateAt(1));
  const model = join(path, "model.safetensors");
  await Deno.truncate(model, 100);
  assert.match(
    (await loadError(path)).message,
    /model\.safetensors: expected \d+ bytes .* found 100/,
  );
  await Deno.remove(model);
  assert.match((await loadError(path)).message, /model\.safetensors: no such file/);
  const manifest = join(path, "manifest.json");
  for (const text of ["", "{", "null", "[]", '"text"', "{}", '{"sha256": "0"}']) {
    await Deno.writeTextFile(manifest, text);
    const error = await loadError(path);
    assert.ok(error instanceof DataError && error.message.includes(path), error.message);
  }
  await Deno.writeTextFile(manifest, '{"format": 1}');
  assert.match((await loadError(path)).message, /expected checkpoint format 2, found 1/);
  await Deno.remove(manifest);
  assert.match((await loadError(path)).message, /manifest\.json: no such file/);
});

Deno.test("a checkpoint of another model, or of other shapes, is an error that says so", async () => {
  await using run = await temporaryFolder();
  const other = await write(run.path, stateAt(1), draftOf({ model: "other" }));
  assert.match((await loadError(other)).message, /expected model tiny, found other/);
  const path = await write(run.path, stateAt(2));
  const wide = parameterLayout(tinyModel(16).parameters);
  await assert.rejects(
    loadCheckpoint(path, TINY, wide),
    /model\.safetensors: expected dense\/weights as F32 \[512, 10\], found F32 \[1152, 10\]/,
  );
});

Deno.test("the newest good checkpoint is taken, and each damaged one before it is told", async () => {
  await using run = await temporaryFolder();
  const none = (path: string) => newestCheckpoint(path, () => assert.fail("none is damaged"));
  await assert.rejects(none(run.path), { name: "UserError", message: /no checkpoint found in/ });
  for (const step of [900, 123_456_789, 1000]) await write(run.path, stateAt(step));
  const folder = checkpointsFolder(run.path);
  await Deno.mkdir(join(folder, ".step-99999999999.0a1b2c3d.tmp"));
  await Deno.mkdir(join(folder, "step-last"));
  await Deno.mkdir(join(folder, "step-00000005.damaged-0a1b2c3d"));
  await Deno.writeTextFile(join(folder, "step-99999999999"), "a file");
  assert.deepEqual(
    (await listCheckpoints(run.path)).map(({ step }) => step),
    [900, 1000, 123_456_789],
  );
  assert.equal((await none(run.path)).path, checkpointPath(run.path, 123_456_789));
  await Deno.remove(join(checkpointPath(run.path, 123_456_789), "manifest.json"));
  await Deno.truncate(join(checkpointPath(run.path, 1000), "ema.safetensors"), 8);
  const damaged: number[] = [];
  const found = await newestCheckpoint(run.path, ({ step }) => damaged.push(step));
  assert.deepEqual([found.manifest.step, ...damaged], [900, 123_456_789, 1000]);
});

Deno.test("of many checkpoints the newest, the best and every Nth stay", async () => {
  await using run = await temporaryFolder();
  for (let i = 1; i <= 12; i++) {
    await write(run.path, stateAt(10 * i), draftOf({ number: i }));
    await removeOldCheckpoints(run.path, 10 * i, {
      keep: 2,
      keepEvery: 5,
      best: i < 3 ? null : 30,
    });
  }
  const steps = (await listCheckpoints(run.path)).map(({ step }) => step);
  assert.deepEqual(steps, [30, 50, 100, 110, 120]);
  const names = await namesIn(checkpointsFolder(run.path));
  assert.equal(names.length, steps.length, "nothing else is left");
});

Deno.test("later checkpoints, of another course of the run, do not count among the newest", async () => {
  await using run = await temporaryFolder();
  for (const step of [10, 30, 40, 20]) await write(run.path, stateAt(step));
  await removeOldCheckpoints(run.path, 20, { keep: 1, keepEvery: 0, best: null });
  assert.deepEqual((await listCheckpoints(run.path)).map(({ step }) => step), [20, 30, 40]);
});

Deno.test("a checkpoint of another version, or that cannot be read, is not passed over as damaged", async () => {
  await using run = await temporaryFolder();
  await write(run.path, stateAt(1));
  const path = await write(run.path, stateAt(2));
  const file = join(path, "manifest.json");
  const { sha256: _, ...body } = JSON.parse(await Deno.readTextFile(file));
  const text = (json: unknown) => JSON.stringify(json, null, 2) + "\n";
  const newer = { ...body, format: 3 };
  await Deno.writeTextFile(
    file,
    text({ ...newer, sha256: sha256(new TextEncoder().encode(text(newer))) }),
  );
  const newest = newestCheckpoint(run.path, () => assert.fail("it is not damaged"));
  await assert.rejects(newest, {
    name: "UserError",
    message: /expected checkpoint format 2, found 3/,
  });
  const real = Deno.readTextFile;
  Deno.readTextFile = () => Promise.reject(Object.assign(new Error("I/O error"), { code: "EIO" }));
  try {
    await assert.rejects(
      newestCheckpoint(run.path, () => assert.fail("it is not damaged")),
      { name: "UserError", message: /read or write error/ },
    );
  } finally {
    Deno.readTextFile = real;
  }
});

Deno.test("a checkpoint of the same step is replaced; its manifest alone can be, too", async () => {
  await using run = await temporaryFolder();
  await write(run.path, stateAt(5));
  const changed = { ...stateAt(6), step: 5 };
  const path = await write(run.path, changed);
  const { state, manifest } = await loadCheckpoint(path, TINY, TINY_LAYOUT);
  assert.deepEqual(state, changed);
  const metrics = { loss: 1, set: "test", precision: 0.25, precisionEma: 0.5 };
  await rewriteManifest(path, { ...manifest, metrics });
  const again = await loadCheckpoint(path, TINY, TINY_LAYOUT);
  assert.deepEqual(again.manifest, { ...manifest, metrics });
  assert.deepEqual(again.state, changed);
  assert.deepEqual(await namesIn(checkpointsFolder(run.path)), ["step-00000005"]);
});

Deno.test("a write that fails leaves nothing behind, and earlier checkpoints as they were", async () => {
  await using run = await temporaryFolder();
  const earlier = await write(run.path, stateAt(1));
  const real = Deno.rename;
  // The disk fills up when all but the last rename is done.
  Deno.rename = (from, to) => {
    if (!String(to).endsWith("step-00000002")) return real(from, to);
    return Promise.reject(Object.assign(new Error("No space left on device"), { code: "ENOSPC" }));
  };
  try {
    await assert.rejects(write(run.path, stateAt(2)), {
      name: "UserError",
      message: /^Cannot write .*step-00000002: no space left/,
      hint: /free some space/,
    });
  } finally {
    Deno.rename = real;
  }
  assert.deepEqual(await namesIn(checkpointsFolder(run.path)), ["step-00000001"]);
  assert.deepEqual((await loadCheckpoint(earlier, TINY, TINY_LAYOUT)).state, stateAt(1));
});
