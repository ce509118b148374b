/** Files decoded by threads: their order, their failures, their end. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { decodeFiles } from "../../../src/data/images/decode_pool.ts";
import { loadImage } from "../../../src/data/images/load_image.ts";
import { DataError } from "../../../src/util/errors.ts";
import golden from "../../golden/images.json" with { type: "json" };
import { temporaryFolder } from "../helpers.ts";

const SIZE = { height: 8, width: 8 };
const BROKEN = (way: string) => new URL(`./broken_decoder.ts?way=${way}`, import.meta.url);

async function someFiles(folder: string): Promise<string[]> {
  const files = [...golden.pngs, ...golden.jpegs].map(({ file }) => Uint8Array.fromBase64(file));
  files.splice(5, 0, new TextEncoder().encode("no image"));
  return await Promise.all(files.map(async (bytes, i) => {
    const path = join(folder, `${i}`);
    await Deno.writeFile(path, bytes);
    return path;
  }));
}

Deno.test("results come in the order of the files, the same for any number of threads", async () => {
  await using folder = await temporaryFolder();
  const paths = await someFiles(folder.path);
  for (const workers of [1, 3]) {
    const results = await Array.fromAsync(decodeFiles(paths, { size: SIZE, workers }));
    assert.equal(results.length, paths.length);
    for (const [i, result] of results.entries()) {
      if (i === 5) {
        assert.ok(result instanceof DataError);
        assert.ok(result.message.includes(paths[5]));
        assert.notEqual(result.hint, "");
      } else {
        assert.deepEqual(result, await loadImage(paths[i], SIZE), `file ${i}`);
      }
    }
  }
});

Deno.test("a file that is gone stops the decoding and is named", async () => {
  const decoding = Array.fromAsync(decodeFiles(["/no/such.png"], { size: SIZE, workers: 1 }));
  await assert.rejects(decoding, /\/no\/such\.png/);
});

Deno.test("a worker that throws, ends or hangs is named with its file", async () => {
  await using folder = await temporaryFolder();
  const paths = await someFiles(folder.path);
  const cases = [
    ["throw", /disk on fire/],
    ["reply", /disk on fire/],
    ["exit", /ended with code/],
    ["hang", /not done/],
  ];
  for (const [way, message] of cases as [string, RegExp][]) {
    const stallMs = way === "hang" ? 300 : 30_000;
    const options = { size: SIZE, workers: 2, workerModule: BROKEN(way), stallMs };
    await assert.rejects(Array.fromAsync(decodeFiles(paths, options)), (error: Error) => {
      assert.match(error.message, /^Cannot decode .*: decode worker \d/);
      assert.match(error.message, message);
      if (way === "reply") assert.match(error.stack ?? "", /at the very bottom/);
      return true;
    });
  }
});

Deno.test("an abort ends the decoding with its reason", async () => {
  await using folder = await temporaryFolder();
  const paths = await someFiles(folder.path);
  const controller = new AbortController();
  const options = {
    size: SIZE,
    workers: 1,
    signal: controller.signal,
    workerModule: BROKEN("hang"),
  };
  const decoding = Array.fromAsync(decodeFiles(paths, options));
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await assert.rejects(decoding, /enough/);
});

Deno.test("an iteration that is left in the middle ends its workers", async () => {
  await using folder = await temporaryFolder();
  const paths = await someFiles(folder.path);
  let taken = 0;
  for await (const _ of decodeFiles(paths, { size: SIZE, workers: 2 })) if (++taken === 3) break;
  assert.equal(taken, 3);
});
