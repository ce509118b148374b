/** A run's folder: one process at a time, and what says that it holds a run. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  lockRunFolder,
  newestRun,
  refuseRun,
  requireRun,
  saveConfig,
} from "../../src/train/run_folder.ts";
import { namesIn, temporaryFolder } from "../data/helpers.ts";

/** What writers that were killed leave beside a temporary checkpoint. */
const FILES_LEFT = [
  ".config.json.0a1b2c3d.tmp",
  ".diverged-step-00000007.json.0a1b2c3d.tmp",
  "checkpoints/step-00000003/.manifest.json.0a1b2c3d.tmp",
];

Deno.test("a folder is locked until it is given up, and cleaned of what killed writers left", async () => {
  await using folder = await temporaryFolder();
  const runDir = join(folder.path, "new", "run");
  {
    using _lock = await lockRunFolder(runDir);
    assert.deepEqual(await namesIn(runDir), [".lock", "checkpoints"]);
    const left = join(runDir, "checkpoints", ".step-00000007.0a1b2c3d.tmp");
    await Deno.mkdir(left);
    await Deno.mkdir(join(runDir, "checkpoints", "step-00000003"));
    for (const name of FILES_LEFT) await Deno.writeTextFile(join(runDir, name), "x");
    await assert.rejects(lockRunFolder(runDir), {
      name: "UserError",
      message: `Cannot train in ${runDir} as another process trains there`,
      hint: "wait for it, stop it, or choose another --run-dir",
    });
    // Whoever holds the lock may be writing there.
    assert.ok((await Deno.stat(left)).isDirectory);
  }
  using _again = await lockRunFolder(runDir);
  assert.deepEqual(await namesIn(join(runDir, "checkpoints")), ["step-00000003"]);
  assert.deepEqual(await namesIn(join(runDir, "checkpoints", "step-00000003")), []);
  assert.deepEqual(await namesIn(runDir), [".lock", "checkpoints"]);
});

Deno.test("a folder that cannot be written is refused before anything slow", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "file");
  await Deno.writeTextFile(file, "");
  await assert.rejects(lockRunFolder(join(file, "run")), {
    message: /^Cannot create .*a file, not/,
  });
  const real = Deno.makeTempFile;
  Deno.makeTempFile = () => Promise.reject(Object.assign(new Error("x"), { code: "EROFS" }));
  try {
    await assert.rejects(lockRunFolder(folder.path), {
      name: "UserError",
      message: `Cannot create ${folder.path}: the file system is read-only`,
    });
  } finally {
    Deno.makeTempFile = real;
  }
  const lock = join(folder.path, "run");
  await Deno.mkdir(join(lock, ".lock"), { recursive: true });
  await assert.rejects(lockRunFolder(lock), {
    name: "UserError",
    message: /^Cannot lock .*folder$/,
  });
});

Deno.test("a config or a checkpoint alone makes a run; a lock and an unfinished checkpoint do not", async () => {
  await using folder = await temporaryFolder();
  const runDir = join(folder.path, "run");
  const none = { name: "UserError", message: `Cannot resume ${runDir} as it holds no run` };
  const one = {
    name: "UserError",
    message: `Cannot start a run in ${runDir} as it holds one already`,
  };
  await assert.rejects(requireRun(runDir), none);
  assert.deepEqual(await namesIn(folder.path), []);
  (await lockRunFolder(runDir))[Symbol.dispose]();
  const checkpoints = join(runDir, "checkpoints");
  await Deno.mkdir(join(checkpoints, ".step-00000001.0a1b2c3d.tmp"));
  await refuseRun(runDir);
  await assert.rejects(requireRun(runDir), none);
  await Deno.mkdir(join(checkpoints, "step-00000001"));
  await requireRun(runDir);
  await assert.rejects(refuseRun(runDir), one);
  await Deno.remove(join(checkpoints, "step-00000001"));
  await refuseRun(runDir);
  await saveConfig(runDir, { steps: 3 });
  await requireRun(runDir);
  await assert.rejects(refuseRun(runDir), one);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(join(runDir, "config.json"))), { steps: 3 });
  assert.deepEqual(await namesIn(runDir), [".lock", "checkpoints", "config.json"]);
});

Deno.test("what is left of a run keeps a new one out of its folder", async () => {
  await using folder = await temporaryFolder();
  for (const left of ["metrics.jsonl", "step-00000001.damaged-0a1b2c3d"]) {
    const runDir = join(folder.path, left);
    (await lockRunFolder(runDir))[Symbol.dispose]();
    if (left === "metrics.jsonl") {
      await Deno.writeTextFile(join(runDir, left), "");
      // No line of it is lost.
      await refuseRun(runDir);
      await Deno.writeTextFile(join(runDir, left), "{}\n");
    } else await Deno.mkdir(join(runDir, "checkpoints", left));
    await assert.rejects(refuseRun(runDir), {
      name: "UserError",
      message: `Cannot start a run in ${runDir} as it holds what is left of one: ${left}`,
      hint: "choose another --run-dir, or move it away",
    });
    await assert.rejects(requireRun(runDir), / as it holds no run$/);
  }
});

Deno.test("the newest run is the one whose config was written last", async () => {
  await using folder = await temporaryFolder();
  const none = {
    name: "UserError",
    message: `no run found in ${folder.path}`,
    hint: /train first/,
  };
  await assert.rejects(newestRun(folder.path), none);
  await Deno.mkdir(join(folder.path, "empty"));
  await Deno.writeTextFile(join(folder.path, "config.json"), "{}");
  await assert.rejects(newestRun(folder.path), none);
  const times = { middle: 2, newest: 3, oldest: 1 };
  for (const [name, hour] of Object.entries(times)) {
    const runDir = join(folder.path, name);
    await Deno.mkdir(runDir);
    await saveConfig(runDir, {});
    const time = new Date(2015, 10, 4, hour);
    await Deno.utime(join(runDir, "config.json"), time, time);
  }
  assert.equal(await newestRun(folder.path), join(folder.path, "newest"));
  const missing = join(folder.path, "missing");
  await assert.rejects(newestRun(missing), { message: `no run found in ${missing}` });
});
