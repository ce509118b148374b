/** A disk that fills up, files that may not grow, a folder that turns read-only: nothing is lost. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listCheckpoints } from "../../src/train/checkpoints/list_checkpoints.ts";
import { verifyCheckpoint } from "../../src/train/checkpoints/load_checkpoint.ts";
import { ROOT, taskArguments } from "../cli_support.ts";
import { temporaryFolder } from "../data/helpers.ts";
import {
  complete,
  finish,
  report,
  resultOf,
  resumeLine,
  start,
  startLine,
  writeDataset,
} from "./support.ts";

/** A checkpoint of the run takes 12.9 MB: three fit here, and a part of a fourth. */
const DISK_MIB = 44;

/** A small file system in memory, unmounted at the end of the block. Needs root. */
async function smallDisk(path: string, mebibytes: number) {
  await Deno.mkdir(path);
  await system("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path);
  return { path, [Symbol.asyncDispose]: () => system("umount", "-l", path) };
}

async function system(command: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(command, { args }).output();
  assert.equal(code, 0, `${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Every checkpoint that is there is whole; returns their steps. */
async function soundSteps(runDir: string): Promise<number[]> {
  const all = await listCheckpoints(runDir);
  for (const { path } of all) await verifyCheckpoint(path);
  return all.map(({ step }) => step);
}

Deno.test("a full disk: the run goes on, or stops, as --on-full says; space lets it finish", async () => {
  await using folder = await temporaryFolder();
  const dataset = await writeDataset(folder.path);
  const untouched = join(folder.path, "untouched");
  assert.equal((await finish(startLine(dataset, untouched))).code, 0);
  const expected = await resultOf(untouched);
  await using disk = await smallDisk(join(folder.path, "disk"), DISK_MIB);

  for (const choice of ["continue", "stop"]) {
    const runDir = join(disk.path, choice);
    const { code, out, err } = await finish([...startLine(dataset, runDir), "--on-full", choice]);
    // The last checkpoint cannot be written either: that is an error whatever was chosen.
    assert.equal(code, 1, `${out}${err}`);
    assert.match(err, /^error: Cannot write .*: no space left$/m);
    assert.match(err, /^hint: step \d+ is safe; free some space, then: deno task train --resume/m);
    const warnings = out.match(/^warning: step \d+: no checkpoint: .*no space left/gm) ?? [];
    assert.equal(warnings.length > 0, choice === "continue", out);
    if (choice === "continue") assert.match(out, /step 23, loss/, "training went on to the end");
    assert.ok((await soundSteps(runDir)).length >= 2);

    await system("mount", "-o", "remount,size=400m", disk.path);
    const resumed = await finish(resumeLine(runDir));
    assert.equal(resumed.code, 0, resumed.err);
    assert.deepEqual((await resultOf(runDir)).sums, expected.sums);
    assert.deepEqual((await resultOf(runDir)).rows, expected.rows);
    await Deno.remove(runDir, { recursive: true });
    await system("mount", "-o", `remount,size=${DISK_MIB}m`, disk.path);
    const what = choice === "continue"
      ? "warned, trained on, exit code 1 at the end"
      : "exit code 1";
    report(
      `disk full, --on-full ${choice}`,
      1,
      `${what}; earlier ones whole; resumed to equal weights`,
    );
  }
});

Deno.test("a disk that is full for a while: lines of metrics wait in memory", async () => {
  await using folder = await temporaryFolder();
  const dataset = await writeDataset(folder.path);
  const untouched = join(folder.path, "untouched");
  assert.equal((await finish(startLine(dataset, untouched))).code, 0);
  await using disk = await smallDisk(join(folder.path, "disk"), 100);
  const runDir = join(disk.path, "run");
  const running = start(startLine(dataset, runDir));
  const ballast = join(disk.path, "ballast");
  while (!/step 3: checkpoint/.test(running.out())) await pause(2);
  await fill(ballast);
  while (!/no checkpoint/.test(running.out())) await pause(2);
  await Deno.remove(ballast);
  const { code, out, err } = await running.outcome;
  assert.equal(code, 0, `${out}${err}`);
  const [actual, expected] = [await resultOf(runDir), await resultOf(untouched)];
  assert.deepEqual(actual.sums, expected.sums);
  const rows = (all: readonly string[]) => all.filter((row) => !row.includes('"checkpoint"'));
  assert.deepEqual(rows(actual.rows), rows(expected.rows), "no line is lost");
  report("disk full for a while", 1, "warned; later checkpoints written; equal weights and rows");
});

Deno.test("files that may not grow: an error like a full disk, and a resume without the limit", async () => {
  await using folder = await temporaryFolder();
  const dataset = await writeDataset(folder.path);
  const untouched = join(folder.path, "untouched");
  assert.equal((await finish(startLine(dataset, untouched))).code, 0);
  const runDir = join(folder.path, "run");
  const line = startLine(dataset, runDir);
  // Blocks of 512 bytes: no file of a checkpoint fits. The signal that comes with it is ignored.
  const command = new Deno.Command("sh", {
    args: [
      "-c",
      `trap '' XFSZ; ulimit -f 2000; exec deno "$@"`,
      "sh",
      ...taskArguments("train"),
      "cli.ts",
      ...line,
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { code, out, err } = await start(line, command).outcome;
  assert.equal(code, 1, out);
  assert.match(out, /no checkpoint: .*larger than allowed; there is none yet, training goes on/);
  assert.match(err, /^error: Cannot write .*: the file would be larger than allowed$/m);
  assert.deepEqual(await soundSteps(runDir), []);
  const ended = await complete(dataset, runDir);
  assert.equal(ended.code, 0, ended.err);
  assert.deepEqual(await resultOf(runDir), await resultOf(untouched));
  report(
    "file-size limit (ulimit -f)",
    1,
    "warned, exit code 1; resumed to equal weights and rows",
  );
});

Deno.test("a run folder that turns read-only: an error, and all that was written stays", async () => {
  await using folder = await temporaryFolder();
  const dataset = await writeDataset(folder.path);
  const untouched = join(folder.path, "untouched");
  assert.equal((await finish(startLine(dataset, untouched))).code, 0);
  await using disk = await smallDisk(join(folder.path, "disk"), 200);
  const runDir = join(disk.path, "run");
  const running = start(startLine(dataset, runDir));
  while (!/step 3: checkpoint/.test(running.out())) await pause(2);
  running.child.kill("SIGSTOP");
  // Files that are open for writing keep a file system from becoming read-only, as here the metrics.
  await system("mount", "--bind", runDir, runDir);
  await system("mount", "-o", "remount,bind,ro", runDir);
  running.child.kill("SIGCONT");
  const { code, err } = await running.outcome;
  await system("umount", runDir);
  assert.equal(code, 1, err);
  assert.match(err, /^error: Cannot write .*: the file system is read-only$/m);
  assert.ok((await soundSteps(runDir)).length >= 3);
  const ended = await complete(dataset, runDir);
  assert.equal(ended.code, 0, ended.err);
  assert.deepEqual(await resultOf(runDir), await resultOf(untouched));

  await system("mount", "-o", "remount,ro", disk.path);
  const started = await finish(startLine(dataset, join(disk.path, "new")));
  assert.equal(started.code, 1);
  assert.match(started.err, /^error: Cannot create .*: the file system is read-only$/m);
  report(
    "read-only folder, at the start and while training",
    2,
    "exit code 1 before anything slow; earlier ones whole; resumed to equal weights and rows",
  );
});

/** Writes until nothing more fits. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  const block = new Uint8Array(2 ** 20);
  try {
    for (;;) await file.write(block);
  } catch (error) {
    if (!/No space left/.test(String(error))) throw error;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
