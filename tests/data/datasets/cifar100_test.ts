/** CIFAR-100 from a local server: fine and coarse labels, its archive and files. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { packTar } from "npm:modern-tar@0.8.6";
import {
  CIFAR100_ARCHIVE,
  CIFAR100_FILES,
  openCifar100,
} from "../../../src/data/datasets/cifar100.ts";
import {
  CIFAR100_COARSE_CLASSES,
  CIFAR100_FINE_CLASSES,
} from "../../../src/data/datasets/cifar100_classes.ts";
import { type Answer, serveArchive } from "../archive_server.ts";
import { describe, namesIn, sha256, temporaryFolder, writeFiles } from "../helpers.ts";
import { optionsIn, randomBytes } from "./support.ts";

const RECORD_BYTES = 3074;

function recordsOf(labels: readonly (readonly [coarse: number, fine: number])[], seed: number) {
  const bytes = randomBytes(labels.length * RECORD_BYTES, seed);
  labels.forEach((pair, record) => bytes.set(pair, record * RECORD_BYTES));
  return bytes;
}

const TRAIN = recordsOf([[0, 72], [19, 99], [11, 19]], 1);
const TEST = recordsOf([[10, 49], [0, 0]], 2);
const FILES = { train: [describe("train.bin", TRAIN)], test: [describe("test.bin", TEST)] };

async function makeArchive(): Promise<Uint8Array<ArrayBuffer>> {
  const entry = (name: string, body: Uint8Array) => ({
    header: { name: `cifar-100-binary/${name}`, size: body.length, type: "file" as const },
    body,
  });
  const tar = await packTar([
    { header: { name: "cifar-100-binary/", size: 0, type: "directory" } },
    entry("coarse_label_names.txt", new TextEncoder().encode("aquatic_mammals\n")),
    entry("fine_label_names.txt", new TextEncoder().encode("apple\n")),
    entry("test.bin", TEST),
    entry("train.bin", TRAIN),
  ]);
  const zipped = new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

const ARCHIVE = await makeArchive();

/** A folder, a server that answers so, and what to open the data set with. */
async function prepare(answers: readonly Answer[]) {
  const folder = await temporaryFolder();
  const server = serveArchive(ARCHIVE, answers);
  const archive = { url: server.url, bytes: ARCHIVE.length, sha256: sha256(ARCHIVE) };
  const patience = { connectMs: 2000, stallMs: 2000, tries: 2, pauseMs: 1 };
  return {
    options: optionsIn(folder.path),
    overrides: { archive, files: FILES, patience },
    server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

Deno.test("the classes are 100 and 20 names in the order of the alphabet", () => {
  for (
    const [classes, count] of [[CIFAR100_FINE_CLASSES, 100], [CIFAR100_COARSE_CLASSES, 20]] as const
  ) {
    assert.equal(new Set(classes).size, count);
    assert.deepEqual(classes, classes.toSorted());
  }
  assert.deepEqual([0, 1, 49, 72, 99].map((label) => CIFAR100_FINE_CLASSES[label]), [
    "apple",
    "aquarium_fish",
    "mountain",
    "seal",
    "worm",
  ]);
  assert.deepEqual([0, 10, 19].map((label) => CIFAR100_COARSE_CLASSES[label]), [
    "aquatic_mammals",
    "large_natural_outdoor_scenes",
    "vehicles_2",
  ]);
});

Deno.test("the official files have the lengths of 50,000 and 10,000 records, the archive its own", () => {
  assert.equal(CIFAR100_FILES.train[0].bytes, 153_700_000);
  assert.equal(CIFAR100_FILES.test[0].bytes, 30_740_000);
  assert.equal(CIFAR100_ARCHIVE.bytes, 168_513_733);
});

Deno.test("the archive is fetched once; records are read by their fine or their coarse label", async () => {
  await using test = await prepare([{}]);
  const { options, overrides } = test;
  const fine = await openCifar100(options, "fine", overrides);
  assert.match(fine.origin, /from the official archive/);
  const coarse = await openCifar100(options, "coarse", overrides);
  assert.match(coarse.origin, /already there/);
  assert.deepEqual(test.server.requests, ["whole"]);
  assert.deepEqual(await namesIn(options.dataDir), [".acquire.lock", "test.bin", "train.bin"]);
  assert.deepEqual([fine.name, coarse.name], ["cifar100", "cifar100:coarse"]);
  assert.deepEqual([fine.classes.length, coarse.classes.length], [100, 20]);
  for (const [set, labels] of [[fine, [72, 99, 19]], [coarse, [0, 19, 11]]] as const) {
    using store = await set.open("train");
    assert.deepEqual([...store.labels], labels);
    assert.deepEqual(store.pixels(1), TRAIN.subarray(RECORD_BYTES + 2, 2 * RECORD_BYTES));
  }
  using held = await fine.open("test");
  assert.deepEqual([...held.labels], [49, 0]);
});

Deno.test("an interrupted download goes on where it stopped", async () => {
  await using test = await prepare([{ range: true, breakAfter: 2000 }, { range: true }]);
  const set = await openCifar100(test.options, "fine", test.overrides);
  assert.deepEqual(test.server.requests, ["whole", "bytes=2000-"]);
  using store = await set.open("train");
  assert.equal(store.count, 3);
});

Deno.test("a site that cannot be reached is one line, with both ways out", async () => {
  await using test = await prepare([{ status: 503 }]);
  const { options, overrides } = test;
  await assert.rejects(
    openCifar100(options, "fine", overrides),
    (error: Error & { hint: string }) => {
      assert.equal(error.name, "DataError");
      assert.match(error.message, /^Cannot reach http:[^\n]*HTTP 503[^\n]*$/);
      assert.match(error.hint, /--data-url/);
      assert.ok(error.hint.includes(`train.bin and test.bin into ${options.dataDir}`));
      return true;
    },
  );
  await Deno.mkdir(options.dataDir, { recursive: true });
  await writeFiles(options.dataDir, [["train.bin", TRAIN], ["test.bin", TEST]]);
  const before = test.server.requests.length;
  const set = await openCifar100(options, "fine", overrides);
  using store = await set.open("train");
  assert.equal(store.count, 3);
  assert.equal(test.server.requests.length, before);
});

Deno.test("--data-url names another copy, and nothing but http and https", async () => {
  await using test = await prepare([{}]);
  const { overrides } = test;
  const unused = { ...overrides, archive: { ...overrides.archive, url: "http://127.0.0.1:1/x" } };
  await assert.rejects(openCifar100({ ...test.options, dataUrl: "ftp://a/b" }, "fine", unused), {
    name: "ConfigError",
    hint: "write --data-url as https://…/cifar-100-binary.tar.gz",
  });
  await openCifar100({ ...test.options, dataUrl: test.server.url }, "fine", unused);
  assert.deepEqual(test.server.requests, ["whole"]);
});

Deno.test("files that are there are verified as they are read", async () => {
  await using test = await prepare([{}]);
  const { options, overrides } = test;
  const wrong = TRAIN.slice();
  wrong[4000] ^= 1;
  await Deno.mkdir(options.dataDir, { recursive: true });
  await writeFiles(options.dataDir, [["train.bin", wrong], ["test.bin", TEST.subarray(1)]]);
  const set = await openCifar100(options, "fine", overrides);
  await assert.rejects(set.open("train"), {
    name: "DataError",
    message: /train\.bin as it is corrupted: expected sha256 .*, found/,
    hint: "delete it and run: deno task data",
  });
  await assert.rejects(
    set.open("test"),
    /test\.bin as it is truncated: expected 6148 bytes, found 6147/,
  );
  await Deno.remove(join(options.dataDir, "train.bin"));
  await assert.rejects(
    set.open("train"),
    /^DataError: Cannot find .*train\.bin: expected a file of/,
  );
});
