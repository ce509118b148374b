/** The command line end to end: train, then measure what was trained, in processes of their own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readMetrics } from "../src/report/metrics.ts";
import { ensureData, kiln } from "./cli_support.ts";
import { namesIn, temporaryFolder } from "./data/helpers.ts";

const STAMP = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?`;
const LOG_LINE = new RegExp(
  `^${STAMP}: step (\\d+), loss = (\\d+\\.\\d\\d) \\(\\d+\\.\\d examples/sec; \\d+\\.\\d{3} sec/batch\\)$`,
);
const PRECISIONS =
  /^step 12: precision @ 1 = (\d\.\d{4}), with EMA (\d\.\d{4}) \(10,000 test images\)$/m;

Deno.test("train writes log lines, config, metrics and a checkpoint; eval measures the same precision", async (test) => {
  await ensureData();
  await using folder = await temporaryFolder();
  const runDir = join(folder.path, "run");
  const checkpoint = join(runDir, "checkpoints", "step-00000012");
  let precisions: number[] = [];

  await test.step("train", async () => {
    const { code, out, err } = await kiln(
      ["train", "--steps", "12", "--batch-size", "32", "--seed", "5", "--run-dir", runDir],
    );
    assert.equal(code, 0, err);
    assert.equal(err, "");
    for (const row of [/parameters +1,068,298$/m, /seed +5$/m, /steps +12 of 32 images$/m]) {
      assert.match(out, row);
    }
    const logged = out.split("\n").map((line) => LOG_LINE.exec(line)).filter((match) =>
      match !== null
    );
    assert.deepEqual(logged.map((match) => Number(match[2])), [0, 10, 11]);
    const first = Number(logged[0][3]);
    assert.ok(Math.abs(first - 4.68) <= 0.1, `initial loss ${first}`);
    assert.match(out, new RegExp(`^step 12: checkpoint ${RegExp.escape(checkpoint)}$`, "m"));
    assert.match(out, /^trained 384 images in .*: [\d.]+ images\/s$/m);
    assert.match(out, /^input: the queue of 12 batches was [\d.]+ % full, [\d.]+ % of the time/m);
    const found = PRECISIONS.exec(out) ?? assert.fail(out);
    precisions = [Number(found[1]), Number(found[2])];
  });

  await test.step("the run folder holds the whole configuration, the metrics and the checkpoint", async () => {
    assert.deepEqual(await namesIn(runDir), [
      ...[".lock", "checkpoints", "config.json", "metrics.jsonl"],
    ]);
    assert.deepEqual(await namesIn(join(runDir, "checkpoints")), ["step-00000012"]);
    const config = JSON.parse(await Deno.readTextFile(join(runDir, "config.json")));
    assert.deepEqual(
      [config.steps, config.batchSize, config.seed, config.learningRate, config.model],
      [12, 32, 5, 0.1, "reference"],
    );
    assert.equal(config.machine.deno, Deno.version.deno);
    const metrics = readMetrics(join(runDir, "metrics.jsonl"));
    assert.deepEqual(
      metrics.map(({ kind, step }) => [kind, step]),
      [["train", 0], ["train", 10], ["train", 11], ["checkpoint", 12], ["eval", 12]],
    );
    const { precision, precision_ema: ema } = metrics.at(-1)!;
    assert.deepEqual([precision, ema], precisions, "10,000 images give four decimals");
  });

  await test.step("eval takes the moving averages, as JSON", async () => {
    const { code, out, err } = await kiln(["eval", "--run-dir", runDir, "--json"]);
    assert.equal(code, 0, err);
    assert.equal(out.trim().split("\n").length, 1, "one object and nothing else");
    const [, ema] = precisions;
    const correct = Math.round(ema * 10_000);
    const found = JSON.parse(out);
    const { precision, images } = found;
    assert.deepEqual([found.checkpoint, found.step, found.ema], [checkpoint, 12, true]);
    assert.deepEqual([found.split, precision, found.correct, images], [
      "test",
      ema,
      correct,
      10_000,
    ]);
    assert.ok(found.precision5 > precision && found.loss > 1 && found.calibrationError < 1);
    const right = found.confusion.map((row: number[], label: number) => row[label]);
    assert.equal(right.reduce((a: number, b: number) => a + b), correct);
  });

  await test.step("eval --no-ema takes the weights as trained, on the other engine", async () => {
    const { code, out, err } = await kiln(
      [
        "eval",
        "--checkpoint",
        checkpoint,
        "--no-ema",
        "--batch-size",
        "96",
        "--device",
        "software",
      ],
    );
    assert.equal(code, 0, err);
    const [weights] = precisions;
    const lines = out.trim().split("\n");
    assert.equal(lines[0], `${checkpoint}, step 12, weights as trained`);
    assert.match(lines[1], new RegExp(`^${STAMP}: precision @ 1 = \\d\\.\\d{3}$`));
    const [, count] = /^([\d,]+) of 10,000 test images$/.exec(lines[2]) ?? assert.fail(out);
    // The engines round differently: an image at a tie of two classes may fall either way.
    const difference = Number(count.replace(",", "")) - weights * 10_000;
    assert.ok(Math.abs(difference) <= 10, `${difference} images differ`);
  });
});
