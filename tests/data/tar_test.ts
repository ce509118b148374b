import assert from "node:assert/strict";
import { join } from "node:path";
import { packTar, type TarEntry } from "npm:modern-tar@0.8.6";
import { unpackRecordFiles } from "../../src/data/acquire/tar.ts";
import { DataError } from "../../src/util/errors.ts";
import { namesIn, RecordingReporter, smallDataSet, temporaryFolder } from "./helpers.ts";

const ROOT = "cifar-10-batches-bin";
const { contents, all } = smallDataSet();
const LAYOUT = { root: ROOT, files: all, ignored: ["readme.html"] };

function fileEntry(name: string, body: Uint8Array | string): TarEntry {
  const size = typeof body === "string" ? body.length : body.length;
  return { header: { name, size, type: "file" }, body };
}

/** The entries of a right archive. */
function rightEntries(): TarEntry[] {
  return [
    { header: { name: `${ROOT}/`, size: 0, type: "directory" } },
    fileEntry(`${ROOT}/readme.html`, "<p>"),
    ...Array.from(contents, ([name, bytes]) => fileEntry(`${ROOT}/${name}`, bytes)),
  ];
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

/** Unpacks into a folder inside a temporary folder; returns what is in both afterwards. */
async function unpack(archive: Uint8Array, wanted = all) {
  await using outer = await temporaryFolder();
  const folder = join(outer.path, "data");
  const path = join(outer.path, "archive.tar.gz");
  await Deno.mkdir(folder);
  await Deno.writeFile(path, archive);
  const reporter = new RecordingReporter();
  let error: unknown;
  try {
    await unpackRecordFiles(path, folder, LAYOUT, wanted, reporter);
  } catch (caught) {
    error = caught;
  }
  const files = new Map<string, Uint8Array>();
  for (const name of await namesIn(folder)) {
    files.set(name, await Deno.readFile(join(folder, name)));
  }
  assert.deepEqual(await namesIn(outer.path), ["archive.tar.gz", "data"], "nothing outside");
  return { error, files, reporter };
}

async function assertRefused(entries: TarEntry[], message: RegExp): Promise<void> {
  const { error, files } = await unpack(await gzip(await packTar(entries)));
  assert.ok(error instanceof DataError, String(error));
  assert.match(error.message, message);
  assert.ok(!error.message.includes("\n"));
  for (const [name, bytes] of files) assert.deepEqual(bytes, contents.get(name));
}

Deno.test("a right archive gives its record files and nothing else", async () => {
  const archive = await gzip(await packTar(rightEntries()));
  const { error, files, reporter } = await unpack(archive);
  assert.equal(error, undefined);
  assert.deepEqual(files, contents);
  assert.deepEqual(reporter.steps.at(-1), ["unpacking", archive.length, archive.length]);
});

Deno.test("only the wanted files are written", async () => {
  const { error, files } = await unpack(await gzip(await packTar(rightEntries())), [all[1]]);
  assert.equal(error, undefined);
  assert.deepEqual([...files.keys()], ["data_batch_2.bin"]);
});

for (
  const name of [
    "../escape.bin",
    `${ROOT}/../../escape.bin`,
    "/tmp/escape.bin",
    `${ROOT}/sub/test_batch.bin`,
    "test_batch.bin",
    `./${ROOT}/test_batch.bin`,
    `${ROOT}/data_batch_9.bin`,
  ]
) {
  Deno.test(`an entry named ${name} is refused`, async () => {
    const entry = fileEntry(name, new Uint8Array(2 * 3073));
    await assertRefused([entry, ...rightEntries()], /is not expected/);
    await assertRefused([...rightEntries(), entry], /is not expected/);
  });
}

for (const type of ["symlink", "link", "fifo", "character-device"] as const) {
  Deno.test(`a ${type} in the place of a record file is refused`, async () => {
    const name = `${ROOT}/test_batch.bin`;
    const header = { name, size: 0, type, linkname: "../../escape.bin" };
    await assertRefused([{ header }, ...rightEntries()], /is not expected/);
  });
}

Deno.test("a directory of another name is refused", async () => {
  const header = { name: "other/", size: 0, type: "directory" as const };
  await assertRefused([{ header }, ...rightEntries()], /"other\/" \(directory/);
});

Deno.test("a record file of another size is refused", async () => {
  for (const size of [0, 6145, 6147]) {
    const entries = rightEntries();
    entries[4] = fileEntry(`${ROOT}/test_batch.bin`, new Uint8Array(size));
    await assertRefused(entries, new RegExp(`must hold 6146 bytes, found ${size}`));
  }
});

Deno.test("a record file of other content is refused and not kept", async () => {
  const entries = rightEntries();
  entries[4] = fileEntry(`${ROOT}/test_batch.bin`, new Uint8Array(6146));
  await assertRefused(entries, /Cannot take test_batch\.bin .* expected sha256/);
});

Deno.test("a record file that is there twice is refused", async () => {
  await assertRefused([...rightEntries(), rightEntries()[4]], /is there twice/);
});

Deno.test("a record file that is missing is an error", async () => {
  await assertRefused(
    rightEntries().slice(0, 4),
    /"cifar-10-batches-bin\/test_batch\.bin" is miss/,
  );
});

Deno.test("an ignored file is not ignored if it is huge", async () => {
  const entries = rightEntries();
  entries[1] = fileEntry(`${ROOT}/readme.html`, new Uint8Array((1 << 20) + 1));
  await assertRefused(entries, /readme\.html" \(file, 1048577 bytes\) is not expected/);
});

Deno.test("control characters in a name do not reach the terminal", async () => {
  await assertRefused([fileEntry("\u001b[31m\nevil", "x")], /"\\u001b\[31m\\nevil"/);
});

Deno.test("an archive that is truncated, or none at all, is an error", async () => {
  const tar = await packTar(rightEntries());
  const archive = await gzip(tar);
  const damaged = [
    archive.slice(0, archive.length / 2),
    await gzip(tar.slice(0, 10_000)),
    tar,
    new Uint8Array(0),
    new TextEncoder().encode("<html>log in first</html>"),
  ];
  for (const bytes of damaged) {
    const { error, files } = await unpack(bytes);
    assert.ok(error instanceof DataError, String(error));
    assert.match(error.message, /^Cannot unpack [^\n]+$/);
    for (const [name, content] of files) assert.deepEqual(content, contents.get(name));
  }
});
