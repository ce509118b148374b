/** `finetune`: a head on features learns what a linear one can, and with a hidden layer what it cannot. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors, writeSafetensors } from "../src/formats/safetensors.ts";
import { assertMistake, kiln } from "./cli_support.ts";
import { temporaryFolder } from "./data/helpers.ts";
import { testRandom } from "./support.ts";

const MACHINE = ["--device", "cpu", "--threads", "2"];
const CLASSES = ["same", "other"];

/** Points around the corners of a square; the label is whether both signs are the same: no line tells. */
async function writePoints(path: string, count: number, seed: number, classes = CLASSES) {
  const random = testRandom(seed);
  const signs = Array.from({ length: count }, (_, i) => [i % 2, (i >> 1) % 2]);
  const features = signs.flatMap((pair) => pair.map((sign) => 2 * sign - 1 + random() / 2));
  const labels = signs.map(([a, b]) => BigInt(a ^ b));
  await writeSafetensors(path, {
    features: { dtype: "F32", shape: [count, 1, 2], data: Float32Array.from(features) },
    labels: { dtype: "I64", shape: [count], data: BigInt64Array.from(labels) },
  }, { model: "square", tap: "corner", classes: JSON.stringify(classes) });
}

Deno.test("a head is trained on features and measured on others", async (test) => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const [train, other] = [at("train.safetensors"), at("other.safetensors")];
  await writePoints(train, 101, 1);
  await writePoints(other, 50, 2);
  const run = (name: string, ...more: string[]) =>
    kiln([
      ...["finetune", "--features", train, "--validation-features", other, "--batch-size", "16"],
      ...["--steps", "300", "--learning-rate", "0.1", "--run-dir", at(name), ...MACHINE, ...more],
    ]);
  const weights = (name: string) =>
    readSafetensors(join(at(name), "checkpoints/step-00000300/model.safetensors"));

  await test.step("a hidden layer learns what a line cannot tell, to the same bits again", async () => {
    for (const name of ["hidden", "again"]) {
      const { code, out, err } = await run(name, "--hidden", "16", "--json");
      assert.equal(code, 0, err);
      const { step, precision, images } = JSON.parse(out);
      assert.deepEqual([step, precision, images], [300, 1, 50]);
    }
    const { tensors } = await weights("hidden");
    assert.deepEqual(tensors["hidden/weights"].shape, [2, 16]);
    assert.deepEqual(tensors, (await weights("again")).tensors);
    const config = JSON.parse(await Deno.readTextFile(join(at("hidden"), "config.json")));
    assert.deepEqual([config.source, config.classes], ["corner of square", CLASSES]);
    const lines = (await Deno.readTextFile(join(at("hidden"), "metrics.jsonl"))).trim().split("\n");
    assert.equal(JSON.parse(lines.at(-1)!).precision, 1);
  });

  await test.step("a linear head does not", async () => {
    const { code, out, err } = await run("linear");
    assert.equal(code, 0, err);
    assert.match(out, /step 300: head on 2 values of corner of square$/m);
    const [, precision] = /precision @ 1 = ([\d.]+)/.exec(out) ?? [];
    assert.ok(Number(precision) < 0.9, out);
  });

  await test.step("nonsense is refused", async () => {
    assertMistake(await kiln(["finetune"]), {
      code: 2,
      error: /without --features/,
      hint: /deno task features/,
    });
    assertMistake(await run("hidden"), { code: 1, error: /holds one already/, hint: /another/ });
    await writePoints(other, 50, 2, ["x", "y"]);
    assertMistake(await run("refused"), {
      code: 2,
      error: /must be of what --features are, .*same, other: found .*classes x, y/,
      hint: /same --tap and --classes/,
    });
    await writePoints(other, 50, 2, ["one"]);
    assertMistake(await run("refused"), {
      code: 1,
      error: /labels below 1, found label 1/,
      hint: /./,
    });
    await writeSafetensors(other, {});
    assertMistake(await run("refused"), {
      code: 1,
      error: /expected features \[N, …\] as F32/,
      hint: /deno task features/,
    });
  });
});
