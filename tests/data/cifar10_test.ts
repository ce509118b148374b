import assert from "node:assert/strict";
import { join } from "node:path";
import { CIFAR10_CLASSES, CIFAR10_FILES, loadCifar10 } from "../../src/data/datasets/cifar10.ts";
import { RECORD_BYTES } from "../../src/data/records.ts";
import { DataError } from "../../src/util/errors.ts";
import { describe, sha256, smallDataSet, temporaryFolder, writeFiles } from "./helpers.ts";

/** Loads a small data set after `damage` changed it, and returns the error's line. */
async function errorAfter(
  damage: (folder: string, contents: Map<string, Uint8Array>) => Promise<void>,
): Promise<DataError> {
  await using folder = await temporaryFolder();
  const { contents, files } = smallDataSet();
  await writeFiles(folder.path, contents);
  await damage(folder.path, contents);
  try {
    await loadCifar10(folder.path, "train", files);
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

Deno.test("the records of all files of a split follow each other in shared memory", async () => {
  await using folder = await temporaryFolder();
  const { contents, files } = smallDataSet();
  await writeFiles(folder.path, contents);
  const train = await loadCifar10(folder.path, "train", files);
  const expected = [...contents.get("data_batch_1.bin")!, ...contents.get("data_batch_2.bin")!];
  assert.ok(train.buffer instanceof SharedArrayBuffer);
  assert.deepEqual(new Uint8Array(train.buffer), Uint8Array.from(expected));
  assert.equal(train.count, 7);
  assert.equal(train.label(4), 0);
  assert.equal((await loadCifar10(folder.path, "test", files)).count, 2);
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
  const error = await errorAfter(async (folder) => {
    await Deno.remove(join(folder, "data_batch_2.bin"));
    await Deno.mkdir(join(folder, "data_batch_2.bin"));
  });
  assert.match(error.message, /expected 9219 bytes|Is a directory/);
});

Deno.test("a label out of range is an error, also where the sum is right", async () => {
  await using folder = await temporaryFolder();
  const { contents } = smallDataSet();
  const bytes = contents.get("test_batch.bin")!;
  bytes[RECORD_BYTES] = 10;
  await writeFiles(folder.path, contents);
  const files = { train: [], test: [describe("test_batch.bin", bytes)] };
  await assert.rejects(loadCifar10(folder.path, "test", files), {
    name: "DataError",
    message: /test_batch\.bin .*expected 0 to 9, found 10 in record 1$/,
  });
});
