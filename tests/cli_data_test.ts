/** Data sets of one's own on the command line: they train, are measured and shown; and their mistakes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { decode } from "npm:fast-png@8.0.0";
import { readMetrics } from "../src/report/metrics.ts";
import { assertMistake, kiln, kilnCommand } from "./cli_support.ts";
import { temporaryFolder } from "./data/helpers.ts";
import { RECORD_BYTES, writeRecordSet } from "./record_set.ts";
import { testRandom } from "./support.ts";

const TINY = ["--steps", "3", "--batch-size", "4", "--device", "cpu", "--workers", "2"];

/** A `records:` data set of 20 training and 6 test images in two classes. */
async function tinySet(folder: string): Promise<string> {
  const random = testRandom(3);
  const records = (count: number) => {
    const bytes = Uint8Array.from({ length: count * RECORD_BYTES }, () => random() * 256);
    for (let i = 0; i < count; i++) bytes[i * RECORD_BYTES] = i % 2;
    return bytes;
  };
  const [train, test] = [records(20), records(6)];
  return await writeRecordSet(folder, { classes: ["cat", "dog"], train, test });
}

Deno.test("records of one's own train, with every augmentation, and are measured by part", async () => {
  await using folder = await temporaryFolder();
  const dataset = await tinySet(folder.path);
  const runDir = join(folder.path, "run");
  const more = "--pad 4 --pad-mode reflect --hue 0.1 --saturation 0.5 --cutout 6 --mixup 0.2 " +
    "--cutmix 1 --normalize channel --shuffle queue --input device --validation-fraction 0.2";
  const line = ["train", ...TINY, "--dataset", dataset, "--run-dir", runDir, ...more.split(" ")];
  const { code, out, err } = await kiln(line);
  assert.equal(code, 0, err);
  assert.match(out, /images +16 train, 4 validation, 6 test$/m);
  assert.match(out, /^step 3: precision @ 1 = .* \(4 validation images\)$/m);
  assert.match(out, /^step 3: precision @ 1 = .* \(6 test images\)$/m);
  const metrics = readMetrics(join(runDir, "metrics.jsonl"));
  assert.deepEqual(metrics.filter(({ kind }) => kind === "eval").map(({ set }) => set), [
    "validation",
    "test",
  ]);
  for (const [split, images] of [["validation", 4], ["test", 6], ["train", 16]] as const) {
    const outcome = await kiln(["eval", "--run-dir", runDir, "--split", split, "--json"]);
    assert.equal(outcome.code, 0, outcome.err);
    const found = JSON.parse(outcome.out);
    assert.deepEqual([found.split, found.images], [split, images]);
    const measured = metrics.find(({ set }) => set === split);
    if (measured) assert.equal(found.precision, measured.precision_ema);
  }
});

Deno.test("data inspect counts by class and draws a picture of each", async () => {
  await using folder = await temporaryFolder();
  const dataset = await tinySet(folder.path);
  const picture = join(folder.path, "sub", "samples.png");
  const line = ["data", "inspect", "--dataset", dataset, "--out", picture, "--samples", "3"];
  const { code, out, err } = await kiln(line);
  assert.equal(code, 0, err);
  assert.match(out, /^ +0 +cat +10 +3$/m);
  assert.match(out, /^ +1 +dog +10 +3$/m);
  assert.match(out, /^ +all +20 +6$/m);
  const { width, height, channels } = decode(await Deno.readFile(picture));
  // Two rows of three images with three variants each, 32x32 shown at twice their size.
  assert.deepEqual([width, height, channels], [2 + 3 * (4 * 66 + 10), 2 + 2 * 66, 3]);
  const json = await kiln([...line, "--json"]);
  assert.deepEqual(JSON.parse(json.out).counts, { train: [10, 10], test: [3, 3] });
});

Deno.test("a truncated file is an error with its place, or is skipped as allowed", async () => {
  await using folder = await temporaryFolder();
  const dataset = await tinySet(folder.path);
  await Deno.truncate(join(folder.path, "train.bin"), 20 * RECORD_BYTES - 5);
  const line = ["train", ...TINY, "--dataset", dataset];
  const strict = await kiln([...line, "--run-dir", join(folder.path, "a")]);
  assertMistake(strict, {
    code: 1,
    error: new RegExp(`train\\.bin.*${19 * RECORD_BYTES}`),
    hint: /./,
  });
  const lax = await kiln([...line, "--run-dir", join(folder.path, "b"), "--skip-corrupt", "1"]);
  assert.equal(lax.code, 0, lax.err);
  assert.match(lax.err, /^data: skipped 1 of at most 1: .*train\.bin/m);
  assert.match(lax.out, /images +19 train, 6 test$/m);
});

Deno.test("settings that do not suit the images exit with 2 and their fix", async () => {
  await using folder = await temporaryFolder();
  const dataset = await tinySet(folder.path);
  const cases: [string, RegExp, RegExp][] = [
    [`--dataset ${dataset} --pad-mode reflect --pad 40`, /pad/, /--pad/],
    [`--dataset ${dataset} --cutout 200`, /squares of 200/, /--cutout/],
    [`--dataset ${dataset} --limit 2 --validation-fraction 0.9`, /no image is left/, /--limit/],
    ["--dataset cifar1O", /--dataset must be one of/, /did you mean cifar10\?/],
    ["--dataset records:/no/such.json", /such\.json/, /./],
    ["--dataset folder:/no/such", /expected a folder of images/, /--dataset folder:/],
  ];
  for (const [flags, error, hint] of cases) {
    const line = ["train", ...TINY, ...flags.split(" "), "--run-dir", join(folder.path, "run")];
    const code = /such/.test(flags) ? 1 : 2;
    assertMistake(await kiln(line), { code, error, hint });
  }
});

Deno.test("an interruption ends a run at once, with its worker threads", async () => {
  await using folder = await temporaryFolder();
  const dataset = await tinySet(folder.path);
  const flags = ["--steps", "1000000", "--batch-size", "4", "--device", "cpu", "--workers", "3"];
  const runDir = join(folder.path, "run");
  const child = kilnCommand(["train", ...flags, "--dataset", dataset, "--run-dir", runDir]).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !/step \d+, loss/.test(text);) {
    const { value, done } = await reader.read();
    assert.ok(!done, "it trains");
    text += value;
  }
  const start = performance.now();
  child.kill("SIGINT");
  const { success } = await child.status;
  assert.ok(!success);
  assert.ok(performance.now() - start < 3000, "at once");
  await reader.cancel();
  await child.stderr.cancel();
});
