/** Going on with a run on the command line: what is refused, what is allowed, and what a signal leaves. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listCheckpoints } from "../src/train/checkpoints/list_checkpoints.ts";
import { assertMistake, kiln, ROOT, taskArguments } from "./cli_support.ts";
import { namesIn, sha256, temporaryFolder } from "./data/helpers.ts";
import {
  finish,
  resultOf,
  resumeLine,
  type Running,
  start,
  startLine,
  STEPS,
  withoutCheckpoints,
  writeDataset,
} from "./faults/support.ts";

/** Every file of a folder with its sum. */
async function snapshot(path: string, within = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await namesIn(join(path, within))) {
    const inner = join(within, name);
    const { isDirectory } = await Deno.stat(join(path, inner));
    if (isDirectory) Object.assign(found, await snapshot(path, inner));
    else found[inner] = sha256(await Deno.readFile(join(path, inner)));
  }
  return found;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** A copy of a run without its last two checkpoints. */
async function unfinished(whole: string, runDir: string): Promise<string> {
  await copyFolder(whole, runDir);
  for (const { path } of (await listCheckpoints(runDir)).slice(-2)) {
    await Deno.remove(path, { recursive: true });
  }
  return runDir;
}

async function reached({ out }: Running, text: RegExp): Promise<void> {
  const end = Date.now() + 60_000;
  while (!text.test(out())) {
    assert.ok(Date.now() < end, `${text} was never printed: ${out()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A data set, and a run that went to its end. */
async function wholeRun() {
  const folder = await temporaryFolder();
  const dataset = await writeDataset(folder.path);
  const whole = join(folder.path, "whole");
  const { code, err } = await finish(startLine(dataset, whole));
  assert.equal(code, 0, err);
  return {
    path: folder.path,
    dataset,
    whole,
    expected: await resultOf(whole),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
}

Deno.test("a complete run: --resume says so, other settings are refused, more steps can be allowed", async (test) => {
  await using run = await wholeRun();
  const { whole, dataset } = run;
  const before = await snapshot(whole);

  await test.step("there is nothing to do", async () => {
    const { code, out, err } = await finish(resumeLine(whole));
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /^the run is complete: 24 steps, .*checkpoints\/step-00000024$/m);
    const on = `deno task train --resume --run-dir ${whole} --steps 48 --allow-change steps`;
    assert.ok(out.split("\n").includes(`to train on: ${on}`), out);
    assert.deepEqual(await snapshot(whole), before);
  });

  await test.step("a change that is not allowed", async () => {
    const line = [...resumeLine(whole), "--seed", "4", "--learning-rate", "0.5", "--steps", "30"];
    assertMistake(await finish([...line, "--allow-change", "steps"]), {
      code: 2,
      error: /with another config: seed 3 became 4; learning-rate 0\.002 became 0\.5$/,
      hint: /leave these flags out, or allow it: --allow-change steps,seed,learning-rate$/,
    });
    const misspelt = await finish([...line, "--allow-change", "step,seed,learning-rate"]);
    assertMistake(misspelt, { code: 2, error: /unknown setting "step"/, hint: /mean steps\?/ });
    // Read by another optimizer only: the run's own settings are checked with the given ones.
    const beta = await finish([...resumeLine(whole), "--beta1", "0.5", "--allow-change", "beta1"]);
    assertMistake(beta, {
      code: 2,
      error: /--beta1 is read by .*found --optimizer momentum/,
      hint: /./,
    });
    assert.deepEqual(await snapshot(whole), before);
  });

  await test.step("a new run in its folder", async () => {
    assertMistake(await finish(startLine(dataset, whole)), {
      code: 1,
      error: /Cannot start a run in .*whole as it holds one already/,
      hint: new RegExp(
        `go on with it: --resume --run-dir ${RegExp.escape(whole)}; or choose another`,
      ),
    });
    assert.deepEqual(await snapshot(whole), before);
  });

  await test.step("more steps, allowed, and remembered even by a run that is killed at once", async () => {
    const more = ["--steps", `${STEPS + 6}`, "--allow-change", "steps"];
    const running = start([...resumeLine(whole), ...more]);
    await reached(running, /resumed from/);
    running.child.kill("SIGKILL");
    assert.match((await running.outcome).out, /^steps: 24 became 30, as allowed$/m);
    const { code, err } = await finish(resumeLine(whole));
    assert.equal(code, 0, err);
    assert.equal((await resultOf(whole)).step, STEPS + 6);
    const again = await finish(resumeLine(whole));
    assert.match(again.out, /complete: 30 steps.*\n.*--steps 60 --allow-change steps$/m);
    const straight = join(run.path, "straight");
    const line = startLine(dataset, straight).map((word) => word === "24" ? "30" : word);
    assert.equal((await finish(line)).code, 0);
    assert.deepEqual((await resultOf(whole)).sums, (await resultOf(straight)).sums);
  });
});

Deno.test("an unfinished run: other images and another device are refused unless allowed", async (test) => {
  await using run = await wholeRun();
  const { expected } = run;
  const copyOf = (name: string) => unfinished(run.whole, join(run.path, name));

  await test.step("the config in the folder is not needed", async () => {
    for (const damage of ["{", "", '{"steps": 3}', undefined]) {
      const runDir = await copyOf(`config-${String(damage).length}`);
      const config = join(runDir, "config.json");
      const good = JSON.parse(await Deno.readTextFile(config));
      if (damage === undefined) await Deno.remove(config);
      else await Deno.writeTextFile(config, damage);
      const { code, err } = await finish(resumeLine(runDir));
      assert.equal(code, 0, `${damage}: ${err}`);
      const found = await resultOf(runDir);
      assert.deepEqual(found, expected, damage);
      const { steps, batchSize, seed } = JSON.parse(await Deno.readTextFile(config));
      assert.deepEqual([steps, batchSize, seed], [good.steps, good.batchSize, good.seed], damage);
    }
    const bare = join(run.path, "bare");
    await Deno.mkdir(bare);
    await Deno.writeTextFile(join(bare, "config.json"), "{");
    const outcome = await finish(resumeLine(bare));
    assertMistake(outcome, { code: 1, error: /Cannot use .*config\.json/, hint: /train again/ });
  });

  await test.step("another device", async () => {
    const runDir = await copyOf("device");
    const before = await snapshot(runDir);
    const line = [...resumeLine(runDir), "--device", "software"];
    assertMistake(await finish(line), {
      code: 2,
      error: /with another config: device "CPU engine" became "WebGPU, /,
      hint: /--allow-change device$/,
    });
    assert.deepEqual(await snapshot(runDir), before);
    const { code, out, err } = await finish([...line, "--allow-change", "device"]);
    assert.equal(code, 0, err);
    assert.match(out, /^device: "CPU engine" became "WebGPU, .*", as allowed$/m);
    assert.equal((await resultOf(runDir)).step, STEPS);
  });

  await test.step("other labels", async () => {
    const runDir = await copyOf("labels");
    const images = join(run.path, "train.bin");
    const bytes = await Deno.readFile(images);
    bytes[0] = (bytes[0] + 1) % 10;
    await Deno.writeFile(images, bytes);
    const before = await snapshot(runDir);
    assertMistake(await finish(resumeLine(runDir)), {
      code: 2,
      error:
        /dataset "10 classes: wave 0, .*; training images \w{12}" became "10 classes: wave 0, /,
      hint: /--allow-change dataset$/,
    });
    assert.deepEqual(await snapshot(runDir), before);
    const allowed = await finish([...resumeLine(runDir), "--allow-change", "dataset"]);
    assert.equal(allowed.code, 0, allowed.err);
    // From then on these are the run's images.
    assert.equal((await finish(resumeLine(runDir))).code, 0);
    bytes[0] = (bytes[0] + 9) % 10;
    await Deno.writeFile(images, bytes);
  });
});

Deno.test("a folder without a run is not resumed, and not made", async () => {
  await using folder = await temporaryFolder();
  const none = join(folder.path, "none");
  const expected = {
    code: 1,
    error: /Cannot resume .* as it holds no run/,
    hint: /leave out --resume/,
  };
  assertMistake(await finish(resumeLine(none)), expected);
  assert.deepEqual(await namesIn(folder.path), []);
  assertMistake(await finish(resumeLine(folder.path)), expected);
  assert.deepEqual(await namesIn(folder.path), []);
  const both = await kiln(["train", "--resume", "--init-from", "x", "--run-dir", none]);
  assertMistake(both, { code: 2, error: /--init-from and --resume exclude each other/, hint: /./ });
});

Deno.test("two processes in one folder, and a signal to the first", async (test) => {
  await using run = await wholeRun();
  for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    await test.step(signal, async () => {
      const runDir = join(run.path, signal);
      const running = start(startLine(run.dataset, runDir));
      await reached(running, /step 3: checkpoint/);
      // Its lock holds while it does nothing, however slow the others are.
      running.child.kill("SIGSTOP");
      for (const line of [startLine(run.dataset, runDir), resumeLine(runDir)]) {
        const before = await snapshot(runDir);
        assertMistake(await finish(line), {
          code: 1,
          error: /Cannot train in .* as another process trains there/,
          hint: /wait for it, stop it, or choose another --run-dir/,
        });
        assert.deepEqual(await snapshot(runDir), before);
      }
      running.child.kill("SIGCONT");
      running.child.kill(signal);
      const { code, out, err } = await running.outcome;
      assert.deepEqual([code, err], [exitCode, ""], out);
      assert.match(
        out,
        new RegExp(`^${signal}: ending after this step; once more ends at once$`, "m"),
      );
      const { step } = (await listCheckpoints(runDir)).at(-1) ?? assert.fail(out);
      assert.ok(step < STEPS, `it went on to step ${step}`);
      assert.match(
        out,
        new RegExp(`^interrupted at step ${step}: all is saved in .*${step}$`, "m"),
      );
      const hint = `to go on: deno task train --resume --run-dir ${runDir}`;
      assert.ok(out.split("\n").includes(hint), out);
      const resumed = await finish(resumeLine(runDir));
      assert.equal(resumed.code, 0, resumed.err);
      const found = await resultOf(runDir);
      assert.deepEqual(found.sums, run.expected.sums);
      assert.deepEqual(withoutCheckpoints(found.rows), withoutCheckpoints(run.expected.rows));
    });
  }
});

/** The disk is full from the sixth checkpoint on, for files of all kinds. */
const FULL_DISK = `
const full = () => Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
const { write, writeSync } = Deno.FsFile.prototype;
let files = 0;
Deno.FsFile.prototype.write = function (bytes) {
  return files++ > 20 ? Promise.reject(full()) : write.call(this, bytes);
};
Deno.FsFile.prototype.writeSync = function (bytes) {
  if (files > 20) throw full();
  return writeSync.call(this, bytes);
};`;

Deno.test("a disk that stays full ends in one line with the way on, and nothing is lost", async () => {
  await using run = await wholeRun();
  const preload = join(run.path, "preload.ts");
  await Deno.writeTextFile(preload, FULL_DISK);
  const runDir = join(run.path, "full");
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: [
      ...taskArguments("train"),
      "--preload",
      preload,
      "cli.ts",
      ...startLine(run.dataset, runDir),
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertMistake({ code, out, err }, {
    code: 1,
    error: /^error: Cannot write .*: no space left$/,
    hint: /^hint: step 5 is safe; free some space, then: deno task train --resume --run-dir/,
  });
  assert.match(
    out,
    /^warning: step \d+: no checkpoint: .*; that of step 5 is safe, training goes on/m,
  );
  const resumed = await finish(resumeLine(runDir));
  assert.equal(resumed.code, 0, resumed.err);
  assert.deepEqual(await resultOf(runDir), run.expected);
});
