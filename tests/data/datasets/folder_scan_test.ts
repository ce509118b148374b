/** Which files of a folder are examples of which class, and which of them are the same. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ImageFolder } from "../../../src/data/datasets/folder_content.ts";
import {
  countRepeated,
  reportDuplicates,
  reportOverlap,
} from "../../../src/data/datasets/folder_duplicates.ts";
import {
  checkClasses,
  findParts,
  MAX_CLASSES,
  namesOf,
  scanClasses,
} from "../../../src/data/datasets/folder_scan.ts";
import { DataError } from "../../../src/util/errors.ts";
import { RecordingReporter, temporaryFolder } from "../helpers.ts";
import { writeTree } from "./folder_support.ts";

Deno.test("classes and files are in the order of their code units", async () => {
  await using folder = await temporaryFolder();
  await writeTree(folder.path, {
    "b/2.png": "",
    "b/10.png": "",
    "a/x.png": "",
    "Z/x.png": "",
    "é/x.png": "",
  });
  const { classes, files } = await scanClasses(folder.path);
  assert.deepEqual(classes, ["Z", "a", "b", "é"]);
  assert.deepEqual(files.map((file) => [file.label, file.relativePath]), [
    [0, "Z/x.png"],
    [1, "a/x.png"],
    [2, "b/10.png"],
    [2, "b/2.png"],
    [3, "é/x.png"],
  ]);
});

Deno.test("links are followed, but a circle of links ends, and no folder counts twice", async () => {
  await using folder = await temporaryFolder();
  await writeTree(folder.path, { "cat/1.png": "", "dog/2.png": "", "dog/note.txt": "" });
  const link = (to: string, at: string) => Deno.symlink(to, join(folder.path, at));
  await Deno.mkdir(join(folder.path, "cat/deep"));
  await link("..", "cat/deep/up");
  await link("../dog", "cat/dogs");
  await link("../dog", "cat/dogs again");
  await link("nowhere", "dog/gone.png");
  await link("nowhere", "dog/gone.txt");
  await link("cat", "lion");
  await link("dog/2.png", "a link to a file is no class");
  const { classes, files } = await scanClasses(folder.path);
  assert.deepEqual(classes, ["cat", "dog", "lion"]);
  const paths = (label: number) =>
    files.filter((file) => file.label === label).map((file) => file.relativePath);
  assert.deepEqual(paths(0), [
    "cat/1.png",
    "cat/dogs/2.png",
    "cat/dogs/gone.png",
    "cat/dogs/note.txt",
  ]);
  assert.deepEqual(paths(1), ["dog/2.png", "dog/gone.png", "dog/note.txt"]);
  assert.equal(paths(2)[0], "lion/1.png");
});

Deno.test("train alone is a class like any other; both parts leave the rest unused", async () => {
  await using folder = await temporaryFolder();
  await writeTree(folder.path, { "train/cat/1.png": "", "extra/1.png": "" });
  assert.deepEqual(await findParts(folder.path), { train: folder.path, unused: [] });
  await writeTree(folder.path, { "test/cat/1.png": "", "val/cat/1.png": "" });
  const { train, test, unused } = await findParts(folder.path);
  assert.deepEqual([train, test], [join(folder.path, "train"), join(folder.path, "test")]);
  assert.deepEqual(unused, ["extra", "val"]);
});

Deno.test("labels of 16 bits are enough, or the folder is refused", () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
  assert.equal(MAX_CLASSES, 2 ** 16);
  checkClasses("many", names(65_536));
  assert.throws(
    () => checkClasses("many", names(65_537)),
    (error) => error instanceof DataError && /2 to 65536 classes, found 65537/.test(error.message),
  );
});

Deno.test("of many names the first five are told", () => {
  assert.equal(namesOf(["a", "b"]), "a, b");
  assert.equal(namesOf([..."abcdefg"]), "a, b, c, d, e and 2 more");
});

/** Images by class, name and content: `cat/1=x`. */
function imageFolder(path: string, ...images: string[]): ImageFolder {
  const classes = ["cat", "dog", "eel"];
  return {
    path,
    classes,
    ignored: [],
    images: images.map((image) => {
      const [relativePath, sha256] = image.split("=");
      const label = classes.indexOf(relativePath.split("/")[0]);
      return {
        label,
        relativePath,
        path: join(path, relativePath),
        sha256,
        bytes: 1,
        changedMs: 0,
      };
    }),
  };
}

Deno.test("an image is told once a class that has it too; within a class it is counted", () => {
  const reporter = new RecordingReporter();
  const folder = imageFolder("p", "cat/1=x", "cat/2=x", "dog/3=x", "dog/4=x", "dog/5=y", "eel/6=x");
  reportDuplicates(folder, reporter);
  assert.deepEqual(reporter.messages, [
    "data: warning: the same image is in two classes: p/cat/1 and p/dog/3",
    "data: warning: the same image is in two classes: p/cat/1 and p/eel/6",
  ]);
  assert.equal(countRepeated(folder), 2);
});

Deno.test("of many pairs the first five are told, then a count", () => {
  const reporter = new RecordingReporter();
  const train = imageFolder("train", ...Array.from({ length: 8 }, (_, i) => `cat/${i}=${i}`));
  const test = imageFolder("test", ...Array.from({ length: 8 }, (_, i) => `dog/${i}=${i + 1}`));
  reportOverlap(train, test, reporter);
  assert.equal(reporter.messages.length, 6);
  assert.match(reporter.messages[0], /test\/dog\/0 and train\/cat\/1$/);
  assert.match(reporter.messages[5], /training images: 2 more$/);
});
