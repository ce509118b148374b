/** `features`: the values of a layer, to the bit those of the evaluation; interrupted and gone on with. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { evalBatches } from "../src/data/batches/batches.ts";
import { CIFAR10_CLASSES } from "../src/data/datasets/cifar10.ts";
import { decodeNpy } from "../src/formats/npy.ts";
import { readSafetensors } from "../src/formats/safetensors.ts";
import { referenceCnn } from "../src/nn/models/reference.ts";
import { unpackCheckpoint } from "../src/train/checkpoints/load_checkpoint.ts";
import { newestCheckpoint } from "../src/train/checkpoints/load_checkpoint.ts";
import { Scorer } from "../src/train/evaluation/scorer.ts";
import { openDevice } from "../src/train/open_device.ts";
import { augmentOf, openSource } from "../src/train/run_data.ts";
import { parseSavedRun } from "../src/train/saved_run.ts";
import { createReporter } from "../src/data/acquire/progress.ts";
import { assertMistake, kiln, kilnCommand } from "./cli_support.ts";
import { namesIn, randomRecords, temporaryFolder } from "./data/helpers.ts";
import { writeRecordSet } from "./record_set.ts";

const IMAGES = 1_000;
const MACHINE = ["--device", "cpu", "--workers", "1", "--threads", "2"];

async function shortRun(folder: string): Promise<string> {
  const [train, test] = [randomRecords(40, 1), randomRecords(IMAGES, 2)];
  const dataset = await writeRecordSet(folder, { classes: CIFAR10_CLASSES, train, test });
  const runDir = join(folder, "run");
  const line = ["train", "--steps", "3", "--batch-size", "8", "--dataset", dataset];
  const { code, err } = await kiln([...line, "--run-dir", runDir, ...MACHINE]);
  assert.equal(code, 0, err);
  return runDir;
}

/** The logits of the first `count` test images as an evaluation computes them, and their labels. */
async function logitsOf(runDir: string, batchSize: number, averages: boolean) {
  const checkpoint = await newestCheckpoint(runDir, (_, error) => {
    throw error;
  });
  const { config, data: { normalization } } = parseSavedRun(checkpoint.manifest.run, "the run");
  using store = await (await openSource(config, createReporter())).open("test");
  const { device } = await openDevice("cpu", 2);
  using _device = { [Symbol.dispose]: () => device.destroy() };
  using scorer = await Scorer.create(device, referenceCnn, batchSize);
  const { state } = unpackCheckpoint(checkpoint, referenceCnn, scorer.layout);
  scorer.load({ parameters: averages ? state.averages : state.parameters });
  const augment = augmentOf(config, { crop: [24, 24], normalization }, store.format);
  const logits: number[] = [];
  for await (const batch of evalBatches({ store, augment, batchSize, workers: 1 })) {
    const rows = await scorer.logits(batch.images as Float32Array);
    for (const row of rows.slice(0, batch.count)) logits.push(...row);
  }
  return { logits: Float32Array.from(logits), labels: Array.from(store.labels) };
}

Deno.test("features are the values of a layer", async (test) => {
  await using folder = await temporaryFolder();
  const runDir = await shortRun(folder.path);
  const line = ["features", "--run", runDir, ...MACHINE];
  const file = (name: string) => join(folder.path, name);

  await test.step("of softmax_linear the evaluation's logits, to the bit, and the labels", async () => {
    const out = file("logits.npy");
    const more = ["--tap", "softmax_linear", "--batch-size", "48", "--out", out, "--json"];
    const { code, out: printed, err } = await kiln([...line, ...more]);
    assert.equal(code, 0, err);
    const { shape, files, split } = JSON.parse(printed);
    assert.deepEqual([shape, split], [[IMAGES, 10], "test"]);
    assert.deepEqual(files, [out, file("logits.labels.npy")]);
    const expected = await logitsOf(runDir, 48, true);
    const { data, ...rest } = decodeNpy(await Deno.readFile(out));
    assert.deepEqual(rest, { type: "<f4", shape: [IMAGES, 10] });
    assert.deepEqual(data, expected.logits);
    const labels = decodeNpy(await Deno.readFile(files[1]));
    assert.deepEqual(Array.from(labels.data, Number), expected.labels);
    assert.deepEqual((await namesIn(folder.path)).filter((name) => /part|tmp/.test(name)), []);
  });

  await test.step("a map of the middle, of the weights as trained, with what it is of", async () => {
    const out = file("pool2.safetensors");
    const more = ["--tap", "pool2", "--split", "train", "--no-ema", "--out", out];
    const { code, err } = await kiln([...line, ...more]);
    assert.equal(code, 0, err);
    const { tensors: { features, labels }, metadata } = await readSafetensors(out);
    assert.deepEqual([features.dtype, features.shape], ["F32", [40, 6, 6, 64]]);
    assert.deepEqual([labels.dtype, labels.shape], ["I64", [40]]);
    assert.ok((features.data as Float32Array).some((value) => value > 0));
    const { dataset: _, classes, ...said } = metadata;
    assert.deepEqual(JSON.parse(classes), CIFAR10_CLASSES);
    assert.deepEqual(said, {
      ...{ model: "reference", tap: "pool2", step: "3", weights: "trained", split: "train" },
    });
  });

  await test.step("of some classes of another data set, and of some of its images", async () => {
    const out = file("some.safetensors");
    const set = `records:${file("set.json")}`;
    const more = ["--dataset", set, "--classes", "ship,2", "--limit", "12", "--tap", "local4"];
    const { code, err } = await kiln([...line, ...more, "--out", out]);
    assert.equal(code, 0, err);
    const { tensors: { features, labels }, metadata } = await readSafetensors(out);
    assert.deepEqual(features.shape, [12, 192]);
    assert.deepEqual(JSON.parse(metadata.classes), ["ship", "bird"]);
    assert.equal((labels.data as BigInt64Array).filter((label) => label === 0n).length, 6);
    assert.ok((labels.data as BigInt64Array).every((label) => label === 0n || label === 1n));
  });

  await test.step("interrupted and gone on with, the same bytes; another one starts over", async () => {
    const [out, whole] = [file("slow.safetensors"), file("whole.safetensors")];
    const more = ["--tap", "local4", "--batch-size", "2", "--out"];
    const child = kilnCommand([...line, ...more, out]).spawn();
    const ended = child.output();
    const size = () => Deno.stat(`${out}.part`).then(({ size }) => size, () => 0);
    while (await size() < 20_000) await new Promise((resolve) => setTimeout(resolve, 2));
    child.kill("SIGINT");
    assert.equal((await ended).code, 130, new TextDecoder().decode((await ended).stderr));
    // What a power cut leaves behind the last rows that were brought to the disk is cut off.
    await Deno.writeFile(`${out}.part`, new Uint8Array(99).fill(7), { append: true });
    const kept = [await Deno.readFile(`${out}.part`), await Deno.readFile(`${out}.part.json`)];

    const resumed = await kiln([...line, ...more, out]);
    assert.equal(resumed.code, 0, resumed.err);
    assert.match(resumed.err, /^going on at image [1-9][\d,]* of 1,000$/m);
    const straight = await kiln([...line, ...more, whole]);
    assert.equal(straight.code, 0, straight.err);
    assert.doesNotMatch(straight.err, /going on|starting over/);
    assert.deepEqual(await Deno.readFile(out), await Deno.readFile(whole));

    const other = file("other.safetensors");
    await Deno.writeFile(`${other}.part`, kept[0]);
    await Deno.writeFile(`${other}.part.json`, kept[1]);
    const changed = await kiln([...line, ...more, other, "--no-ema"]);
    assert.equal(changed.code, 0, changed.err);
    assert.match(changed.err, /other\.safetensors\.part is of another .*: starting over$/m);
    assert.equal((await readSafetensors(other)).metadata.weights, "trained");
  });

  await test.step("without a tap the taps are listed; a wrong one too", async () => {
    const { code, out } = await kiln(line);
    assert.equal(code, 0);
    assert.match(out, /^pool2 +max pool 3x3 \/ 2 +\[6, 6, 64\] +2,304$/m);
    assertMistake(await kiln([...line, "--tap", "local5", "--out", file("x.npy")]), {
      code: 2,
      error: /--tap must be a layer of reference: found "local5", expected one of conv1, .*local4/,
      hint: /did you mean local[34]\?/,
    });
    assertMistake(await kiln([...line, "--tap", "local4"]), {
      code: 2,
      error: /--tap and --out go together/,
      hint: /--out local4\.npy/,
    });
    assertMistake(await kiln([...line, "--tap", "local4", "--out", file("x.csv")]), {
      code: 2,
      error: /--out must be a file that ends in \.npy or \.safetensors/,
      hint: /for example --out/,
    });
  });
});
