/** Weights to start from: by name and shape from a file or a checkpoint; all that does not fit is listed. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type SafeTensor, writeSafetensors } from "../../../src/formats/safetensors.ts";
import { initialValues, splitBlock } from "../../../src/nn/parameters.ts";
import { loadInitialWeights } from "../../../src/train/checkpoints/init_from.ts";
import { listed } from "../../../src/util/listed.ts";
import { FRESH_LOOP } from "../../../src/train/checkpoints/loop_state.ts";
import { writeCheckpoint } from "../../../src/train/checkpoints/write_checkpoint.ts";
import { UserError } from "../../../src/util/errors.ts";
import { temporaryFolder } from "../../data/helpers.ts";
import { TINY, TINY_LAYOUT, tinyRun } from "../run_support.ts";

type Tensors = Record<string, SafeTensor>;

const SEED = 5;
/** What is not taken from a file. */
const RANDOM = initialValues(TINY_LAYOUT, SEED);

/** The model's tensors, with values that no seed gives. */
function weights(): Tensors {
  return Object.fromEntries(TINY_LAYOUT.specs.map(({ name, shape }, t) => {
    const size = shape.reduce((a, b) => a * b, 1);
    // Exact in 8 bits of mantissa, so that BF16 holds them too.
    const data = Float32Array.from({ length: size }, (_, i) => ((i * 7 + t) % 251 - 125) / 64);
    return [name, { dtype: "F32", shape, data }];
  }));
}

async function written(folder: string, tensors: Tensors): Promise<string> {
  const path = join(folder, "weights.safetensors");
  await writeSafetensors(path, tensors);
  return path;
}

function load(path: string, partial = false) {
  return loadInitialWeights(path, TINY_LAYOUT, { partial, seed: SEED });
}

async function refusal(path: string, partial = false): Promise<UserError> {
  const error = await load(path, partial).then(() => assert.fail("no error"), (e) => e);
  assert.ok(error instanceof UserError, String(error));
  assert.ok(!error.message.includes("\n") && !error.message.includes("undefined"), error.message);
  return error;
}

function assertTensors(block: Float32Array<ArrayBuffer>, expected: Tensors): void {
  const found = splitBlock(TINY_LAYOUT, block);
  for (const [name, { data }] of Object.entries(expected)) {
    assert.deepEqual(found[name], data, name);
  }
}

Deno.test("all weights of a file are taken, in any order", async () => {
  await using folder = await temporaryFolder();
  const tensors = weights();
  const reversed = Object.fromEntries(Object.entries(tensors).reverse());
  for (const partial of [false, true]) {
    const found = await load(await written(folder.path, reversed), partial);
    assertTensors(found.parameters, tensors);
    assert.deepEqual([found.taken, found.mismatches, found.unused], [4, [], []]);
  }
});

/** The upper half of a float32's bits: no value of the test loses a bit. */
function toBf16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.slice().buffer);
  return Uint16Array.from(bits, (b) => {
    assert.equal(b & 0xffff, 0);
    return b >>> 16;
  });
}

Deno.test("F16, BF16 and F64 become float32", async () => {
  await using folder = await temporaryFolder();
  const tensors = weights();
  const mixed: Tensors = {};
  for (const [i, [name, { shape, data }]] of Object.entries(tensors).entries()) {
    const values = data as Float32Array;
    const half = new Uint16Array(Float16Array.from(values).buffer);
    mixed[name] = [
      { dtype: "F16", shape, data: half } as const,
      { dtype: "BF16", shape, data: toBf16(values) } as const,
      { dtype: "F64", shape, data: Float64Array.from(values) } as const,
      { dtype: "F32", shape, data: values } as const,
    ][i];
  }
  assertTensors((await load(await written(folder.path, mixed))).parameters, tensors);
});

async function checkpoint(runDir: string, tensors: Tensors, step = 3): Promise<string> {
  const parameters = new Float32Array(TINY_LAYOUT.size);
  TINY_LAYOUT.specs.forEach(({ name }, i) =>
    parameters.set(tensors[name].data as Float32Array, TINY_LAYOUT.offsets[i])
  );
  const { path } = await writeCheckpoint(runDir, TINY_LAYOUT, {
    state: { step, lossAverage: 1, parameters, averages: RANDOM, optimizer: {} },
    draft: {
      model: TINY.name,
      number: 1,
      configHash: "0",
      metrics: { loss: null, set: null, precision: null, precisionEma: null },
      loop: FRESH_LOOP,
      run: tinyRun().json,
    },
  });
  return path;
}

Deno.test("of a checkpoint's folder the weights as trained are taken, once all of it is verified", async () => {
  await using run = await temporaryFolder();
  const tensors = weights();
  const path = await checkpoint(run.path, tensors);
  assertTensors((await load(path)).parameters, tensors);
  const file = join(path, "ema.safetensors");
  const bytes = await Deno.readFile(file);
  bytes[bytes.length - 1] ^= 1;
  await Deno.writeFile(file, bytes);
  const { message, hint } = await refusal(path, true);
  assert.match(message, /^Cannot use .*ema\.safetensors: expected \d+ bytes with sha256/);
  assert.match(hint, /it is damaged/);
  await Deno.remove(join(path, "manifest.json"));
  assert.match((await refusal(path)).message, /manifest\.json: no such file/);
});

Deno.test("of a run's folder the newest checkpoint is taken, and no other where that is damaged", async () => {
  await using run = await temporaryFolder();
  const tensors = weights();
  const others = {
    ...tensors,
    "conv/biases": { ...tensors["conv/biases"], data: new Float32Array(8) },
  };
  await checkpoint(run.path, others as Tensors, 3);
  const newest = await checkpoint(run.path, tensors, 20);
  assertTensors((await load(run.path)).parameters, tensors);
  await Deno.truncate(join(newest, "model.safetensors"), 9);
  assert.match(
    (await refusal(run.path)).message,
    /step-00000020.model\.safetensors: expected \d+ bytes/,
  );
});

Deno.test("all that does not fit is listed at once: missing, of another shape or type, not finite, unknown", async () => {
  await using folder = await temporaryFolder();
  const tensors = weights();
  const biases = tensors["dense/biases"].data.slice() as Float32Array;
  biases[9] = NaN;
  const path = await written(folder.path, {
    // [3, 3, 3, 8] in the model: as many values, but in another order.
    "conv/weights": { ...tensors["conv/weights"], shape: [8, 3, 3, 3] },
    "dense/weights": tensors["dense/weights"],
    "dense/biases": { dtype: "F32", shape: [10], data: biases },
    "conv1/biases": tensors["conv/biases"],
    "aux": { dtype: "I64", shape: [], data: BigInt64Array.of(1n) },
  });
  const { message, hint, name } = await refusal(path);
  assert.equal(name, "DataError");
  assert.equal(
    message,
    `Cannot start from ${path}: 1 of 4 tensors match; ` +
      "conv/weights is F32 [8, 3, 3, 3], expected F32 [3, 3, 3, 8]; conv/biases [8] is missing; " +
      "dense/biases is not finite everywhere; the file also has aux, conv1/biases",
  );
  assert.equal(hint, "name a file of this model, or start the rest at random: --init-partial");
  const found = await load(path, true);
  assert.deepEqual(found.unused, ["aux", "conv1/biases"]);
  assert.equal(found.taken, 1);
  assert.equal(found.mismatches.length, 3);
  assertTensors(found.parameters, { "dense/weights": tensors["dense/weights"] });
  const [random, taken] = [RANDOM, found.parameters].map((block) => splitBlock(TINY_LAYOUT, block));
  for (const name of ["conv/weights", "conv/biases", "dense/biases"]) {
    assert.deepEqual(taken[name], random[name], `${name} is the seed's`);
  }
});

Deno.test("values that float32 does not hold, and integers, are no weights", async () => {
  await using folder = await temporaryFolder();
  const tensors = weights();
  const spoiled: [SafeTensor, RegExp][] = [
    [
      { dtype: "F64", shape: [8], data: new Float64Array(8).fill(3.41e38) },
      /; conv\/biases is not finite everywhere$/,
    ],
    [
      { dtype: "F16", shape: [8], data: new Uint16Array(8).fill(0xfc00) },
      /; conv\/biases is not finite everywhere$/,
    ],
    [
      { dtype: "BF16", shape: [8], data: new Uint16Array(8).fill(0x7f81) },
      /; conv\/biases is not finite everywhere$/,
    ],
    [
      { dtype: "I32", shape: [8], data: new Int32Array(8) },
      /; conv\/biases is I32 \[8\], expected F32 \[8\]$/,
    ],
    [
      { dtype: "F8_E4M3", shape: [8], data: new Uint8Array(8) },
      /; conv\/biases is F8_E4M3 \[8\], expected F32 \[8\]$/,
    ],
    [
      { dtype: "F32", shape: [8, 1], data: new Float32Array(8) },
      /; conv\/biases is F32 \[8, 1\], expected F32 \[8\]$/,
    ],
  ];
  for (const [tensor, expected] of spoiled) {
    const path = await written(folder.path, { ...tensors, "conv/biases": tensor });
    assert.match((await refusal(path)).message, expected);
  }
});

Deno.test("a file without any fitting tensor is refused even where some may be missing", async () => {
  await using folder = await temporaryFolder();
  const others = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [
      `other/${String(i).padStart(2, "0")}`,
      { dtype: "F32", shape: [1], data: Float32Array.of(1) } as const,
    ]),
  );
  const path = await written(folder.path, others);
  const { message, hint } = await refusal(path, true);
  assert.match(message, /: 0 of 4 tensors match; conv\/weights .* is missing; .*dense\/biases/);
  assert.match(message, /other\/10, other\/11 and 18 more$/);
  assert.equal(hint, "name a file of this model");
  // No name of Object's is a tensor.
  const empty = await written(folder.path, {});
  assert.match((await refusal(empty, true)).message, /: 0 of 4 tensors match; .* is missing$/);
});

Deno.test("a file that is no safetensors, or is not there, is an error that names it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "weights.bin");
  await Deno.writeTextFile(path, "these are no weights, only words");
  assert.match((await refusal(path, true)).message, /weights\.bin is not a valid safetensors file/);
  await Deno.writeFile(path, new Uint8Array(0));
  assert.match((await refusal(path)).message, /expected at least 8 bytes, found 0/);
  await Deno.remove(path);
  assert.equal((await refusal(path)).message, `Cannot read ${path}: no such file or folder`);
  assert.match((await refusal(folder.path)).message, /manifest\.json: no such file/);
});

Deno.test("long lists are cut short", () => {
  const names = Array.from({ length: 13 }, (_, i) => `${i}`);
  assert.equal(listed(names.slice(0, 12), ","), "0,1,2,3,4,5,6,7,8,9,10,11");
  assert.equal(listed(names, ", "), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 1 more");
  assert.equal(listed([], ", "), "");
});
