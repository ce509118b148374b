/** Weights to start from on the command line: a checkpoint or a file, whole or in part. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors, type SafeTensor, writeSafetensors } from "../src/formats/safetensors.ts";
import { assertMistake } from "./cli_support.ts";
import { namesIn, temporaryFolder } from "./data/helpers.ts";
import { finish, writeDataset } from "./faults/support.ts";

const SETTINGS = [
  ...["--batch-size", "8", "--device", "cpu", "--threads", "2", "--workers", "1"],
  ...["--checkpoint-every", "0"],
];
/** 0 as float32: weights stay as they are. */
const STILL = ["--steps", "1", "--learning-rate", "1e-60"];

type Tensors = Readonly<Record<string, SafeTensor>>;

function line(dataset: string, runDir: string, ...more: readonly string[]): string[] {
  return ["train", ...SETTINGS, "--dataset", dataset, "--run-dir", runDir, ...more];
}

async function weightsOf(runDir: string, step: number): Promise<Tensors> {
  const folder = join(runDir, "checkpoints", `step-${String(step).padStart(8, "0")}`);
  return (await readSafetensors(join(folder, "model.safetensors"))).tensors;
}

Deno.test("a run starts from a checkpoint, from a file, from a part of one; or not at all", async (test) => {
  await using folder = await temporaryFolder();
  const dataset = await writeDataset(folder.path);
  const first = join(folder.path, "first");
  const trained = await finish(line(dataset, first, "--steps", "3", "--seed", "3"));
  assert.equal(trained.code, 0, trained.err);
  const checkpoint = join(first, "checkpoints", "step-00000003");
  const weights = await weightsOf(first, 3);
  const names = Object.keys(weights);
  assert.equal(names.length, 10);
  const file = join(folder.path, "weights.safetensors");
  const runDir = (name: string) => join(folder.path, name);

  await test.step("a checkpoint's folder", async () => {
    const more = [...STILL, "--init-from", checkpoint];
    const { code, out, err } = await finish(line(dataset, runDir("folder"), ...more));
    assert.equal(code, 0, err);
    assert.match(
      out,
      new RegExp(`^init: 10 of 10 tensors from ${RegExp.escape(checkpoint)}$`, "m"),
    );
    assert.doesNotMatch(out, /at random|not used/);
    assert.deepEqual(await weightsOf(runDir("folder"), 1), weights);
    const config = JSON.parse(await Deno.readTextFile(join(runDir("folder"), "config.json")));
    assert.equal(config.initFrom, checkpoint);
  });

  await test.step("a file of doubles", async () => {
    const doubles = Object.entries(weights).map(([name, { shape, data }]) =>
      [name, { dtype: "F64", shape, data: Float64Array.from(data as Float32Array) }] as const
    );
    await writeSafetensors(file, Object.fromEntries(doubles));
    const more = [...STILL, "--init-from", file];
    const { code, err } = await finish(line(dataset, runDir("file"), ...more));
    assert.equal(code, 0, err);
    assert.deepEqual(await weightsOf(runDir("file"), 1), weights);
  });

  const [missing] = names;
  const { [missing]: _, ...rest } = weights;
  await writeSafetensors(file, {
    ...rest,
    other: { dtype: "U8", shape: [0], data: new Uint8Array(0) },
  });

  await test.step("a part of the weights is refused, and the folder stays free", async () => {
    const outcome = await finish(line(dataset, runDir("part"), ...STILL, "--init-from", file));
    assertMistake(outcome, {
      code: 1,
      error: new RegExp(
        `9 of 10 tensors match; ${missing} .* is missing; the file also has other$`,
      ),
      hint: /--init-partial$/,
    });
    assert.ok(!(await namesIn(runDir("part"))).includes("config.json"));
  });

  await test.step("a part of the weights, as asked for: the rest is the seed's", async () => {
    const more = [...STILL, "--seed", "7"];
    const partial = ["--init-from", file, "--init-partial"];
    const { code, out, err } = await finish(line(dataset, runDir("part"), ...more, ...partial));
    assert.equal(code, 0, err);
    assert.match(out, /^init: 9 of 10 tensors from/m);
    assert.match(out, new RegExp(`^init: at random: ${missing} .* is missing$`, "m"));
    assert.match(out, /^init: not used: other$/m);
    assert.equal((await finish(line(dataset, runDir("random"), ...more))).code, 0);
    const { [missing]: random } = await weightsOf(runDir("random"), 1);
    assert.deepEqual(await weightsOf(runDir("part"), 1), { ...weights, [missing]: random });
  });

  await test.step("a run that began so goes on from its own checkpoint, and needs the file no more", async () => {
    await Deno.remove(file);
    const more = [
      "--steps",
      "2",
      "--learning-rate",
      "0.01",
      "--allow-change",
      "steps,learning-rate",
    ];
    const resumed = ["train", "--resume", "--run-dir", runDir("part"), "--workers", "1", ...more];
    const { code, out, err } = await finish(resumed);
    assert.equal(code, 0, err);
    assert.doesNotMatch(out, /^init:/m);
    assert.notDeepEqual(await weightsOf(runDir("part"), 2), await weightsOf(runDir("part"), 1));
  });

  await test.step("what is not there, and what is no weights", async () => {
    const none = await finish(line(dataset, runDir("none"), "--init-from", file));
    assertMistake(none, {
      code: 1,
      error: /Cannot read .*weights\.safetensors/,
      hint: /check the path/,
    });
    await Deno.writeTextFile(file, "no weights, only words");
    const words = await finish(line(dataset, runDir("none"), "--init-from", file));
    assert.equal(words.code, 1);
    assert.match(words.err, /^error: .*weights\.safetensors is not a valid safetensors file/);
    assert.doesNotMatch(words.err, /^\s+at /m);
    assert.ok(!(await namesIn(runDir("none"))).includes("config.json"));
  });
});
