/** The cache of decoded images: found by content, verified, made anew when damaged. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openFolder } from "../../../src/data/datasets/folder.ts";
import { UserError } from "../../../src/util/errors.ts";
import { namesIn, temporaryFolder } from "../helpers.ts";
import { noisePng, THREE, writeTree } from "./folder_support.ts";
import { optionsIn } from "./support.ts";

const SIZE = { imageSize: [6, 6] } as const;

/** Opens the pictures below `folder`; what was said, and all bytes. */
async function open(folder: string, more: Parameters<typeof optionsIn>[1] = {}) {
  const options = optionsIn(folder, { ...SIZE, ...more });
  const dataset = await openFolder(options, join(folder, "pictures"));
  using store = await dataset.open("train");
  const images = Array.from({ length: store.count }, (_, i) => [...store.pixels(i)]);
  return { images, source: store.data.source.kind, said: options.reporter.messages };
}

const decoded = (said: readonly string[]) => said.some((line) => /, decoded in /.test(line));
const records = async (folder: string) =>
  (await namesIn(join(folder, "cache/folder"))).filter((name) => name.endsWith(".records"));

Deno.test("images are decoded once; a changed, added or removed one makes a new cache", async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, "pictures");
  await writeTree(root, THREE);
  const first = await open(folder.path);
  assert.ok(decoded(first.said));
  const second = await open(folder.path);
  assert.ok(!decoded(second.said), second.said.join("\n"));
  assert.deepEqual(second.images, first.images);
  await writeTree(root, { "dog/3.png": noisePng(33) });
  const changed = await open(folder.path);
  assert.ok(decoded(changed.said));
  assert.notDeepEqual(changed.images, first.images);
  await writeTree(root, { "dog/4.png": noisePng(4) });
  assert.ok(decoded((await open(folder.path)).said));
  await Deno.remove(join(root, "cat/1.png"));
  const fewer = await open(folder.path);
  assert.ok(decoded(fewer.said));
  assert.equal(fewer.images.length, 3);
  assert.ok(decoded((await open(folder.path, { imageSize: [5, 5] })).said), "another size");
  assert.equal((await records(folder.path)).length, 5);
});

Deno.test("a file touched without a change keeps its cache", async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, "pictures");
  await writeTree(root, THREE);
  await open(folder.path);
  await Deno.utime(join(root, "cat/1.png"), new Date(1e9), new Date(1e9));
  assert.ok(!decoded((await open(folder.path)).said));
});

Deno.test("a cache that is damaged in any place is noticed and made anew", async () => {
  await using folder = await temporaryFolder();
  await writeTree(join(folder.path, "pictures"), THREE);
  const { images } = await open(folder.path);
  const [name] = await records(folder.path);
  const path = join(folder.path, "cache/folder", name);
  const index = path.replace(/records$/, "json");
  const whole = await Deno.readFile(path);
  const damages: [string, () => Promise<void>][] = [
    ["a flipped byte", async () => {
      whole[100] ^= 1;
      await Deno.writeFile(path, whole);
      whole[100] ^= 1;
    }],
    ["cut off", () => Deno.truncate(path, 100)],
    ["gone", () => Deno.remove(path)],
    ["an index that is no JSON", () => Deno.writeTextFile(index, "{")],
    ["an index of another kind", () => Deno.writeTextFile(index, "{}")],
    ["an interrupted writing", () => Deno.remove(index)],
  ];
  for (const [what, damage] of damages) {
    await damage();
    const opened = await open(folder.path);
    assert.ok(decoded(opened.said), what);
    assert.deepEqual(opened.images, images, what);
    assert.deepEqual(await Deno.readFile(path), whole, what);
    assert.ok(!decoded((await open(folder.path)).said), `${what}: then it is whole`);
  }
});

Deno.test("images above the memory limit are read from the cache's file", async () => {
  await using folder = await temporaryFolder();
  await writeTree(join(folder.path, "pictures"), THREE);
  const inMemory = await open(folder.path);
  const inFile = await open(folder.path, { memoryLimit: 10 });
  assert.deepEqual([inMemory.source, inFile.source], ["memory", "files"]);
  assert.deepEqual(inFile.images, inMemory.images);
});

Deno.test("two that open at once both get the images, and one decodes", async () => {
  await using folder = await temporaryFolder();
  await writeTree(join(folder.path, "pictures"), THREE);
  const opened = await Promise.all([open(folder.path), open(folder.path), open(folder.path)]);
  for (const { images } of opened) assert.deepEqual(images, opened[0].images);
  assert.equal(opened.filter(({ said }) => decoded(said)).length, 1);
});

Deno.test("a cache folder that cannot be written is one clear error", async () => {
  await using folder = await temporaryFolder();
  await writeTree(folder.path, {
    "file": "x",
    ...Object.fromEntries(Object.entries(THREE).map(([k, v]) => [`pictures/${k}`, v])),
  });
  await assert.rejects(open(folder.path, { cacheDir: join(folder.path, "file") }), (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, /file\/folder/);
    return true;
  });
});

Deno.test("a full disk is one clear error and leaves nothing half-written", async () => {
  await using folder = await temporaryFolder();
  await writeTree(join(folder.path, "pictures"), THREE);
  // A disk cannot be filled here: the system's answer to a write is put in its place.
  const { write } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.write = () =>
    Promise.reject(Object.assign(new Error("os error 28"), { code: "ENOSPC" }));
  try {
    await assert.rejects(open(folder.path), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, /Cannot write .*: no space left/);
      assert.match(error.hint, /free some space/);
      return true;
    });
  } finally {
    Deno.FsFile.prototype.write = write;
  }
  const left = await namesIn(join(folder.path, "cache/folder"));
  assert.deepEqual(left.filter((name) => /records|tmp/.test(name)), []);
  assert.ok(decoded((await open(folder.path)).said), "the next start makes it");
});
