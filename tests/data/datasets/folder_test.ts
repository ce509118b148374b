/** `folder:` data sets: classes, parts, mistakes, duplicates. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CorruptBudget } from "../../../src/data/corrupt_budget.ts";
import { openFolder } from "../../../src/data/datasets/folder.ts";
import { loadImage } from "../../../src/data/images/load_image.ts";
import { DataError } from "../../../src/util/errors.ts";
import { temporaryFolder } from "../helpers.ts";
import { noisePng, THREE, writeTree } from "./folder_support.ts";
import { optionsIn } from "./support.ts";

const SIZE = { imageSize: [6, 6] } as const;

Deno.test("each sub-folder is a class, by name; images at any depth become records in order", async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, "pictures");
  await writeTree(root, { ...THREE, ".hidden/4.png": noisePng(4), "cat/.5.png": noisePng(5) });
  const options = optionsIn(folder.path, SIZE);
  const dataset = await openFolder(options, root);
  assert.equal(dataset.name, `folder:${root}`);
  assert.deepEqual(dataset.classes, ["cat", "dog"]);
  assert.deepEqual(dataset.splits, ["train"]);
  using store = await dataset.open("train");
  assert.deepEqual([...store.labels], [0, 0, 1]);
  assert.deepEqual(store.format, { height: 6, width: 6, channels: 3, order: "CHW" });
  for (const [i, path] of Object.keys(THREE).entries()) {
    const expected = await loadImage(join(root, path), { height: 6, width: 6 });
    assert.deepEqual([...store.pixels(i)], [...expected], path);
  }
  await assert.rejects(dataset.open("test"), /has none/);
});

Deno.test("train and test, val or validation are the parts", async () => {
  for (const test of ["test", "val", "validation"]) {
    await using folder = await temporaryFolder();
    const root = join(folder.path, "pictures");
    await writeTree(root, {
      "train/a/1.png": noisePng(1),
      "train/b/2.png": noisePng(2),
      [`${test}/a/3.png`]: noisePng(3),
      [`${test}/b/4.png`]: noisePng(4),
      [`${test}/b/5.png`]: noisePng(5),
      "other/6.png": noisePng(6),
    });
    const options = optionsIn(folder.path, SIZE);
    const dataset = await openFolder(options, root);
    assert.deepEqual(dataset.splits, ["train", "test"]);
    using train = await dataset.open("train");
    using tests = await dataset.open("test");
    assert.deepEqual([[...train.labels], [...tests.labels]], [[0, 1], [0, 1, 1]]);
    assert.ok(options.reporter.messages.some((line) => line.includes("other is not used")));
  }
});

Deno.test("a folder that is none, or no data set, is refused in one line with its fix", async () => {
  await using folder = await temporaryFolder();
  const root = (name: string) => join(folder.path, name);
  const one = noisePng(1);
  await writeTree(folder.path, {
    "file": "x",
    "empty/readme.txt": "x",
    "single/cat/1.png": one,
    "hollow/cat/1.png": one,
    "hollow/dog/readme.txt": "x",
    "unlike/train/cat/1.png": one,
    "unlike/train/dog/1.png": noisePng(2),
    "unlike/test/cat/1.png": noisePng(3),
    "unlike/test/cow/1.png": noisePng(4),
  });
  const cases: [string, RegExp][] = [
    [root("nothing"), /expected a folder of images, found nothing of that name/],
    [root("file"), /expected a folder of images, found a file/],
    [root("empty"), /expected 2 to 65536 classes, found 0/],
    [root("single"), /expected 2 to 65536 classes, found only cat/],
    [root("hollow"), /expected images in each class, found none in dog/],
    [root("unlike"), /classes differ: only .*train has dog, only .*test has cow/],
  ];
  for (const [path, message] of cases) {
    await assert.rejects(openFolder(optionsIn(folder.path, SIZE), path), (error) => {
      assert.ok(error instanceof DataError, String(error));
      assert.match(error.message, message);
      assert.notEqual(error.hint, "");
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  }
});

Deno.test("a damaged image is an error that names it, or counts against the budget", async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, "pictures");
  const damaged = noisePng(8).slice(0, 60);
  await writeTree(root, { ...THREE, "cat/0.png": damaged, "dog/text.txt": "ignored" });
  const strict = await openFolder(optionsIn(folder.path, SIZE), root);
  await assert.rejects(strict.open("train"), (error) => {
    assert.ok(error instanceof DataError);
    assert.match(error.message, /Cannot decode .*cat\/0\.png/);
    return true;
  });
  const told: string[] = [];
  const budget = new CorruptBudget(1, (line) => told.push(line));
  const options = { ...optionsIn(folder.path, SIZE), budget };
  const dataset = await openFolder(options, root);
  using store = await dataset.open("train");
  assert.deepEqual([...store.labels], [0, 0, 1]);
  assert.equal(budget.skipped, 1);
  assert.match(told[0], /cat\/0\.png/);
  assert.ok(options.reporter.messages.some((line) => /text\.txt/.test(line)));
  // Also from the cache; and a part that is opened twice counts once.
  using again = await dataset.open("train");
  assert.equal(again.count, 3);
  assert.equal(budget.skipped, 1);
  const cached = new CorruptBudget(0);
  const late = await openFolder({ ...optionsIn(folder.path, SIZE), budget: cached }, root);
  await assert.rejects(late.open("train"), /cat\/0\.png/);
});

Deno.test("a class of which no image is left is refused", async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, "pictures");
  await writeTree(root, { ...THREE, "dog/3.png": noisePng(3).slice(0, 60) });
  const budget = new CorruptBudget(5);
  const dataset = await openFolder({ ...optionsIn(folder.path, SIZE), budget }, root);
  await assert.rejects(dataset.open("train"), /expected images in each class, found none in dog/);
});

Deno.test("one image in two classes, or in both parts, is warned of with both names", async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, "pictures");
  await writeTree(root, {
    "train/cat/1.png": noisePng(1),
    "train/cat/same.png": noisePng(1),
    "train/dog/copy.png": noisePng(1),
    "train/dog/3.png": noisePng(3),
    "test/cat/4.png": noisePng(4),
    "test/dog/5.png": noisePng(3),
  });
  const options = optionsIn(folder.path, SIZE);
  const dataset = await openFolder(options, root);
  using _store = await dataset.open("train");
  const warnings = options.reporter.messages.filter((line) => line.includes("warning"));
  assert.equal(warnings.length, 2);
  assert.match(warnings[0], /in two classes: .*cat\/1\.png and .*dog\/copy\.png/);
  assert.match(warnings[1], /among the training images: .*test\/dog\/5\.png and .*train\/dog\/3/);
  assert.ok(options.reporter.messages.some((line) => /1 more than once/.test(line)));
});

Deno.test("a sub-folder that the system refuses is named", async () => {
  await using folder = await temporaryFolder();
  const root = join(folder.path, "pictures");
  await writeTree(root, THREE);
  // Nothing is unreadable to root: a permission that Deno does not give stands for the system's.
  const script = `
    import { openFolder } from ${JSON.stringify(moduleUrl("src/data/datasets/folder.ts"))};
    import { optionsIn } from ${JSON.stringify(moduleUrl("tests/data/datasets/support.ts"))};
    const options = optionsIn(${JSON.stringify(folder.path)});
    await openFolder(options, ${JSON.stringify(root)})
      .catch((error) => console.log(error.constructor.name, error.message));`;
  const module = join(folder.path, "refused.ts");
  await Deno.writeTextFile(module, script);
  const { stdout, stderr } = await new Deno.Command("deno", {
    args: [
      "run",
      "--no-prompt",
      "--quiet",
      "--no-check",
      "--allow-read",
      `--deny-read=${join(root, "dog")}`,
      "--allow-write",
      module,
    ],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.match(text, /UserError .*pictures\/dog/, new TextDecoder().decode(stderr));
});

function moduleUrl(path: string): string {
  return new URL(`../../../${path}`, import.meta.url).href;
}
