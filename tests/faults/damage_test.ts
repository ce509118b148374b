/** Damaged checkpoints: the one before is taken, and the run ends with the same weights all the same. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listCheckpoints } from "../../src/train/checkpoints/list_checkpoints.ts";
import { namesIn, temporaryFolder } from "../data/helpers.ts";
import { testRandom } from "../support.ts";
import { finish, QUICK, report, resultOf, resumeLine, startLine, writeDataset } from "./support.ts";

/** Of each file of a checkpoint. */
const FLIPS = QUICK ? 2 : 12;
const TRUNCATIONS = QUICK ? 1 : 4;

/** Does something to a file. */
type Damage = (path: string, random: () => number) => Promise<void>;

const flip: Damage = async (path, random) => {
  const bytes = await Deno.readFile(path);
  bytes[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(random() * 8);
  await Deno.writeFile(path, bytes);
};

const truncate: Damage = async (path, random) => {
  const { size } = await Deno.stat(path);
  await Deno.truncate(path, Math.floor(random() * size));
};

const lengthen: Damage = (path) => Deno.writeFile(path, Uint8Array.of(0), { append: true });

const remove: Damage = (path) => Deno.remove(path);

Deno.test("a damaged newest checkpoint is set aside, and the one before goes on", async () => {
  await using folder = await temporaryFolder();
  const dataset = await writeDataset(folder.path);
  const whole = join(folder.path, "whole");
  assert.equal((await finish(startLine(dataset, whole))).code, 0);
  const expected = await resultOf(whole);
  const [newest, before] = (await listCheckpoints(whole)).reverse();
  const files = await namesIn(newest.path);
  assert.equal(files.length, 4);
  const faults: [string, Damage, number][] = [
    ["one flipped bit at a random place", flip, FLIPS],
    ["truncated at a random place", truncate, TRUNCATIONS],
    ["one byte more", lengthen, 1],
    ["missing", remove, 1],
  ];
  const random = testRandom(7);
  for (const [fault, damage, times] of faults) {
    for (const name of files) {
      for (let i = 0; i < times; i++) {
        const what = `${name}, ${fault}`;
        const runDir = join(folder.path, "damaged");
        await copyFolder(whole, runDir);
        await damage(join(runDir, "checkpoints", `step-${pad(newest.step)}`, name), random);
        const { code, out, err } = await finish(resumeLine(runDir));
        assert.equal(code, 0, `${what}: ${err}`);
        assert.match(out, /^warning: Cannot (use|read) .*step-00000024/m, what);
        assert.match(out, /^warning: .*step-00000024 is set aside/m, what);
        assert.match(out, new RegExp(`resumed from +.*step-${pad(before.step)}$`, "m"), what);
        assert.deepEqual(await resultOf(runDir), expected, what);
        const left = await namesIn(join(runDir, "checkpoints"));
        assert.equal(left.filter((entry) => entry.includes("damaged")).length, 1, what);
        await Deno.remove(runDir, { recursive: true });
      }
    }
    report(
      `${fault}, in each of ${files.length} files of the newest checkpoint`,
      times * files.length,
      "told, set aside, the one before goes on to equal weights and metrics",
    );
  }
});

Deno.test("where all are damaged nothing is trained over them", async () => {
  await using folder = await temporaryFolder();
  const dataset = await writeDataset(folder.path);
  const runDir = join(folder.path, "run");
  assert.equal((await finish(startLine(dataset, runDir))).code, 0);
  const all = await listCheckpoints(runDir);
  const random = testRandom(8);
  for (const { path } of all) await flip(join(path, "model.safetensors"), random);
  const before = await namesIn(join(runDir, "checkpoints"));
  const { code, err } = await finish(resumeLine(runDir));
  assert.equal(code, 1);
  assert.match(err, new RegExp(`error: no checkpoint found in .*: all ${all.length} are damaged`));
  assert.deepEqual(await namesIn(join(runDir, "checkpoints")), before);
  report("a flipped bit in every checkpoint", 1, "refused with exit code 1, all left as they were");
});

function pad(step: number): string {
  return String(step).padStart(8, "0");
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}
