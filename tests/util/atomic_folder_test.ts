/** Folders that are whole or not there, and what killed writers leave. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { removeFolder, removeTemporaries, writeFolderAtomic } from "../../src/util/atomic_file.ts";
import { namesIn, temporaryFolder } from "../data/helpers.ts";

const ENOSPC = () => Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
const TEMPORARY = /^\.step-1\.[0-9a-f]{8}\.tmp$/;

/** The files of a folder with their texts. */
async function contentsOf(path: string): Promise<Record<string, string>> {
  const names = await namesIn(path);
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await Deno.readTextFile(join(path, name))] as const),
    ),
  );
}

/** Puts another function in the place of one of Deno's for as long as `body` runs. */
async function replacing<K extends "rename" | "remove">(
  name: K,
  make: (real: typeof Deno[K]) => typeof Deno[K],
  body: () => Promise<void>,
): Promise<void> {
  const real = Deno[name];
  Deno[name] = make(real);
  try {
    await body();
  } finally {
    Deno[name] = real;
  }
}

Deno.test("a folder is written, and replaces the one of its name with all its files", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "step-1");
  await writeFolderAtomic(path, { a: "first \u00fc", b: Uint8Array.of(0x68, 0x69) });
  assert.deepEqual(await contentsOf(path), { a: "first \u00fc", b: "hi" });
  await writeFolderAtomic(path, { b: "second", c: "" });
  assert.deepEqual(await contentsOf(path), { b: "second", c: "" });
  assert.deepEqual(await namesIn(folder.path), ["step-1"]);
  const nested = join(folder.path, "new", "run", "step-1");
  await writeFolderAtomic(nested, { a: "x" });
  assert.deepEqual(await contentsOf(nested), { a: "x" });
});

Deno.test("until its last moment a folder has a temporary name, and is whole when it gets its own", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "step-1");
  const big = new Uint8Array(3_000_000).fill(0x61);
  const seen: string[] = [];
  await replacing("rename", (real) => async (from, to) => {
    if (to === path) {
      assert.deepEqual(Object.keys(await contentsOf(String(from))), ["a", "b"]);
      seen.push(...await namesIn(folder.path));
      assert.equal((await Deno.stat(join(String(from), "b"))).size, big.length);
    }
    await real(from, to);
  }, () => writeFolderAtomic(path, { a: "first", b: big }));
  assert.equal(seen.length, 1);
  assert.match(seen[0], TEMPORARY);
});

/** Lets the second call of a file's method fail; returns what puts the method back. */
const BREAKS: Readonly<Record<string, () => () => void>> = {
  write() {
    const real = Deno.FsFile.prototype.write;
    let calls = 0;
    Deno.FsFile.prototype.write = function (bytes) {
      return ++calls === 2 ? Promise.reject(ENOSPC()) : real.call(this, bytes);
    };
    return () => Deno.FsFile.prototype.write = real;
  },
  sync() {
    const real = Deno.FsFile.prototype.sync;
    let calls = 0;
    Deno.FsFile.prototype.sync = function () {
      return ++calls === 2 ? Promise.reject(ENOSPC()) : real.call(this);
    };
    return () => Deno.FsFile.prototype.sync = real;
  },
};

Deno.test("a failure at any moment leaves what was there, and nothing else", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "step-1");
  await writeFolderAtomic(path, { a: "before" });
  const refused = { name: "UserError", message: `Cannot write ${path}: no space left` };
  for (const [moment, breakSecond] of Object.entries(BREAKS)) {
    const mend = breakSecond();
    try {
      await assert.rejects(writeFolderAtomic(path, { a: "after", b: "after" }), refused, moment);
    } finally {
      mend();
    }
    assert.deepEqual(await contentsOf(path), { a: "before" }, moment);
    assert.deepEqual(await namesIn(folder.path), ["step-1"], moment);
  }
});

Deno.test("each file, the folder and the one above are synced, in this order", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "step-1");
  const synced: string[] = [];
  const [realSync, realOpen] = [Deno.FsFile.prototype.sync, Deno.open];
  const opened = new Map<Deno.FsFile, string>();
  Deno.open = async (name, options) => {
    const file = await realOpen(name, options);
    opened.set(file, String(name).replace(/\.[0-9a-f]{8}\.tmp/, ".tmp"));
    return file;
  };
  Deno.FsFile.prototype.sync = async function () {
    synced.push(opened.get(this) ?? "unknown");
    await realSync.call(this);
  };
  try {
    await writeFolderAtomic(path, { a: "1", b: "2" });
  } finally {
    Deno.open = realOpen;
    Deno.FsFile.prototype.sync = realSync;
  }
  const temporary = join(folder.path, ".step-1.tmp");
  const expected = [join(temporary, "a"), join(temporary, "b"), temporary, folder.path];
  assert.deepEqual(synced, Deno.build.os === "windows" ? expected.slice(0, 2) : expected);
});

Deno.test("a write that comes in small parts is complete", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "step-1");
  const real = Deno.FsFile.prototype.write;
  Deno.FsFile.prototype.write = function (bytes) {
    return real.call(this, bytes.subarray(0, 3));
  };
  try {
    await writeFolderAtomic(path, { a: "0123456789" });
  } finally {
    Deno.FsFile.prototype.write = real;
  }
  assert.deepEqual(await contentsOf(path), { a: "0123456789" });
});

Deno.test("a folder is removed, an absent one is no error, and no part of one keeps its name", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "step-1");
  await removeFolder(path);
  await writeFolderAtomic(path, { a: "x" });
  await removeFolder(path);
  assert.deepEqual(await namesIn(folder.path), []);
  await writeFolderAtomic(path, { a: "x" });
  await replacing("remove", () => () => Promise.reject(ENOSPC()), () => removeFolder(path));
  const [left, ...more] = await namesIn(folder.path);
  assert.match(left, TEMPORARY);
  assert.deepEqual(more, []);
  await removeTemporaries(folder.path, "step-");
  assert.deepEqual(await namesIn(folder.path), []);
  await writeFolderAtomic(path, { a: "x" });
  const refuse = () => Promise.reject(Object.assign(new Error("x"), { code: "EACCES" }));
  await replacing("rename", () => refuse, () =>
    assert.rejects(removeFolder(path), {
      name: "UserError",
      message: `Cannot remove ${path}: permission denied`,
    }));
  assert.deepEqual(await contentsOf(path), { a: "x" });
});

Deno.test("only temporary names of the prefix are cleaned away, files and folders alike", async () => {
  await using folder = await temporaryFolder();
  const gone = [".step-00000001.0a1b2c3d.tmp", ".step-.ffffffff.tmp"];
  const stay = [
    "step-00000001",
    ".step-00000001",
    "step-00000001.0a1b2c3d.tmp",
    ".step-00000001.0a1b2c3.tmp",
    ".step-00000001.0A1B2C3D.tmp",
    ".step-00000001.0a1b2c3d.tmp2",
    ".step-00000001.0a1b2c3dtmp",
    ".other.0a1b2c3d.tmp",
    ".config.json.0a1b2c3d.tmp",
    "step-00000001.damaged-0a1b2c3d",
  ];
  for (const name of [...gone, ...stay]) {
    await Deno.mkdir(join(folder.path, name));
    await Deno.writeTextFile(join(folder.path, name, "file"), "x");
  }
  const file = ".step-00000002.0a1b2c3d.tmp";
  await Deno.writeTextFile(join(folder.path, file), "x");
  await removeTemporaries(folder.path, "step-");
  assert.deepEqual(await namesIn(folder.path), stay.toSorted());
  const missing = join(folder.path, "none");
  await assert.rejects(removeTemporaries(missing, "step-"), {
    name: "UserError",
    message: `Cannot clean ${missing}: no such file or folder`,
  });
});
