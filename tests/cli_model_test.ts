/** The README's model of one's own on the command line: train, evaluate, predict, go on to the same bits. */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { encode } from "npm:fast-png@8.0.0";
import { readSafetensors, writeSafetensors } from "../src/formats/safetensors.ts";
import { listCheckpoints } from "../src/train/checkpoints/list_checkpoints.ts";
import { assertMistake, kiln, type Outcome, ROOT, taskArguments } from "./cli_support.ts";
import { temporaryFolder } from "./data/helpers.ts";
import { resultOf, writeDataset } from "./faults/support.ts";

const MACHINE = ["--device", "cpu", "--workers", "1", "--threads", "2"];
const STEPS = 6;

/** The README's model, as a file that finds the library from anywhere. */
async function writeModel(folder: string): Promise<string> {
  const readme = await Deno.readTextFile(join(ROOT, "README.md"));
  const [, text] = /```ts\n(\/\/ my_model\.ts\n[^]*?)```/.exec(readme) ?? assert.fail("no model");
  const path = join(folder, "my_model.ts");
  const library = JSON.stringify(pathToFileURL(join(ROOT, "mod.ts")).href);
  await Deno.writeTextFile(path, text.replace('"./mod.ts"', library));
  return path;
}

/** The command line as its users run it, from another working folder than kiln's own. */
async function kilnIn(cwd: string, line: readonly string[]): Promise<Outcome> {
  const args = [...taskArguments(line[0]), join(ROOT, "cli.ts"), ...line];
  const { code, stdout, stderr } = await new Deno.Command("deno", { args, cwd }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

function right({ code, out, err }: Outcome): string {
  assert.equal(code, 0, err);
  return out;
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

Deno.test("a model of one's own trains, is measured, predicts and is gone on with", async (test) => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const file = await writeModel(folder.path);
  const dataset = await writeDataset(folder.path);
  // As a person writes it.
  const model = `./${relative(ROOT, file)}`;
  const runDir = at("run");
  const line = ["train", "--model", model, "--dataset", dataset, "--batch-size", "8", ...MACHINE];
  const more = ["--steps", `${STEPS}`, "--checkpoint-every", "2", "--eval-every", "2"];

  await test.step("train takes the file and its recipe, given flags win", async () => {
    const out = right(await kiln([...line, ...more, "--pad", "1", "--run-dir", runDir]));
    assert.match(out, /^ +model +my-model$/m);
    assert.match(out, /^step 6: precision @ 1 = /m);
    const config = JSON.parse(await Deno.readTextFile(join(runDir, "config.json")));
    const { optimizer, schedule, learningRate, weightDecay, pad, steps } = config;
    assert.deepEqual([optimizer, schedule, learningRate], ["momentum", "cosine", 0.05]);
    assert.deepEqual([weightDecay, pad, steps], [0.0005, 1, STEPS]);
    assert.deepEqual([config.model, config.recipe, config.bottleneck], [file, null, false]);
  });

  await test.step("eval and predict load the file again, and agree", async () => {
    const report = JSON.parse(right(await kiln(["eval", "--run", runDir, "--json", ...MACHINE])));
    assert.equal(report.images, 32);
    const [mistake] = report.mistakes;
    const image = 3 * 1024;
    const record = (await Deno.readFile(at("test.bin"))).subarray((image + 1) * mistake.image + 1);
    const data = Uint8Array.from({ length: image }, (_, i) => record[i % 3 * 1024 + ~~(i / 3)]);
    const picture = at("picture.png");
    await Deno.writeFile(picture, encode({ width: 32, height: 32, data, channels: 3, depth: 8 }));
    const json = ["--format", "json", picture];
    const out = right(await kiln(["predict", "--run", runDir, ...MACHINE, ...json]));
    const [{ classes: [best] }] = JSON.parse(out).predictions;
    assert.equal(best.class, mistake.predicted);
    assert.ok(Math.abs(best.probability - mistake.probability) < 1e-6);
  });

  await test.step("--resume ends with the bits of the run that never stopped", async () => {
    const again = at("again");
    await copy(runDir, again);
    for (const { path, step } of await listCheckpoints(again)) {
      if (step > 2) await Deno.remove(path, { recursive: true });
    }
    assert.equal((await resultOf(again)).step, 2);
    right(await kiln(["train", "--resume", "--run-dir", again, "--workers", "1"]));
    assert.deepEqual(await resultOf(again), await resultOf(runDir));
  });

  await test.step("from another working folder the model is found all the same", async () => {
    const report = right(await kiln(["eval", "--run", runDir, "--json", ...MACHINE]));
    const elsewhere = at("else/where");
    await Deno.mkdir(elsewhere, { recursive: true });
    const away = (...line: string[]) => kilnIn(elsewhere, line);
    const { checkpoint: _, ...found } = JSON.parse(
      right(await away("eval", "--run", "../../run", "--json", ...MACHINE)),
    );
    const { checkpoint: _path, ...expected } = JSON.parse(report);
    assert.deepEqual(found, expected);
    const picture = ["--format", "json", "../../picture.png"];
    right(await away("predict", "--run", "../../run", ...MACHINE, ...picture));
    assert.match(
      right(await away("features", "--run", "../../run")),
      /^logits +dense +\[10\] +10$/m,
    );
    const again = at("again-elsewhere");
    await copy(runDir, again);
    await Deno.remove((await listCheckpoints(again)).at(-1)!.path, { recursive: true });
    const resume = ["train", "--resume", "--run-dir", "../../again-elsewhere", "--workers", "1"];
    right(await away(...resume, "--model", "../../my_model.ts"));
    assert.deepEqual(await resultOf(again), await resultOf(runDir));
    await Deno.writeTextFile(at("else/my_model.ts"), await Deno.readTextFile(file));
    assertMistake(await away(...resume, "--model", "../my_model.ts"), {
      code: 2,
      error: /^error: Cannot resume .*: model ".*my_model\.ts" became ".*else\/my_model\.ts"$/,
      hint: /--allow-change model$/,
    });
  });

  await test.step("a run that is moved with its model takes the one beside it", async () => {
    const moved = at("moved");
    await Deno.mkdir(moved);
    await copy(runDir, join(moved, "run"));
    const text = await Deno.readTextFile(file);
    await Deno.writeTextFile(
      join(moved, "my_model.ts"),
      text.replace("filters: 32", "filters: 16"),
    );
    assertMistake(await kiln(["eval", "--run", join(moved, "run"), ...MACHINE]), {
      code: 1,
      error: /model\.safetensors: expected stem\/weights as F32 \[3, 3, 3, 16\], found F32 \[/,
      hint: /another model/,
    });
  });

  await test.step("--init-from brings weights and running moments, which go on from there", async () => {
    const weights = async (run: string) => {
      const { path } = (await listCheckpoints(run)).at(-1) ?? assert.fail("no checkpoint");
      return (await readSafetensors(join(path, "model.safetensors"))).tensors;
    };
    const tensors = { ...await weights(runDir) };
    const name = "b/bn2/moving_variance";
    tensors[name] = { dtype: "F32", shape: [32], data: new Float32Array(32).fill(1000) };
    await writeSafetensors(at("start.safetensors"), tensors);
    const from = ["--init-from", at("start.safetensors"), "--run-dir", at("tuned")];
    const out = right(await kiln([...line, ...from, "--steps", "1", "--learning-rate", "1e-9"]));
    assert.match(out, /^init: (\d+) of \1 tensors from /m);
    assert.match(out, /^init: running moments of 7 of 7 layers$/m);
    assert.doesNotMatch(out, /not used|at random|variance 1/);
    // 0.9 of what was given, 0.1 of the batch's.
    const { data } = (await weights(at("tuned")))[name];
    assert.ok((data as Float32Array).every((value) => value > 900 && value < 910), `${data}`);
  });

  await test.step("a file that has changed since, or is gone, is one line", async () => {
    const text = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, text.replace("filters: 32", "filters: 16"));
    const evaluation = ["eval", "--run", runDir, ...MACHINE];
    assertMistake(await kiln(evaluation), {
      code: 1,
      error: /model\.safetensors: expected stem\/weights as F32 \[3, 3, 3, 16\], found F32 \[/,
      hint: /another model/,
    });
    await Deno.writeTextFile(file, text.replace('"stem", images', '"bn", images'));
    assertMistake(await kiln([...line, "--run-dir", at("other"), "--steps", "1"]), {
      code: 1,
      error: /^error: Cannot build the model .*my_model\.ts:\d+:\d+: Cannot declare bn twice/,
      hint: /^hint: mend its build function$/,
    });
    await Deno.remove(file);
    assertMistake(await kiln(evaluation), {
      code: 1,
      error: /^error: Cannot load the model \/.*my_model\.ts: Module not found/,
      hint: /^hint: check the path/,
    });
  });
});

Deno.test("a model that there is not ends the command line as a mistake", async () => {
  assertMistake(await kiln(["train", "--model", "resnet-21"]), {
    code: 2,
    error: /^error: Cannot make a resnet of 21 layers as they must be 6n \+ 2: the nearest is 20$/,
    hint: /^hint: choose a number of layers that there is$/,
  });
  assertMistake(await kiln(["train", "--model", "resnet-20", "--recipe", "fast"]), {
    code: 2,
    error: /^error: unknown recipe "fast" of resnet-20: expected one of none, default$/,
    hint: /^hint: leave out --recipe for the model's own$/,
  });
  assertMistake(await kiln(["train", "--model", "wrn-28-10", "--bottleneck"]), {
    code: 2,
    error: /^error: --bottleneck is read by --model resnet-N only: found wrn-28-10$/,
    hint: /^hint: for example --model resnet-164 --bottleneck$/,
  });
});
