/** What `eval` tells of a checkpoint, the files it writes, and how it watches a run. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { decode } from "npm:fast-png@8.0.0";
import { readMetrics } from "../src/report/metrics.ts";
import { assertMistake, kiln, kilnCommand, type Outcome } from "./cli_support.ts";
import { RECORD_BYTES, writeRecordSet } from "./record_set.ts";
import { namesIn, temporaryFolder } from "./data/helpers.ts";
import { testRandom } from "./support.ts";

const CLASSES = ["cat", "dog, big", "Ёж", "ant", "bee", "cow"];
const TINY = ["--batch-size", "4", "--device", "cpu", "--workers", "1"];
const REFERENCE_LINE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?: precision @ 1 = \d\.\d{3}$/;

/** A `records:` data set of 24 training and 18 test images in six classes. */
function tinySet(folder: string): Promise<string> {
  const random = testRandom(5);
  const records = (count: number) => {
    const bytes = Uint8Array.from({ length: count * RECORD_BYTES }, () => random() * 256);
    for (let i = 0; i < count; i++) bytes[i * RECORD_BYTES] = i % CLASSES.length;
    return bytes;
  };
  return writeRecordSet(folder, { classes: CLASSES, train: records(24), test: records(18) });
}

function right({ code, err }: Outcome): void {
  assert.equal(code, 0, err);
}

Deno.test("eval reports, writes its files, and measures both weights", async (test) => {
  await using folder = await temporaryFolder();
  const dataset = await tinySet(folder.path);
  const runDir = join(folder.path, "run");
  const at = (name: string) => join(folder.path, name);
  right(await kiln(["train", "--steps", "3", ...TINY, "--dataset", dataset, "--run-dir", runDir]));

  await test.step("the report, and the files in a folder that it makes", async () => {
    const files = ["--confusion-csv", at("new/c.csv"), "--confusion-png", at("new/c.png")];
    const outcome = await kiln(["eval", "--run", runDir, ...files, "--mistakes", at("new/m.png")]);
    right(outcome);
    const lines = outcome.out.split("\n");
    assert.match(lines[0], /step-00000003, step 3, moving averages \(EMA\)$/);
    assert.match(lines[1], REFERENCE_LINE);
    assert.match(lines[2], /^\d+ of 18 test images$/);
    for (const label of ["precision @ 1", "precision @ 5", "loss", "calibration error"]) {
      assert.ok(lines.some((line) => line.startsWith(label)), label);
    }
    for (const name of CLASSES) assert.match(outcome.out, RegExp(`^${name} +3 +`, "m"));
    assert.deepEqual(await namesIn(at("new")), ["c.csv", "c.png", "m.png"]);
    const csv = (await Deno.readTextFile(at("new/c.csv"))).split("\n");
    assert.equal(csv[0], 'true \\ predicted,cat,"dog, big",Ёж,ant,bee,cow');
    assert.equal(csv.length, 8);
    for (const name of ["new/c.png", "new/m.png"]) {
      const { width, height } = decode(await Deno.readFile(at(name)));
      assert.ok(width > 600 && height > 600, name);
    }
  });

  await test.step("both weights, as JSON and side by side", async () => {
    const outcome = await kiln(["eval", "--run-dir", runDir, "--both", "--json"]);
    right(outcome);
    const { ema, withoutEma, images, confusion, classes, mistakes, ...found } = JSON.parse(
      outcome.out,
    );
    assert.deepEqual([ema, images, confusion.length, classes.length], [true, 18, 6, 6]);
    assert.equal(found.calibration.length, 15);
    assert.equal(mistakes.length, 18 - found.correct);
    const trained = await kiln(["eval", "--run-dir", runDir, "--no-ema", "--json"]);
    const { checkpoint: _, step: _step, ema: no, split: _split, ...alone } = JSON.parse(
      trained.out,
    );
    assert.equal(no, false);
    assert.deepEqual(withoutEma, alone);
    assert.notEqual(withoutEma.loss, found.loss);
    const text = await kiln(["eval", "--run-dir", runDir, "--both"]);
    assert.equal(text.out.split("\n").filter((line) => REFERENCE_LINE.test(line)).length, 2);
    assert.match(text.out, /^ +moving averages \(EMA\) {2}weights as trained$/m);
  });

  await test.step("ten views give other probabilities of the same images", async () => {
    const line = ["eval", "--run-dir", runDir, "--json"];
    const [one, ten] = [await kiln(line), await kiln([...line, "--views", "10"])];
    const [a, b] = [JSON.parse(one.out), JSON.parse(ten.out)];
    assert.equal(b.images, 18);
    assert.notEqual(a.loss, b.loss);
    assert.ok(Math.abs(a.loss - b.loss) < 0.5);
  });

  await test.step("files that cannot be written are found before the work", async () => {
    const line = (flag: string, path: string) => kiln(["eval", "--run-dir", runDir, flag, path]);
    await Deno.writeTextFile(at("file"), "");
    assertMistake(await line("--confusion-csv", at("c.txt")), {
      code: 2,
      error: /--confusion-csv must be a file that ends in \.csv: found ".*c\.txt"/,
      hint: /for example --confusion-csv confusion\.csv/,
    });
    assertMistake(await line("--mistakes", join(at("file"), "m.png")), {
      code: 1,
      error: /Cannot write .*m\.png/,
      hint: /./,
    });
    await Deno.mkdir(at("folder.png"));
    const outcome = await line("--confusion-png", at("folder.png"));
    assertMistake(outcome, { code: 1, error: /it is a folder/, hint: /name a file/ });
    assert.equal(outcome.out, "", "nothing was measured");
  });
});

Deno.test("--watch waits, measures each checkpoint as it appears, and ends with the last", async () => {
  await using folder = await temporaryFolder();
  const dataset = await tinySet(folder.path);
  const runDir = join(folder.path, "run");
  const watching = kilnCommand(["eval", "--run-dir", runDir, "--watch", "0.05", ...TINY]).output();
  const every = ["--checkpoint-every", "2", "--keep", "9"];
  const line = ["train", "--steps", "6", ...TINY, ...every, "--dataset", dataset];
  right(await kiln([...line, "--run-dir", runDir]));
  const { code, stdout, stderr } = await watching;
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(code, 0, err);
  assert.equal(err, `waiting for the first checkpoint of ${runDir}\n`);
  assert.equal(out.split("\n").filter((line) => REFERENCE_LINE.test(line)).length, 3);
  assert.deepEqual(out.match(/, step \d+/g), [", step 2", ", step 4", ", step 6"]);
  const records = readMetrics(join(runDir, "eval.jsonl"));
  assert.deepEqual(
    records.map(({ kind, step, set, ema, images }) => [kind, step, set, ema, images]),
    [2, 4, 6].map((step) => ["eval", step, "test", true, 18]),
  );
  const alone = await kiln(["eval", "--run-dir", runDir, "--json", ...TINY]);
  const { precision, loss } = JSON.parse(alone.out);
  assert.deepEqual([records[2].precision, records[2].loss], [precision, loss]);
});

Deno.test("an interruption ends --watch quietly with 130", async () => {
  await using folder = await temporaryFolder();
  const runDir = join(folder.path, "none");
  const child = kilnCommand(["eval", "--run-dir", runDir, "--watch", "60"]).spawn();
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let err = "";
  while (!err.includes("waiting for the first checkpoint")) {
    const { value, done } = await reader.read();
    assert.ok(!done, err);
    err += value;
  }
  const start = performance.now();
  child.kill("SIGINT");
  const { code } = await child.status;
  assert.equal(code, 130);
  assert.ok(performance.now() - start < 2000, "at once");
  for (let rest = await reader.read(); !rest.done; rest = await reader.read()) err += rest.value;
  assert.equal(err.trimEnd().split("\n").length, 1, err);
  assert.equal(await new Response(child.stdout).text(), "");
});
