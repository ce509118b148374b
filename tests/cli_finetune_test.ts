/** `train --finetune-from`: a network for other classes, a part of it frozen, its head at a rate of its own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors } from "../src/formats/safetensors.ts";
import { createModel } from "../src/nn/model.ts";
import { resnet } from "../src/nn/models/resnet.ts";
import { initialValues, parameterLayout, splitBlock } from "../src/nn/parameters.ts";
import { assertMistake, kiln } from "./cli_support.ts";
import { randomRecords, temporaryFolder } from "./data/helpers.ts";
import { RECORD_BYTES, writeRecordSet } from "./record_set.ts";

const SETTINGS = [
  ...["train", "--model", "resnet-8", "--recipe", "none", "--batch-size", "8"],
  ...["--device", "cpu", "--threads", "2", "--workers", "1", "--checkpoint-every", "0"],
];

type Named = Readonly<Record<string, Float32Array>>;

async function tensorsOf(runDir: string, step: number, file = "model"): Promise<Named> {
  const folder = join(runDir, "checkpoints", `step-${String(step).padStart(8, "0")}`);
  const { tensors } = await readSafetensors(join(folder, `${file}.safetensors`));
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [name, data as Float32Array]),
  );
}

/** A data set of so many classes. */
async function dataset(folder: string, classes: readonly string[]): Promise<string> {
  await Deno.mkdir(folder);
  const records = (count: number, seed: number) => {
    const bytes = randomRecords(count, seed);
    for (let i = 0; i < count; i++) bytes[i * RECORD_BYTES] = i % classes.length;
    return bytes;
  };
  return await writeRecordSet(folder, { classes, train: records(24, 1), test: records(8, 2) });
}

Deno.test("a run for other classes starts from one", async (test) => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const [old, other] = [
    await dataset(at("old"), ["a", "b", "c"]),
    await dataset(at("other"), ["d", "e", "f"]),
  ];
  const run = (name: string, ...more: string[]) =>
    kiln([...SETTINGS, "--run-dir", at(name), ...more]);
  const before = await run("before", "--dataset", old, "--steps", "3");
  assert.equal(before.code, 0, before.err);
  const source = await tensorsOf(at("before"), 3, "ema");
  const from = ["--dataset", other, "--finetune-from", at("before"), "--seed", "5"];
  const layout = parameterLayout(createModel(resnet(8), 3).parameters);
  const random = splitBlock(layout, initialValues(layout, 5));
  const isHead = (name: string) => name.startsWith("logits/");

  await test.step("with the body of its averages, and a head at random though its shape matches", async () => {
    const still = ["--steps", "1", "--learning-rate", "1e-60"];
    const { code, out, err } = await run("still", ...from, ...still);
    assert.equal(code, 0, err);
    assert.match(out, /^finetune: 21 of 23 tensors from .*step-00000003, moving averages$/m);
    assert.match(out, /^finetune: at random: logits\/weights, logits\/biases$/m);
    for (const [name, values] of Object.entries(await tensorsOf(at("still"), 1))) {
      if (/moving_/.test(name)) continue;
      assert.deepEqual(values, isHead(name) ? random[name] : source[name], name);
    }
  });

  const frozen = (name: string) => /^(stem|unit_[12])/.test(name);
  const freeze = ["--freeze", "stem*, unit_1_*,unit_2_?/*", "--optimizer", "momentum"];

  await test.step("what is frozen keeps its bits, moments and all, while the rest moves", async () => {
    const { code, out, err } = await run("frozen", ...from, ...freeze, "--steps", "4");
    assert.equal(code, 0, err);
    assert.match(out, /^finetune: frozen: stem\/weights, unit_1_0\/bn1\/gamma, /m);
    for (const file of ["model", "ema"]) {
      const after = await tensorsOf(at("frozen"), 4, file);
      assert.deepEqual(Object.keys(after).sort(), Object.keys(source).sort());
      for (const [name, values] of Object.entries(after)) {
        if (frozen(name)) assert.deepEqual(values, source[name], `${file}: ${name}`);
        else assert.notDeepEqual(values, isHead(name) ? random[name] : source[name], name);
      }
    }
    const { [`velocity/stem/weights`]: velocity } = await tensorsOf(at("frozen"), 4, "optimizer");
    assert.ok(velocity.every((value) => value === 0));
  });

  await test.step("the head has a rate of its own", async () => {
    const one = [...from, "--steps", "1", "--learning-rate", "0.01"];
    assert.equal((await run("plain", ...one)).code, 0);
    assert.equal((await run("head", ...one, "--head-learning-rate", "0.08")).code, 0);
    const [plain, head] = [await tensorsOf(at("plain"), 1), await tensorsOf(at("head"), 1)];
    for (const [name, values] of Object.entries(head)) {
      if (!isHead(name)) assert.deepEqual(values, plain[name], name);
      else {
        values.forEach((value, i) => {
          const step = plain[name][i] - random[name][i];
          assert.ok(Math.abs(value - random[name][i] - 8 * step) < 1e-6, name);
        });
        assert.notDeepEqual(values, plain[name]);
      }
    }
  });

  await test.step("a resumed run is the one that never stopped, without the run it came from", async () => {
    const rest = [...freeze, "--head-learning-rate", "0.3"];
    assert.equal((await run("whole", ...from, ...rest, "--steps", "4")).code, 0);
    assert.equal((await run("half", ...from, ...rest, "--steps", "2")).code, 0);
    await Deno.rename(at("before"), at("gone"));
    const more = ["--resume", "--steps", "4", "--allow-change", "steps"];
    const { code, err } = await kiln(["train", ...more, "--run-dir", at("half")]);
    assert.equal(code, 0, err);
    for (const file of ["model", "ema", "optimizer"]) {
      assert.deepEqual(await tensorsOf(at("half"), 4, file), await tensorsOf(at("whole"), 4, file));
    }
    await Deno.rename(at("gone"), at("before"));
  });

  await test.step("nonsense is refused", async () => {
    const cases: [string[], number, RegExp, RegExp][] = [
      [["--freeze", "conv*", ...from], 2, /--freeze "conv\*" matches no parameter/, /--freeze/],
      [["--freeze", "stem/weight", ...from], 2, /matches no parameter/, /stem\/weights\?/],
      [["--freeze", "logits/*", ...from], 2, /leave out what starts at random/, /logits\/weights/],
      [["--freeze", "*", ...from], 2, /leave out what starts at random/, /logits\/weights/],
      [["--freeze", "stem*", "--dataset", other], 2, /by --finetune-from only/, /leave out/],
      [["--head-learning-rate", "1", "--dataset", other], 2, /by --finetune-from only/, /leave/],
      [
        ["--head-learning-rate", "1", "--optimizer", "adamw", ...from],
        2,
        /found adamw/,
        /momentum/,
      ],
      [
        ["--dataset", old, "--finetune-from", at("before"), "--head-learning-rate", "1"],
        2,
        /no parameter starts at random/,
        /leave it out/,
      ],
      [["--model", "resnet-14", ...from], 1, /expected model resnet-14, found resnet-8/, /--model/],
    ];
    for (const [more, code, error, hint] of cases) {
      const line = more[0] === "--model" ? SETTINGS.filter((_, i) => i < 1 || i > 2) : SETTINGS;
      const outcome = await kiln([...line, "--run-dir", at("refused"), ...more]);
      assertMistake(outcome, { code, error, hint });
    }
  });
});
