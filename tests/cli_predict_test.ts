/** `predict`: the evaluation's classes and probabilities, of files, folders and standard input. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { encode } from "npm:fast-png@8.0.0";
import { CIFAR10_CLASSES } from "../src/data/datasets/cifar10.ts";
import { assertMistake, DATA_DIR, ensureData, kiln, kilnCommand } from "./cli_support.ts";
import { temporaryFolder } from "./data/helpers.ts";
import { RECORD_BYTES, writeRecordSet } from "./record_set.ts";

const IMAGES = 30;
const MACHINE = ["--device", "cpu", "--workers", "2"];

/** A CIFAR-10 record's picture as a PNG file. */
function pngOf(record: Uint8Array): Uint8Array {
  const planes = record.subarray(1);
  const data = Uint8Array.from(
    { length: 3072 },
    (_, i) => planes[i % 3 * 1024 + Math.floor(i / 3)],
  );
  return encode({ width: 32, height: 32, data, channels: 3, depth: 8 });
}

/** A short run on some of CIFAR-10, whose test images are written as PNG files too. */
async function shortRun(folder: string) {
  await ensureData();
  const test = (await Deno.readFile(join(DATA_DIR, "test_batch.bin")))
    .slice(0, IMAGES * RECORD_BYTES);
  const train = (await Deno.readFile(join(DATA_DIR, "data_batch_1.bin")))
    .slice(0, 200 * RECORD_BYTES);
  const dataset = await writeRecordSet(folder, { classes: CIFAR10_CLASSES, train, test });
  const runDir = join(folder, "run");
  const line = ["train", "--steps", "5", "--batch-size", "16", "--dataset", dataset];
  const { code, err } = await kiln([...line, "--run-dir", runDir, ...MACHINE]);
  assert.equal(code, 0, err);
  const pictures = join(folder, "pictures");
  await Deno.mkdir(join(pictures, "deep", "er"), { recursive: true });
  const paths = Array.from({ length: IMAGES }, (_, i) => {
    const name = `${String(i).padStart(2, "0")}.${["png", "PNG", "jpg"][i % 3]}`;
    return join(pictures, i < 10 ? "" : i < 20 ? "deep" : join("deep", "er"), name);
  });
  for (const [i, path] of paths.entries()) {
    const record = test.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES);
    await Deno.writeFile(path, pngOf(record));
  }
  return { runDir, pictures, paths };
}

interface Found {
  readonly predictions: readonly {
    readonly image: string;
    readonly classes: readonly { readonly class: string; readonly probability: number }[];
  }[];
  readonly failed: readonly { readonly image: string; readonly error: string }[];
}

/** The command with an image on its standard input. */
async function piped(line: readonly string[], input: Uint8Array<ArrayBuffer>) {
  const child = kilnCommand(line, {}, "piped").spawn();
  const writer = child.stdin.getWriter();
  await writer.write(input);
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

Deno.test("predict says of test images what their evaluation says", async (test) => {
  await using folder = await temporaryFolder();
  const { runDir, pictures, paths } = await shortRun(folder.path);
  const json = ["--run", runDir, "--format", "json", ...MACHINE];

  for (const flags of [[], ["--no-ema"], ["--views", "10"]]) {
    await test.step(`the same classes and probabilities ${flags.join(" ")}`, async () => {
      const line = ["eval", "--run", runDir, "--json", ...flags, ...MACHINE];
      const { mistakes, correct } = JSON.parse((await kiln(line)).out);
      assert.equal(mistakes.length, IMAGES - correct, "all mistakes are listed");
      const outcome = await kiln(["predict", ...json, ...flags, "--batch-size", "7", pictures]);
      assert.equal(outcome.code, 0, outcome.err);
      const { predictions, failed }: Found = JSON.parse(outcome.out);
      assert.deepEqual(failed, []);
      assert.deepEqual(predictions.map(({ image }) => image), paths.toSorted());
      const byImage = new Map(predictions.map(({ image, classes }) => [image, classes]));
      let right = 0;
      for (const { image, predicted, probability } of mistakes) {
        const [best, second] = byImage.get(paths[image])!;
        assert.equal(best.class, predicted);
        assert.ok(Math.abs(best.probability - probability) < 1e-6);
        assert.ok(second.probability <= best.probability);
        right++;
      }
      assert.ok(right > 5);
    });
  }

  await test.step("what is damaged or missing is told, and the others go on", async () => {
    const bad = join(pictures, "bad.png");
    const gone = join(pictures, "gone.png");
    await Deno.writeTextFile(bad, "no picture");
    const links = join(folder.path, "links");
    await Deno.mkdir(links);
    await Deno.symlink("nowhere", join(links, "dangling.png"));
    const outcome = await kiln(["predict", ...json, "--top-k", "1", gone, bad, links, paths[3]]);
    assert.equal(outcome.code, 1);
    const lines = outcome.err.trimEnd().split("\n");
    assert.equal(lines.length, 3, outcome.err);
    assert.match(lines[0], /^error: Cannot read .*gone\.png: no such file/);
    assert.match(lines[1], /^error: Cannot decode .*bad\.png: expected a PNG or JPEG file/);
    assert.match(lines[2], /^error: Cannot read .*dangling\.png: no such file/);
    const { predictions, failed }: Found = JSON.parse(outcome.out);
    assert.deepEqual(predictions.map(({ image, classes }) => [image, classes.length]), [
      [paths[3], 1],
    ]);
    assert.deepEqual(failed.map(({ image }) => image), [gone, bad, join(links, "dangling.png")]);
    await Deno.remove(bad);
  });

  await test.step("an image on standard input, as CSV and as a table", async () => {
    const bytes = await Deno.readFile(paths[4]);
    const line = ["predict", "--run", runDir, ...MACHINE];
    const alone = await kiln([...line, "--format", "csv", "--top-k", "10", paths[4]]);
    const fromInput = await piped([...line, "--format", "csv", "--top-k", "10", "-"], bytes);
    assert.equal(fromInput.code, 0, fromInput.err);
    const [head, ...rows] = fromInput.out.trimEnd().split("\n");
    assert.equal(head, "image,rank,class,probability");
    assert.equal(rows.length, 10);
    const shares = rows.map((row) => Number(row.split(",")[3]));
    assert.ok(Math.abs(shares.reduce((a, b) => a + b) - 1) < 1e-9);
    assert.deepEqual(shares, shares.toSorted((a, b) => b - a));
    assert.equal(fromInput.out.replaceAll("-,", `${paths[4]},`), alone.out);
    const table = await piped([...line, paths[0], "-"], bytes);
    assert.equal(table.out.trimEnd().split("\n").length, 4, table.out);
    const [, , first, second] = table.out.split("\n");
    assert.ok(first.startsWith(paths[0]) && second.startsWith("- "), table.out);
  });

  await test.step("any size is brought to the run's", async () => {
    const data = new Uint8Array(90 * 50 * 3).fill(128);
    const path = join(folder.path, "wide.png");
    await Deno.writeFile(path, encode({ width: 90, height: 50, data, channels: 3, depth: 8 }));
    const outcome = await kiln(["predict", ...json, path]);
    assert.equal(outcome.code, 0, outcome.err);
    assert.equal(JSON.parse(outcome.out).predictions[0].classes.length, 3);
  });

  await test.step("nothing to predict is an error", async () => {
    const empty = join(folder.path, "empty");
    await Deno.mkdir(empty);
    assertMistake(await kiln(["predict", "--run", runDir, empty]), {
      code: 1,
      error: /Cannot predict .*empty: expected PNG or JPEG files, found none/,
      hint: /name a folder with images/,
    });
    assertMistake(await kiln(["predict", "--run", runDir]), {
      code: 2,
      error: /Cannot predict without images/,
      hint: /deno task predict --run/,
    });
  });
});
