import assert from "node:assert/strict";
import { join } from "node:path";
import { download, UnreachableError } from "../../src/data/acquire/download.ts";
import { DataError, UserError } from "../../src/util/errors.ts";
import { type Answer, serveArchive } from "./archive_server.ts";
import { namesIn, randomRecords, RecordingReporter, sha256, temporaryFolder } from "./helpers.ts";

const CONTENT = randomRecords(20, 1).slice(0, 50_000);
const PATIENCE = { connectMs: 2000, stallMs: 2000, tries: 2, pauseMs: 1 };

interface Outcome {
  readonly error: unknown;
  readonly file: Uint8Array | undefined;
  readonly requests: string[];
  readonly reporter: RecordingReporter;
}

/** Downloads from a server that answers so, with `part` already there. */
async function attempt(
  answers: readonly Answer[],
  part?: Uint8Array,
  patience: typeof PATIENCE = PATIENCE,
): Promise<Outcome> {
  await using folder = await temporaryFolder();
  await using server = serveArchive(CONTENT, answers);
  const path = join(folder.path, "archive.part");
  if (part) await Deno.writeFile(path, part);
  const reporter = new RecordingReporter();
  const archive = { url: server.url, bytes: CONTENT.length, sha256: sha256(CONTENT) };
  let error: unknown;
  try {
    await download(archive, path, reporter, patience);
  } catch (caught) {
    error = caught;
  }
  const names = await namesIn(folder.path);
  const file = names.includes("archive.part") ? await Deno.readFile(path) : undefined;
  return { error, file, requests: server.requests, reporter };
}

function assertWhole({ error, file }: Outcome): void {
  assert.equal(error, undefined);
  assert.deepEqual(file, CONTENT);
}

Deno.test("a download is whole, and its progress reaches the end", async () => {
  const outcome = await attempt([{}]);
  assertWhole(outcome);
  assert.deepEqual(outcome.requests, ["whole"]);
  const { steps } = outcome.reporter;
  assert.deepEqual(steps[0], ["downloading", 0, 50_000]);
  assert.deepEqual(steps.at(-1), ["downloading", 50_000, 50_000]);
  assert.ok(steps.every(([, done], i) => i === 0 || done >= steps[i - 1][1]));
});

Deno.test("what is there already is kept, and only the rest is asked for", async () => {
  const outcome = await attempt([{ range: true }], CONTENT.subarray(0, 12_345));
  assertWhole(outcome);
  assert.deepEqual(outcome.requests, ["bytes=12345-"]);
  assert.match(outcome.reporter.messages[0], /going on after 12345 of 50000 bytes/);
  assert.deepEqual(outcome.reporter.steps[0], ["downloading", 12_345, 50_000]);
});

Deno.test("a server that ignores Range starts anew", async () => {
  const outcome = await attempt([{ range: false }], CONTENT.subarray(0, 12_345));
  assertWhole(outcome);
  assert.deepEqual(outcome.reporter.steps[0], ["downloading", 0, 50_000]);
  assert.ok(outcome.reporter.messages.some((text) => /cannot resume/.test(text)));
});

Deno.test("a connection that breaks midway is resumed by itself", async () => {
  const outcome = await attempt([
    { range: true, breakAfter: 10_000 },
    { range: true, breakAfter: 20_000 },
    { range: true },
  ]);
  assertWhole(outcome);
  assert.equal(outcome.requests.length, 3);
  assert.ok(outcome.requests.slice(1).every((range) => /^bytes=\d+-$/.test(range)));
});

Deno.test("a connection that breaks without Range starts anew each time", async () => {
  assertWhole(await attempt([{ breakAfter: 10_000 }, {}]));
});

Deno.test("a server that always breaks at the same place is given up; the part is kept", async () => {
  const outcome = await attempt([{ breakAfter: 10_000 }]);
  assert.ok(outcome.error instanceof UnreachableError);
  assert.ok(outcome.file!.length > 0);
  assert.deepEqual(outcome.file, CONTENT.subarray(0, outcome.file!.length));
  assert.ok(outcome.requests.length <= 4);
});

Deno.test("a stalled body counts as a broken connection", async () => {
  const patience = { ...PATIENCE, stallMs: 150 };
  const outcome = await attempt(
    [{ range: true, stallAfter: 10_000 }, { range: true }],
    undefined,
    patience,
  );
  assertWhole(outcome);
  assert.ok(outcome.reporter.messages.some((text) => /no data for 0.15 s/.test(text)));
});

Deno.test("a server that does not answer is given up after the time to connect", async () => {
  const start = performance.now();
  const outcome = await attempt([{ silent: true }], undefined, { ...PATIENCE, connectMs: 150 });
  assert.ok(outcome.error instanceof UnreachableError);
  assert.match(outcome.error.message, /no answer within 0.15 s/);
  assert.ok(performance.now() - start < 2000);
  assert.equal(outcome.requests.length, 1);
});

Deno.test("a refused connection is given up at once", async () => {
  await using folder = await temporaryFolder();
  const server = serveArchive(CONTENT, [{}]);
  await server[Symbol.asyncDispose]();
  const archive = { url: server.url, bytes: CONTENT.length, sha256: sha256(CONTENT) };
  const path = join(folder.path, "archive.part");
  await assert.rejects(download(archive, path, new RecordingReporter()), {
    name: "UnreachableError",
    message: /refused/,
  });
});

for (const status of [403, 404, 503]) {
  Deno.test(`HTTP ${status} means that the file cannot be had there; the part is kept`, async () => {
    const outcome = await attempt([{ status }], CONTENT.subarray(0, 10));
    assert.ok(outcome.error instanceof UnreachableError);
    assert.ok(outcome.error.message.includes(`HTTP ${status}`));
    assert.equal(outcome.file?.length, 10);
  });
}

Deno.test("a file of another length is refused before it is downloaded", async () => {
  const outcome = await attempt([{ content: CONTENT.slice(0, 400) }]);
  assert.ok(outcome.error instanceof UnreachableError);
  assert.match(outcome.error.message, /offers 400 bytes where 50000 are expected/);
  assert.equal(outcome.file, undefined);
});

Deno.test("a file of unknown length is cut off at the expected length, and removed", async () => {
  const long = new Uint8Array(60_000);
  const outcome = await attempt([{ content: long, chunked: true }]);
  assert.ok(outcome.error instanceof DataError);
  assert.match(outcome.error.message, /too long: expected 50000 bytes/);
  assert.equal(outcome.file, undefined);
});

Deno.test("wrong content is an error that names both sums, and is removed", async () => {
  const wrong = CONTENT.slice();
  wrong[40_000] ^= 1;
  const outcome = await attempt([{ content: wrong }]);
  assert.ok(outcome.error instanceof DataError);
  assert.ok(outcome.error.message.includes(`expected sha256 ${sha256(CONTENT)}`));
  assert.ok(outcome.error.message.includes(`found ${sha256(wrong)}`));
  assert.equal(outcome.file, undefined);
});

Deno.test("a wrong part is thrown away and the download starts anew", async () => {
  const wrong = CONTENT.slice(0, 20_000);
  wrong[0] ^= 1;
  const outcome = await attempt([{ range: true }], wrong);
  assertWhole(outcome);
  assert.deepEqual(outcome.requests, ["bytes=20000-", "whole"]);
});

Deno.test("a part that is too long is thrown away", async () => {
  const outcome = await attempt([{ range: true }], new Uint8Array(50_001));
  assertWhole(outcome);
  assert.deepEqual(outcome.reporter.messages, []);
  assert.deepEqual(outcome.requests, ["whole"]);
});

Deno.test("a part that is whole needs no server", async () => {
  const outcome = await attempt([{ status: 500 }], CONTENT);
  assertWhole(outcome);
  assert.deepEqual(outcome.requests, []);
});

for (
  const [what, first] of [
    ["a Content-Range of another start", { contentRange: "bytes 5-49999/50000" }],
    ["a Content-Range of another length", { contentRange: "bytes 100-59999/60000" }],
    ["status 416", { status: 416 }],
  ] as const
) {
  Deno.test(`${what} makes the download start anew`, async () => {
    const outcome = await attempt([first, {}], CONTENT.subarray(0, 100));
    assertWhole(outcome);
    assert.deepEqual(outcome.requests, ["bytes=100-", "whole"]);
  });
}

Deno.test("a download that starts anew and breaks keeps nothing of the old part", async () => {
  const outcome = await attempt([{ breakAfter: 5000 }, { range: true }], new Uint8Array(12_345));
  assertWhole(outcome);
  assert.equal(outcome.requests.length, 2);
  assert.match(outcome.requests[1], /^(whole|bytes=[1-5]\d{3}-)$/);
});

Deno.test("a server that starts anew each time and gets no further is given up", async () => {
  const answers = Array.from({ length: 40 }, (_, i) => ({ breakAfter: i % 2 ? 5000 : 10_000 }));
  const outcome = await attempt(answers);
  assert.ok(outcome.error instanceof UnreachableError);
  assert.ok(outcome.requests.length <= 4, `${outcome.requests.length} requests`);
});

Deno.test("a body that ends too early counts as a broken connection", async () => {
  const outcome = await attempt([{ content: CONTENT.slice(0, 40_000), chunked: true }]);
  assert.ok(outcome.error instanceof UnreachableError);
  assert.match(outcome.error.message, /ended too early/);
});

Deno.test("a slow download is not a stalled one", async () => {
  const outcome = await attempt([{ delayMs: 8 }], undefined, { ...PATIENCE, stallMs: 200 });
  assertWhole(outcome);
  assert.deepEqual(outcome.requests, ["whole"]);
});

Deno.test("a folder that is not there is an error of one line with a hint", async () => {
  await using server = serveArchive(CONTENT, [{}]);
  const archive = { url: server.url, bytes: CONTENT.length, sha256: sha256(CONTENT) };
  await using folder = await temporaryFolder();
  const path = join(folder.path, "missing", "archive.part");
  await assert.rejects(download(archive, path, new RecordingReporter()), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /^Cannot write .*archive\.part: no such file or folder$/);
    assert.equal(error.hint, "check the path");
    return true;
  });
});
