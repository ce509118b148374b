/** Checkpoints: what is written is read back exactly, and nothing damaged or half-written is ever used. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors } from "../../src/formats/safetensors.ts";
import type { Model } from "../../src/nn/model.ts";
import { referenceCnn } from "../../src/nn/models/reference.ts";
import { initialValues, parameterLayout } from "../../src/nn/parameters.ts";
import {
  type Checkpoint,
  newestCheckpoint,
  readCheckpoint,
  writeCheckpoint,
} from "../../src/train/checkpoint.ts";
import { claimRunFolder, newestRun, saveConfig } from "../../src/train/run_folder.ts";
import { DataError, UserError } from "../../src/util/errors.ts";
import { namesIn, sha256, temporaryFolder } from "../data/helpers.ts";
import { tinyModel } from "./support.ts";

const tiny = tinyModel(8);
const layout = parameterLayout(tiny.parameters);

function checkpointAt(step: number): Checkpoint {
  const parameters = initialValues(layout, step);
  return { step, parameters, averages: initialValues(layout, step + 1000) };
}

function write(runDir: string, step: number, model: Model = tiny): Promise<string> {
  return writeCheckpoint(runDir, model, layout, checkpointAt(step));
}

/** The error of reading a checkpoint: one line, with a fix. */
async function readError(path: string): Promise<UserError> {
  const error = await readCheckpoint(path, tiny, layout).then(
    () => assert.fail("no error"),
    (e) => e,
  );
  assert.ok(error instanceof UserError, String(error));
  assert.ok(!error.message.includes("\n"), "the message is one line");
  assert.notEqual(error.hint, "", error.message);
  return error;
}

Deno.test("a checkpoint is read back bit for bit, edges of float32 included", async () => {
  await using run = await temporaryFolder();
  const written = checkpointAt(2000);
  written.parameters.set([-0, 1e-45, 3.4028234663852886e38, -1.1754943508222875e-38]);
  const path = await writeCheckpoint(run.path, tiny, layout, written);
  assert.equal(path, join(run.path, "checkpoints", "step-00002000"));
  assert.deepEqual(await readCheckpoint(path, tiny, layout), written);
  assert.deepEqual(await namesIn(path), ["manifest.json", "state.safetensors"]);
});

Deno.test("the tensors have the original's names and shapes", async () => {
  await using run = await temporaryFolder();
  const reference = parameterLayout(referenceCnn.parameters);
  const parameters = initialValues(reference, 1);
  const checkpoint = { step: 7, parameters, averages: parameters };
  const path = await writeCheckpoint(run.path, referenceCnn, reference, checkpoint);
  const { tensors, metadata } = await readSafetensors(join(path, "state.safetensors"));
  const layers = ["conv1", "conv2", "local3", "local4", "softmax_linear"];
  const names = layers.flatMap((layer) =>
    ["weights", "biases"].flatMap((part) => [
      `${layer}/${part}`,
      `${layer}/${part}/ExponentialMovingAverage`,
    ])
  );
  assert.deepEqual(Object.keys(tensors).sort(), names.sort());
  assert.deepEqual(tensors["conv1/weights"].shape, [5, 5, 3, 64]);
  assert.deepEqual(tensors["local3/weights/ExponentialMovingAverage"].shape, [2304, 384]);
  assert.deepEqual(metadata, { format: "kiln-checkpoint", model: "reference", step: "7" });
});

Deno.test("one changed bit is an error that names the file, the expected and the found sum", async () => {
  await using run = await temporaryFolder();
  const state = join(await write(run.path, 1), "state.safetensors");
  const bytes = await Deno.readFile(state);
  const right = sha256(bytes);
  bytes[bytes.length - 100] ^= 1;
  await Deno.writeFile(state, bytes);
  const error = await readError(join(run.path, "checkpoints/step-00000001"));
  assert.ok(error instanceof DataError);
  for (const part of [state, right, sha256(bytes)]) assert.ok(error.message.includes(part), part);
  assert.match(error.hint, /earlier checkpoint/);
});

Deno.test("a truncated or missing file of tensors is an error that names it", async () => {
  await using run = await temporaryFolder();
  const path = await write(run.path, 1);
  const state = join(path, "state.safetensors");
  await Deno.truncate(state, 100);
  assert.match(
    (await readError(path)).message,
    /state\.safetensors: expected \d+ bytes .* found 100/,
  );
  await Deno.remove(state);
  assert.match((await readError(path)).message, /state\.safetensors: no such file/);
});

Deno.test("a missing or damaged manifest is an error that names it", async () => {
  await using run = await temporaryFolder();
  const path = await write(run.path, 1);
  const manifest = join(path, "manifest.json");
  const good = JSON.parse(await Deno.readTextFile(manifest));
  const texts = ["", "{", "null", "[]", '"text"', "{}"];
  for (
    const change of [{ format: 2 }, { step: "1" }, { step: -1 }, { files: null }, { files: {} }]
  ) {
    texts.push(JSON.stringify({ ...good, ...change }));
  }
  texts.push(JSON.stringify({ ...good, model: undefined }));
  for (const text of texts) {
    await Deno.writeTextFile(manifest, text);
    const error = await readError(path);
    assert.ok(error instanceof DataError, text);
    assert.ok(error.message.includes(path), `${text}: ${error.message}`);
    assert.ok(!error.message.includes("undefined"), `${text}: ${error.message}`);
  }
  await Deno.remove(manifest);
  assert.match((await readError(path)).message, /manifest\.json: no such file/);
  assert.match((await readError(join(run.path, "nothing"))).message, /nothing.*no such file/);
});

Deno.test("a checkpoint of another model, or of other shapes, is an error that says so", async () => {
  await using run = await temporaryFolder();
  const other = await write(run.path, 1, { ...tiny, name: "other" });
  assert.match((await readError(other)).message, /expected model tiny, found other/);
  const path = await write(run.path, 2);
  const wide = parameterLayout(tinyModel(16).parameters);
  await assert.rejects(
    readCheckpoint(path, tiny, wide),
    /expected dense\/weights as F32 \[512, 10\], found F32 \[128, 10\]/,
  );
});

Deno.test("the newest checkpoint is the one with the most steps; unfinished ones do not count", async () => {
  await using run = await temporaryFolder();
  await assert.rejects(newestCheckpoint(run.path), { name: "UserError", message: /no checkpoint/ });
  for (const step of [900, 123_456_789, 1000]) await write(run.path, step);
  const folder = join(run.path, "checkpoints");
  await Deno.mkdir(join(folder, ".step-99999999999.0a1b2c3d.tmp"));
  await Deno.mkdir(join(folder, "step-last"));
  await Deno.writeTextFile(join(folder, "step-99999999999"), "a file");
  assert.equal(await newestCheckpoint(run.path), join(folder, "step-123456789"));
});

Deno.test("a checkpoint of the same step is replaced", async () => {
  await using run = await temporaryFolder();
  await write(run.path, 5);
  const changed = { ...checkpointAt(6), step: 5 };
  const path = await writeCheckpoint(run.path, tiny, layout, changed);
  assert.deepEqual(await readCheckpoint(path, tiny, layout), changed);
  assert.deepEqual(await namesIn(join(run.path, "checkpoints")), ["step-00000005"]);
});

Deno.test("a write that fails leaves nothing behind, and earlier checkpoints as they were", async () => {
  await using run = await temporaryFolder();
  const earlier = await write(run.path, 1);
  const real = Deno.rename;
  // The disk fills up when all but the last rename is done.
  Deno.rename = (from, to) => {
    if (!String(to).endsWith("step-00000002")) return real(from, to);
    return Promise.reject(Object.assign(new Error("No space left on device"), { code: "ENOSPC" }));
  };
  try {
    await assert.rejects(write(run.path, 2), {
      name: "UserError",
      message: /^Cannot write .*step-00000002: no space left/,
      hint: /free some space/,
    });
  } finally {
    Deno.rename = real;
  }
  assert.deepEqual(await namesIn(join(run.path, "checkpoints")), ["step-00000001"]);
  assert.deepEqual(await readCheckpoint(earlier, tiny, layout), checkpointAt(1));
  assert.equal(await newestCheckpoint(run.path), earlier);
});

Deno.test("a folder that cannot be written is an error before anything else", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "file");
  await Deno.writeTextFile(file, "");
  const message = { name: "UserError", message: /^Cannot create .*run: .*not a folder/ };
  await assert.rejects(claimRunFolder(join(file, "run")), message);
  await assert.rejects(write(join(file, "run"), 1), {
    name: "UserError",
    message: /^Cannot write/,
  });
});

Deno.test("a folder that holds a run is refused, and stays as it is", async () => {
  await using folder = await temporaryFolder();
  const run = join(folder.path, "run");
  await claimRunFolder(run);
  await claimRunFolder(run);
  await saveConfig(run, { seed: 3 });
  await assert.rejects(claimRunFolder(run), {
    name: "UserError",
    message: /as it holds one already/,
    hint: /another --run-dir/,
  });
  assert.deepEqual(JSON.parse(await Deno.readTextFile(join(run, "config.json"))), { seed: 3 });
  assert.deepEqual(await namesIn(join(run, "checkpoints")), []);
});

Deno.test("the newest run is the one that was started last", async () => {
  await using folder = await temporaryFolder();
  await assert.rejects(newestRun(join(folder.path, "runs")), { name: "UserError", hint: /train/ });
  for (const name of ["b", "a", "c"]) {
    await claimRunFolder(join(folder.path, name));
    if (name !== "c") await saveConfig(join(folder.path, name), {});
  }
  await Deno.utime(join(folder.path, "b", "config.json"), 1000, 1000);
  assert.equal(await newestRun(folder.path), join(folder.path, "a"));
});
