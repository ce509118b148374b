/** Hostile safetensors on disk are refused by every reader, in no time and before memory is taken for them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors } from "../../src/formats/safetensors.ts";
import { loadInitialWeights } from "../../src/train/checkpoints/init_from.ts";
import { DataError } from "../../src/util/errors.ts";
import { temporaryFolder } from "../data/helpers.ts";
import { TINY_LAYOUT } from "../train/run_support.ts";
import { field } from "./safetensors_support.ts";

const GIB = 2 ** 30;
/** What a refusal may take beside the bytes of the header. */
const MOST_BYTES = 32 * 2 ** 20;
/** Far more than it takes, far less than work that grows with the square of the entries would. */
const MOST_MILLISECONDS = 10_000;

/** A file: the length in its first 8 bytes, the header, and how long all of it is. */
interface Attack {
  readonly length?: bigint;
  readonly header: string;
  /** Of the whole file, of which all behind the header is a hole on the disk; by default none. */
  readonly size?: number;
}

function tensor(dtype: string, shape: string, begin: number | string, end: number | string) {
  return `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
}

/** A header of one tensor. */
function one(dtype: string, shape: string, begin: number | string, end: number | string) {
  return `{"a":${tensor(dtype, shape, begin, end)}}`;
}

const MANY = 100_000;
const HOLE_BEFORE = one("U8", "[4]", 8 * GIB - 4, 8 * GIB);
const HOLE_BETWEEN = `{${field("a", 0, 4)},${field("b", 8 * GIB - 4, 8 * GIB)}}`;

const ATTACKS: Readonly<Record<string, Attack>> = {
  "no bytes": { header: "", size: 0 },
  "7 bytes": { header: "", size: 7 },
  "a length of 2^64 - 1": { length: 2n ** 64n - 1n, header: "{}", size: 8 * GIB },
  "a length of 2^63": { length: 2n ** 63n, header: "{}", size: 8 * GIB },
  "a length of 2^32 + 2, whose low half is true": { length: 2n ** 32n + 2n, header: "{}" },
  "a length over the limit by one": { length: 100_000_001n, header: "{", size: 8 * GIB },
  "a length over the file by one": { length: 3n, header: "{}" },
  "a header of zeros as long as allowed": { length: 100_000_000n, header: "", size: 8 * GIB },
  "a hole of 8 GiB, all of it header": { length: BigInt(8 * GIB - 8), header: "", size: 8 * GIB },
  "a header of nothing": { header: "", size: 8 * GIB },
  "8 GiB of no tensor": { header: "{}", size: 8 * GIB },
  "8 GiB behind a tensor": { header: one("U8", "[4]", 0, 4), size: 8 * GIB },
  "8 GiB before a tensor": { header: HOLE_BEFORE, size: 8 + HOLE_BEFORE.length + 8 * GIB },
  "8 GiB between two tensors": { header: HOLE_BETWEEN, size: 8 + HOLE_BETWEEN.length + 8 * GIB },
  "8 GiB claimed, 4 there": { header: one("U8", `[${8 * GIB}]`, 0, 8 * GIB), size: 4 * GIB },
  "8 GiB claimed, none there": { header: one("U8", `[${8 * GIB}]`, 0, 8 * GIB) },
  "offsets from below zero": { header: one("U8", "[4]", -4, 0), size: 8 * GIB },
  "offsets in reverse": { header: one("U8", "[4]", 8, 4), size: 8 * GIB },
  "an offset of 2^53": { header: one("U8", "[1]", 2 ** 53, "9007199254740993"), size: 8 * GIB },
  "an offset of 1e308": { header: one("U8", "[1]", 0, "1e308"), size: 8 * GIB },
  "an offset that is infinite": { header: one("U8", "[1]", 0, "1e999"), size: 8 * GIB },
  "an offset in a string": { header: one("U8", "[4]", '"0"', '"4"'), size: 8 * GIB },
  "no offsets": { header: '{"a":{"dtype":"U8","shape":[4]}}', size: 8 * GIB },
  "shapes whose product is 2^64": {
    header: one("U8", `[${2 ** 32},${2 ** 32}]`, 0, 0),
    size: 100,
  },
  "shapes whose product in 64 bits is small": {
    header: one("U8", "[4294967296,4294967297,4294967295]", 0, 4),
  },
  "a shape that overflows all numbers": {
    header: one("F64", `[${Array(40).fill(2 ** 50)}]`, 0, 0),
  },
  "an infinity times nothing": { header: one("F64", `[${Array(40).fill(2 ** 50)},0]`, 0, 0) },
  "a shape below zero twice": { header: one("U8", "[-2,-2]", 0, 4) },
  "a shape of halves": { header: one("U8", "[0.5,8]", 0, 4) },
  "a shape no array": { header: one("U8", '{"length":1,"0":4}', 0, 4) },
  "a shape of arrays": { header: one("U8", "[[4]]", 0, 4) },
  "too few bytes for the type": { header: one("F64", `[${GIB}]`, 0, GIB), size: 8 * GIB },
  "the same bytes 100,000 times": {
    header: `{${
      Array.from(
        { length: MANY },
        (_, i) => field(`t${i}`, 0, GIB, `"dtype":"U8","shape":[${GIB}]`),
      )
    }}`,
    size: 2 * GIB,
  },
  "overlapping by one byte": {
    header: `{${field("a", 0, 4)},${field("b", 3, 7)}}`,
    size: 8 * GIB,
  },
  "the same name twice": {
    header: `{${field("a", 0, 4)},${field("a", 4, 8)}}`,
    size: 8 * GIB,
  },
  "arrays in arrays": { header: "[".repeat(MANY), size: 8 * GIB },
  "arrays in arrays in a tensor": {
    header: `{"a":${"[".repeat(MANY)}${"]".repeat(MANY)}}`,
    size: 8 * GIB,
  },
  "objects in objects": { header: '{"a":'.repeat(MANY) + "1" + "}".repeat(MANY) },
  "objects in objects in a shape": {
    header: one("U8", `${'{"a":['.repeat(MANY)}${"]}".repeat(MANY)}`, 0, 4),
  },
  "100,000 empty tensors and a hole": {
    header: `{${
      Array.from({ length: MANY }, (_, i) => field(`t${i}`, 0, 0, '"dtype":"U8","shape":[0]'))
    }}`,
    size: 8 * GIB,
  },
  "a name of a megabyte": { header: `{"${"n".repeat(2 ** 20)}":1}`, size: 8 * GIB },
};

/** Writes an attack; what follows the header is not stored. */
async function write(path: string, { header, length, size }: Attack): Promise<number> {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  await Deno.writeFile(path, bytes);
  if (size !== undefined) await Deno.truncate(path, size);
  return text.length;
}

/** Most bytes that were asked of a file while `body` ran. */
async function bytesRead(body: () => Promise<void>): Promise<number> {
  const real = Deno.FsFile.prototype.read;
  let asked = 0;
  Deno.FsFile.prototype.read = function (buffer) {
    asked += buffer.length;
    return real.call(this, buffer);
  };
  try {
    await body();
  } finally {
    Deno.FsFile.prototype.read = real;
  }
  return asked;
}

const READERS = {
  readSafetensors,
  loadInitialWeights: (path: string) =>
    loadInitialWeights(path, TINY_LAYOUT, { partial: true, seed: 1 }),
};

Deno.test("every attack is refused by every reader, before anything is allocated for the data", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "x.safetensors");
  for (const [what, attack] of Object.entries(ATTACKS)) {
    const headerBytes = await write(path, attack);
    const declared = attack.length ?? BigInt(headerBytes);
    const allowed = 8 + (declared <= 100_000_000n ? Number(declared) : 0);
    for (const [reader, read] of Object.entries(READERS)) {
      const before = Deno.memoryUsage();
      const start = performance.now();
      const asked = await bytesRead(() =>
        assert.rejects(read(path), (error) => {
          assert.ok(error instanceof DataError, `${what}, ${reader}: ${error}`);
          assert.ok(error.message.length < 400, `${what}: ${error.message}`);
          assert.ok(error.message.includes(path), `${what}: ${error.message}`);
          return true;
        })
      );
      const milliseconds = performance.now() - start;
      const after = Deno.memoryUsage();
      const label = `${what}, ${reader}`;
      assert.ok(asked <= allowed, `${label}: ${asked} bytes were read, at most ${allowed} are due`);
      // Buffers that nothing fills are counted here, though the system gives them no memory yet.
      const buffers = after.external - before.external;
      assert.ok(buffers <= MOST_BYTES + allowed, `${label}: buffers of ${buffers} bytes`);
      assert.ok(milliseconds <= MOST_MILLISECONDS, `${label}: took ${milliseconds} ms`);
    }
  }
});

Deno.test("a hole that a tensor covers is data like any other", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "x.safetensors");
  const bytes = 64 * 2 ** 20;
  const header = one("U8", "[64,1048576]", 0, bytes);
  await write(path, { header, size: 8 + header.length + bytes });
  const { tensors } = await readSafetensors(path);
  assert.deepEqual([tensors.a.data.length, tensors.a.data[bytes - 1]], [bytes, 0]);
});
