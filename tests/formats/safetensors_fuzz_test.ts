/** Twenty thousand broken files: refused in one line, or tensors that cover the data to the byte. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  type SafeTensor,
  type SafeTensors,
} from "../../src/formats/safetensors.ts";
import { initialValues, splitBlock } from "../../src/nn/parameters.ts";
import { loadInitialWeights } from "../../src/train/checkpoints/init_from.ts";
import { DataError } from "../../src/util/errors.ts";
import { temporaryFolder } from "../data/helpers.ts";
import { testRandom } from "../support.ts";
import { TINY_LAYOUT } from "../train/run_support.ts";
import { METADATA, MIXED } from "./safetensors_support.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Of each kind. */
const TRIES = 2_500;
/** One in so many goes through a file, too. */
const ON_DISK = 10;

const random = testRandom(20);
const below = (n: number) => Math.floor(random() * n);
const pick = <T>(values: readonly T[]): T => values[below(values.length)];

/** Element sizes, as the format's own documents give them. */
const SIZES: Readonly<Record<string, number>> = {
  ...{ BOOL: 1, U8: 1, I8: 1, F8_E5M2: 1, F8_E4M3: 1, I16: 2, U16: 2, F16: 2, BF16: 2 },
  ...{ I32: 4, U32: 4, F32: 4, F64: 8, I64: 8, U64: 8 },
};

/** Files that are sound: all element types, and weights of a model. */
const SOUND: readonly Bytes[] = [
  encodeSafetensors(MIXED, METADATA),
  encodeSafetensors({ a: { dtype: "F32", shape: [2], data: Float32Array.of(1, 2) } }),
  encodeSafetensors(
    Object.fromEntries(
      Object.entries(splitBlock(TINY_LAYOUT, initialValues(TINY_LAYOUT, 1))).map((
        [name, data],
        i,
      ): [string, SafeTensor] => [name, { dtype: "F32", shape: TINY_LAYOUT.specs[i].shape, data }]),
    ),
    { format: "pt" },
  ),
];

function headerOf(file: Bytes): { text: string; data: Bytes } {
  const length = new DataView(file.buffer).getUint32(0, true);
  const text = new TextDecoder().decode(file.subarray(8, 8 + length)).trimEnd();
  return { text, data: file.subarray(8 + length) };
}

function joined(text: string, data: Uint8Array): Bytes {
  const header = new TextEncoder().encode(text);
  const file = new Uint8Array(8 + header.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  file.set(data, 8 + header.length);
  return file;
}

/** Replaces one of the places in a header that a pattern finds. */
function replaced(file: Bytes, pattern: RegExp, make: (found: string) => string): Bytes {
  const { text, data } = headerOf(file);
  const found = pick([...text.matchAll(pattern)]);
  const after = text.slice(found.index + found[0].length);
  return joined(text.slice(0, found.index) + make(found[0]) + after, data);
}

const NUMBERS = [
  ...["-1", "-0", "1e308", "1e999", "9007199254740992", "9007199254740993", "0.5", "4294967296"],
  ...["18446744073709551616", '"4"', "null", "true", "[]", "[4]", "{}", '{"a":1}', "1e1", "1.0"],
];
const VALUES = [
  ...[
    "null",
    "1",
    "[]",
    "{}",
    '"F16"',
    '"BF16"',
    '"f32"',
    '"__proto__"',
    '"toString"',
    '"\\u0000"',
  ],
  ...['"U8"', '"F64"', '"I32"', "[[[[[[[[]]]]]]]]", '"\\ud800"', '"'],
];

/** Whether a mutation leaves a header that must be refused, whatever else it is. */
interface Mutation {
  readonly mustFail?: true;
  make(file: Bytes): Bytes;
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "bits flipped": {
    make(file) {
      const bytes = file.slice();
      // Most of them in the prefix and the header.
      const end = random() < 0.9 ? 8 + headerOf(file).text.length : bytes.length;
      for (let i = below(3); i >= 0; i--) bytes[below(end)] ^= 1 << below(8);
      return bytes;
    },
  },
  "bytes cut out, doubled or strewn in": {
    make(file) {
      const at = below(Math.min(file.length, 400));
      const length = below(12);
      const middle = pick([
        new Uint8Array(0),
        file.subarray(at, at + 2 * length),
        Uint8Array.from({ length }, () => below(256)),
        new TextEncoder().encode(pick(['{"', "}}", "],[", ",,", '"a":{}', "\\u00", "  ", "1e"])),
      ]);
      return joinBytes(file.subarray(0, at), middle, file.subarray(at + length));
    },
  },
  "cut short": { mustFail: true, make: (file) => file.slice(0, below(file.length)) },
  "made longer": {
    mustFail: true,
    make: (file) => joinBytes(file, new Uint8Array(1 + below(40)).fill(pick([0, 32, 0x7d]))),
  },
  "another length of the header": {
    make(file) {
      const bytes = file.slice();
      const view = new DataView(bytes.buffer);
      const length = view.getBigUint64(0, true);
      const lengths = [0n, 1n, length - 1n, length + 1n, length + 8n, 100_000_000n, 2n ** 64n - 1n];
      view.setBigUint64(
        0,
        pick([...lengths, BigInt(below(bytes.length)), length + 2n ** 32n]),
        true,
      );
      return bytes;
    },
  },
  "another number": { make: (file) => replaced(file, /-?\d+(?=[\],])/g, () => pick(NUMBERS)) },
  "another value": {
    make: (file) => replaced(file, /(?<=:)("[^"]*"|\[[^\]]*\])/g, () => pick(VALUES)),
  },
  "a key twice": {
    mustFail: true,
    make: (file) =>
      replaced(file, /"(dtype|shape|data_offsets)":("\w+"|\[[^\]]*\])/g, (field) => {
        const other = field.replace(/:.*/, () => `:${pick(VALUES.slice(0, -1))}`);
        return pick([`${field},${field}`, `${other},${field}`, `${field},${other}`]);
      }),
  },
};

function joinBytes(...parts: readonly Uint8Array[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The tensors are what the file says, found by another way: they cover its data, each byte once. */
function assertSound(file: Bytes, { tensors, metadata }: SafeTensors, what: string): void {
  const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
  const data = file.subarray(8 + headerBytes);
  const { __metadata__, ...entries } = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + headerBytes)),
  );
  assert.deepEqual(Object.keys(tensors).sort(), Object.keys(entries).sort(), what);
  assert.deepEqual(metadata, __metadata__ ?? {}, what);
  const covered = new Uint8Array(data.length);
  for (const [name, { dtype, shape, data: values }] of Object.entries(tensors)) {
    const [begin, end] = entries[name].data_offsets;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const expected = shape.reduce((product, size) => product * BigInt(size), BigInt(SIZES[dtype]));
    assert.equal(BigInt(bytes.length), expected, `${what}: ${name}`);
    assert.deepEqual(bytes, data.slice(begin, end), `${what}: ${name}`);
    for (let i = begin; i < end; i++) covered[i]++;
  }
  assert.ok(covered.every((times) => times === 1), `${what}: not each byte of the data once`);
}

/** What reading came to: tensors, or undefined where the file was refused as it must be. */
async function outcome<T>(read: () => T | Promise<T>, what: string): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DataError)) {
      throw new Error(`${what}: not a DataError`, { cause: error });
    }
    assert.ok(!error.message.includes("\n") && error.message.length < 1000, error.message);
    return undefined;
  }
}

Deno.test("broken files are refused, or sound by another check", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "x.safetensors");
  const sound = new Map<string, number>();
  for (const file of SOUND) assertSound(file, decodeSafetensors(file), "unchanged");
  for (const [kind, { make, mustFail }] of Object.entries(MUTATIONS)) {
    let accepted = 0;
    for (let i = 0; i < TRIES; i++) {
      const original = pick(SOUND);
      const file = make(original);
      const what = `${kind} ${i}`;
      const found = await outcome(() => decodeSafetensors(file), what);
      if (found !== undefined) {
        accepted++;
        assert.ok(!mustFail, `${what} was accepted`);
        assertSound(file, found, what);
      }
      if (i % ON_DISK !== 0) continue;
      await Deno.writeFile(path, file);
      const read = await outcome(() => readSafetensors(path), what);
      assert.deepEqual(read, found, `${what}: from a file`);
      const options = { partial: true, seed: 1 };
      const weights = await outcome(() => loadInitialWeights(path, TINY_LAYOUT, options), what);
      assert.ok(weights === undefined || found !== undefined, what);
      assert.ok(weights?.parameters.every(Number.isFinite) ?? true, what);
    }
    sound.set(kind, accepted);
  }
  const total = [...sound.values()].reduce((a, b) => a + b);
  // Flips in the data, other names, other types of the same size: some files are as sound as before.
  assert.ok(total > 200, `only ${total} were accepted`);
  for (const [kind, accepted] of sound) {
    console.log(`fuzz | ${kind} | ${TRIES} | ${TRIES - accepted} refused | ${accepted} accepted`);
    assert.ok(accepted < TRIES / 2, `${kind}: ${accepted} of ${TRIES} were accepted`);
  }
});
