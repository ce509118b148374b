/** Record files are written whole and right, or not at all. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { writeChunks, writeRecordFile } from "../../src/data/acquire/record_files.ts";
import { describe, namesIn, sha256, temporaryFolder } from "./helpers.ts";

const CONTENT = Uint8Array.from({ length: 300 }, (_, i) => i % 256);
const FILE = describe("a.bin", CONTENT);

Deno.test("a file is written in its chunks, and what was written is said", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a.bin");
  const written = await writeChunks(path, [CONTENT.subarray(0, 100), CONTENT.subarray(100)]);
  assert.deepEqual(written, { bytes: 300, sha256: sha256(CONTENT) });
  assert.deepEqual(new Uint8Array(await Deno.readFile(path)), CONTENT);
  assert.deepEqual(await namesIn(folder.path), ["a.bin"]);
});

Deno.test("content without an end is cut off behind the expected length, and not kept", async () => {
  await using folder = await temporaryFolder();
  let taken = 0;
  function* endless() {
    // Stops at a count that a right writer never reaches, so that a wrong one ends, too.
    while (taken < 1000) {
      taken++;
      yield CONTENT.subarray(0, 100);
    }
  }
  await assert.rejects(writeRecordFile(folder.path, FILE, endless(), "a test"), {
    name: "DataError",
    message: "Cannot take a.bin from a test: expected 300 bytes, found more",
  });
  assert.equal(taken, 4);
  assert.deepEqual(await namesIn(folder.path), []);
});

Deno.test("content that is too short or another is not kept, and leaves what was there", async () => {
  await using folder = await temporaryFolder();
  const other = CONTENT.slice();
  other[7] ^= 1;
  const cases: [Uint8Array, string][] = [
    [CONTENT.subarray(1), "expected 300 bytes, found 299"],
    [other, `expected sha256 ${FILE.sha256}, found ${sha256(other)}`],
  ];
  await writeRecordFile(folder.path, FILE, [CONTENT], "a test");
  for (const [content, fault] of cases) {
    await assert.rejects(writeRecordFile(folder.path, FILE, [content], "a test"), {
      name: "DataError",
      message: `Cannot take a.bin from a test: ${fault}`,
    });
    assert.deepEqual(await namesIn(folder.path), ["a.bin"]);
    assert.deepEqual(new Uint8Array(await Deno.readFile(join(folder.path, "a.bin"))), CONTENT);
  }
});
