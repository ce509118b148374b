import assert from "node:assert/strict";
import { join } from "node:path";
import {
  CIFAR10_CLASSES,
  CIFAR10_FILES,
  openCifar10,
  type SplitFiles,
} from "../../src/data/datasets/cifar10.ts";
import { RECORD_BYTES } from "../../src/data/datasets/cifar10_files.ts";
import { DataError, UserError } from "../../src/util/errors.ts";
import { ARCHIVE, prepare } from "./acquire_support.ts";
import { optionsIn } from "./datasets/support.ts";
import { describe, sha256, smallDataSet, temporaryFolder, writeFiles } from "./helpers.ts";

/** Opens files that are there; nothing may be fetched. */
function openFiles(dataDir: string, files: SplitFiles) {
  const second = () => Promise.reject(new Error("a file was fetched"));
  return openCifar10({ ...optionsIn(dataDir), dataDir }, { files, second, source: "npm" });
}

/** Loads a small data set after `damage` changed it, and returns the error's line. */
async function errorAfter(
  damage: (folder: string, contents: Map<string, Uint8Array>) => Promise<void>,
): Promise<DataError> {
  await using folder = await temporaryFolder();
  const { contents, files } = smallDataSet();
  await writeFiles(folder.path, contents);
  const set = await openFiles(folder.path, files);
  await damage(folder.path, contents);
  try {
    await set.open("train");
  } catch (error) {
    assert.ok(error instanceof DataError, String(error));
    assert.ok(!error.message.includes("\n"), "the message is one line");
    assert.match(error.message, /data_batch_2\.bin/);
    assert.match(error.hint, /deno task data/);
    return error;
  }
  assert.fail("no error");
}

Deno.test("the official files are five of 10,000 training records and one of test records", () => {
  assert.deepEqual(
    CIFAR10_FILES.train.map(({ name }) => name),
    [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`),
  );
  assert.deepEqual(CIFAR10_FILES.test.map(({ name }) => name), ["test_batch.bin"]);
  for (const file of [...CIFAR10_FILES.train, ...CIFAR10_FILES.test]) {
    assert.equal(file.bytes, 30_730_000);
    assert.match(file.sha256, /^[0-9a-f]{64}$/);
  }
  assert.equal(CIFAR10_CLASSES.length, 10);
  assert.equal(CIFAR10_CLASSES[3], "cat");
});

Deno.test("the images of all files of a split follow each other in shared memory", async () => {
  await using folder = await temporaryFolder();
  const { contents, files } = smallDataSet();
  await writeFiles(folder.path, contents);
  const set = await openFiles(folder.path, files);
  assert.equal(set.name, "cifar10");
  assert.equal(set.classes, CIFAR10_CLASSES);
  assert.deepEqual(set.splits, ["train", "test"]);
  assert.match(set.origin, /\(already there\), every file verified by sha256$/);
  using train = await set.open("train");
  const all = [...contents.get("data_batch_1.bin")!, ...contents.get("data_batch_2.bin")!];
  assert.equal(train.count, 7);
  assert.deepEqual([...train.labels], [0, 1, 2, 3, 0, 1, 2]);
  assert.equal(train.data.source.kind, "memory");
  assert.deepEqual(train.format, { height: 32, width: 32, channels: 3, order: "CHW" });
  for (let i = 0; i < 7; i++) {
    const record = all.slice(i * RECORD_BYTES + 1, (i + 1) * RECORD_BYTES);
    assert.deepEqual([...train.pixels(i)], record);
  }
  using test = await set.open("test");
  assert.equal(test.count, 2);
});

Deno.test("files that are missing are fetched, from the URL that is named", async () => {
  await using test = await prepare([{}]);
  const { archive, files, second, dataDir } = test.options;
  const unused = { ...archive!, url: "http://127.0.0.1:1/unused" };
  const options = { ...optionsIn(dataDir), dataDir, dataUrl: test.server.url };
  const set = await openCifar10(options, { archive: unused, files, second });
  assert.match(set.origin, /from the official archive/);
  assert.deepEqual(test.server.requests, ["whole"]);
  assert.ok(options.reporter.steps.some(([, , total]) => total === ARCHIVE.length));
  using train = await set.open("train");
  assert.equal(train.count, 7);
});

Deno.test("a missing file is an error", async () => {
  const error = await errorAfter((folder) => Deno.remove(join(folder, "data_batch_2.bin")));
  assert.match(error.message, /^Cannot find .*expected a file of 9219 bytes$/);
});

Deno.test("a truncated file is an error", async () => {
  const error = await errorAfter((folder) => Deno.truncate(join(folder, "data_batch_2.bin"), 9218));
  assert.match(error.message, /truncated: expected 9219 bytes, found 9218$/);
});

Deno.test("a file that is too long is an error", async () => {
  const error = await errorAfter((folder) => Deno.truncate(join(folder, "data_batch_2.bin"), 9220));
  assert.match(error.message, /too long: expected 9219 bytes, found 9220$/);
});

Deno.test("one changed bit is an error", async () => {
  const error = await errorAfter(async (folder, contents) => {
    const bytes = contents.get("data_batch_2.bin")!.slice();
    bytes[5000] ^= 1;
    await writeFiles(folder, [["data_batch_2.bin", bytes]]);
  });
  const { contents } = smallDataSet();
  const right = sha256(contents.get("data_batch_2.bin")!);
  assert.match(error.message, /corrupted/);
  assert.ok(error.message.includes(`expected sha256 ${right}, found `));
});

Deno.test("a folder in place of a file is an error", async () => {
  await using folder = await temporaryFolder();
  const { contents, files } = smallDataSet();
  await writeFiles(folder.path, contents);
  const path = join(folder.path, "data_batch_2.bin");
  await Deno.remove(path);
  await Deno.mkdir(path);
  const set = await openFiles(folder.path, files);
  await assert.rejects(set.open("train"), (error: Error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /^Cannot (use|read) .*data_batch_2\.bin/);
    return true;
  });
});

Deno.test("a label out of range is an error, also where the sum is right", async () => {
  await using folder = await temporaryFolder();
  const { contents } = smallDataSet();
  const bytes = contents.get("test_batch.bin")!;
  bytes[RECORD_BYTES] = 10;
  await writeFiles(folder.path, contents);
  const files = { train: [], test: [describe("test_batch.bin", bytes)] };
  const set = await openFiles(folder.path, files);
  await assert.rejects(set.open("test"), {
    name: "DataError",
    message: /test_batch\.bin .*expected 0 to 9, found 10 in record 1$/,
  });
});
