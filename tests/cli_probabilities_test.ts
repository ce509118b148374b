/** `eval --probabilities`: the softmax of every image, as CSV and as NumPy's file. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { checkProbabilities } from "../src/cli/probability_files.ts";
import { decodeNpy } from "../src/formats/npy.ts";
import { assertMistake, kiln } from "./cli_support.ts";
import { namesIn, randomRecords, temporaryFolder } from "./data/helpers.ts";
import { writeRecordSet } from "./record_set.ts";

const CLASSES = ["cat", "dog, big", 'a "cow"', "ant", "bee", "Ёж", "7", "8", "9", "10"];
const IMAGES = 50;
const MACHINE = ["--batch-size", "16", "--device", "cpu", "--workers", "1", "--threads", "2"];

async function right(line: readonly string[]): Promise<string> {
  const { code, out, err } = await kiln(line);
  assert.equal(code, 0, err);
  return out;
}

async function npy(path: string): Promise<{ shape: readonly number[]; values: number[] }> {
  const { shape, data } = decodeNpy(await Deno.readFile(path));
  return { shape, values: Array.from(data, Number) };
}

/** The fields of a line of CSV whose quoted fields are as RFC 4180 has them. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(,|$)/g)]
    .slice(0, -1)
    .map(([, field]) => /^"/.test(field) ? field.slice(1, -1).replaceAll('""', '"') : field);
}

/** exp(z) / sum of each row, in float64. */
function softmaxes(logits: readonly number[]): number[] {
  const powers = logits.map(Math.exp);
  return powers.map((power, i) => {
    const first = i - i % CLASSES.length;
    const row = powers.slice(first, first + CLASSES.length);
    return power / row.reduce((sum, other) => sum + other, 0);
  });
}

Deno.test("eval writes the softmax of every image in the set's order", async (test) => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const [train, test_] = [randomRecords(40, 1), randomRecords(IMAGES, 2)];
  const set = { classes: CLASSES, train, test: test_ };
  const dataset = await writeRecordSet(folder.path, set);
  const run = ["--run-dir", at("run"), ...MACHINE];
  await right(["train", "--steps", "5", "--dataset", dataset, ...run]);

  for (const weights of [[], ["--no-ema"]]) {
    await test.step(`that of the logits that features writes ${weights}`, async () => {
      const tap = ["--tap", "softmax_linear", "--out", at("logits.npy")];
      await right(["features", ...run, ...tap, ...weights]);
      const expected = softmaxes((await npy(at("logits.npy"))).values);
      await right(["eval", ...run, "--probabilities", at("new/p.npy"), ...weights]);
      const { shape, values } = await npy(at("new/p.npy"));
      assert.deepEqual(shape, [IMAGES, CLASSES.length]);
      values.forEach((value, i) => {
        assert.ok(Math.abs(value - expected[i]) <= 2 ** -23 * expected[i], `value ${i}`);
      });
      for (let image = 0; image < IMAGES; image++) {
        const row = values.slice(image * CLASSES.length, (image + 1) * CLASSES.length);
        assert.ok(Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < 1e-6);
      }
      assert.deepEqual(await npy(at("new/p.labels.npy")), await npy(at("logits.labels.npy")));
      assert.deepEqual(await namesIn(at("new")), ["p.labels.npy", "p.npy"]);
    });
  }

  await test.step("the CSV holds the same numbers, with the names of label and classes", async () => {
    await right(["eval", ...run, "--both", "--probabilities", at("p.csv")]);
    await right(["eval", ...run, "--probabilities", at("p.npy")]);
    const [head, ...lines] = (await Deno.readTextFile(at("p.csv"))).trimEnd().split("\n");
    assert.deepEqual(fieldsOf(head), ["label", ...CLASSES]);
    const rows = lines.map(fieldsOf);
    const { values: labels } = await npy(at("p.labels.npy"));
    assert.deepEqual(rows.map(([label]) => label), labels.map((label) => CLASSES[label]));
    const shares = rows.flatMap(([, ...fields]) => fields.map((field) => Math.fround(+field)));
    assert.deepEqual(shares, (await npy(at("p.npy"))).values, "of both weights the averages'");
  });

  await test.step("a file that cannot be written is found before the work", async () => {
    const outcome = await kiln(["eval", ...run, "--probabilities", at("p.txt")]);
    assertMistake(outcome, {
      code: 2,
      error: /--probabilities must be a file that ends in \.csv or \.npy: found ".*p\.txt"/,
      hint: /for example --probabilities probabilities\.csv/,
    });
    assert.equal(outcome.out, "", "nothing was measured");
  });
});

Deno.test("probabilities that memory could not hold are refused", () => {
  checkProbabilities("p.npy", { images: 2 ** 20, classes: 128 });
  checkProbabilities(null, { images: 2 ** 30, classes: 128 });
  assert.throws(() => checkProbabilities("p.npy", { images: 2 ** 20 + 1, classes: 128 }), {
    name: "ConfigError",
    message:
      "Cannot keep the probabilities of 1,048,577 images as they are too many: expected at " +
      "most 134,217,728 values, found 134,217,856",
  });
});
