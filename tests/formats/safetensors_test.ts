import assert from "node:assert/strict";
import { join } from "node:path";
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  type SafeTensor,
  writeSafetensors,
} from "../../src/formats/safetensors.ts";

const GOLDEN = new URL("../golden/mixed.safetensors", import.meta.url).pathname;

/** What tests/golden/safetensors.py puts into its file. */
const MIXED: Record<string, SafeTensor> = {
  u64: { dtype: "U64", shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  i64: { dtype: "I64", shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
  f64: { dtype: "F64", shape: [1, 2], data: Float64Array.of(0.1, -1e300) },
  "conv1/weights": {
    dtype: "F32",
    shape: [2, 3],
    data: Float32Array.of(0, 1, -2.5, 3.25, 1e-30, 16777216),
  },
  nothing: { dtype: "F32", shape: [3, 0], data: new Float32Array(0) },
  scalar: { dtype: "F32", shape: [], data: Float32Array.of(0.5) },
  u32: { dtype: "U32", shape: [1], data: Uint32Array.of(4294967295) },
  i32: { dtype: "I32", shape: [1], data: Int32Array.of(-2147483648) },
  half: { dtype: "F16", shape: [3], data: Uint16Array.of(0x3c00, 0xc000, 0x7bff) },
  u16: { dtype: "U16", shape: [1], data: Uint16Array.of(65535) },
  i16: { dtype: "I16", shape: [1], data: Int16Array.of(-32768) },
  i8: { dtype: "I8", shape: [1], data: Int8Array.of(-128) },
  'bytes \u00fc"': { dtype: "U8", shape: [3], data: Uint8Array.of(0, 127, 255) },
  yes: { dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 0) },
};
const METADATA = { step: "2000", format: "kiln \u00e9" };

/** A file of a header as it stands and some bytes of data. */
function fileOf(header: string, dataBytes: number): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** A tensor's field in a header, 4 bytes of U8 unless told otherwise. */
function field(
  name: string,
  begin: number,
  end: number,
  rest = `"dtype":"U8","shape":[4]`,
): string {
  return `"${name}":{${rest},"data_offsets":[${begin},${end}]}`;
}

async function inTemporaryFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("bytes are the reference implementation's", () => {
  const data = Float32Array.of(0, 1, 2, 3, 4, 5);
  const cases: [string, number[], string][] = [
    ["attn.0", [1, 2, 3], '{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}'],
    // A name one letter shorter and a longer shape: 65 bytes, filled up to 72.
    [
      "attn0",
      [1, 1, 2, 3],
      '{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       ',
    ],
  ];
  for (const [name, shape, header] of cases) {
    const expected = fileOf(header, 24);
    expected.set(new Uint8Array(data.buffer), 8 + header.length);
    assert.deepEqual(encodeSafetensors({ [name]: { dtype: "F32", shape, data } }), expected);
  }
  assert.deepEqual(encodeSafetensors({}), fileOf("{}      ", 0));
  assert.deepEqual(
    encodeSafetensors({}, { framework: "pt" }),
    fileOf('{"__metadata__":{"framework":"pt"}}     ', 0),
  );
});

Deno.test("a file written independently is read, and written the same", async () => {
  const { tensors, metadata } = await readSafetensors(GOLDEN);
  assert.deepEqual(tensors, MIXED);
  assert.deepEqual(metadata, METADATA);
  assert.deepEqual(encodeSafetensors(MIXED, METADATA), await Deno.readFile(GOLDEN));
});

Deno.test("the order of the tensors given does not matter", () => {
  const reversed = Object.fromEntries(Object.entries(MIXED).reverse());
  assert.deepEqual(encodeSafetensors(reversed), encodeSafetensors(MIXED));
});

Deno.test("decoded tensors are views where aligned and copies where not", () => {
  const file = encodeSafetensors(MIXED, METADATA);
  for (const { data } of Object.values(decodeSafetensors(file).tensors)) {
    assert.equal(data.buffer, file.buffer);
  }
  const shifted = new Uint8Array(file.length + 1).subarray(1);
  shifted.set(file);
  const { tensors } = decodeSafetensors(shifted);
  assert.deepEqual(tensors, MIXED);
  assert.notEqual(tensors.f64.data.buffer, shifted.buffer);
  assert.equal(tensors.i8.data.buffer, shifted.buffer);
});

Deno.test("names that mean something to JavaScript are names like any other", () => {
  const data = Uint8Array.of(1, 2, 3, 4);
  const names = ["__proto__", "constructor", "7", "a\u0000b"];
  const file = encodeSafetensors(
    Object.fromEntries(names.map((name) => [name, { dtype: "U8", shape: [4], data }])),
  );
  const { tensors } = decodeSafetensors(file);
  assert.deepEqual(Object.keys(tensors).sort(), [...names].sort());
  assert.equal(Object.getPrototypeOf(tensors), Object.prototype);
});

Deno.test("tensors may stand in any order in the header, and may be empty", () => {
  const empty = `"dtype":"F32","shape":[0]`;
  const file = fileOf(`{${field("b", 4, 8)},${field("e", 4, 4, empty)},${field("a", 0, 4)}}`, 8);
  assert.deepEqual(Object.keys(decodeSafetensors(file).tensors), ["b", "e", "a"]);
});

Deno.test("unsound headers are refused in one line", () => {
  const cases: [string, string, number, string][] = [
    ["no JSON", '{"a"', 0, "expected a header of JSON in UTF-8, found something else"],
    ["an array", "[1]", 0, "expected a header that begins with {"],
    ["a space first", " {}", 0, "expected a header that begins with {"],
    ["empty", "", 0, "expected a header that begins with {"],
    [
      "the same tensor twice",
      `{${field("a", 0, 4)},${field("a", 0, 4)}}`,
      4,
      'found the key "a" twice',
    ],
    [
      "the same tensor twice, once escaped",
      `{${field("a", 0, 4)},${field("\\u0061", 4, 8)}}`,
      8,
      'found the key "a" twice',
    ],
    [
      "the same field twice",
      `{${field("a", 0, 4, '"dtype":"U8","dtype":"I8","shape":[4]')}}`,
      4,
      'found the key "dtype" twice',
    ],
    [
      "metadata twice",
      '{"__metadata__":{},"__metadata__":{}}',
      0,
      'found the key "__metadata__" twice',
    ],
    [
      "metadata of numbers",
      '{"__metadata__":{"step":1}}',
      0,
      'expected __metadata__ "step" to be a string',
    ],
    [
      "metadata no object",
      '{"__metadata__":[]}',
      0,
      "expected __metadata__ to be an object of strings",
    ],
    ["a tensor no object", '{"a":4}', 4, 'tensor "a": expected an object'],
    [
      "an unknown field",
      `{${field("a", 0, 4, '"dtype":"U8","shape":[4],"stride":[1]')}}`,
      4,
      'tensor "a": expected dtype, shape and data_offsets, found "stride"',
    ],
    [
      "an unknown dtype",
      `{${field("a", 0, 4, '"dtype":"f32","shape":[1]')}}`,
      4,
      'tensor "a": expected a known dtype, found "f32"',
    ],
    [
      "a dtype of every object",
      `{${field("a", 0, 4, '"dtype":"toString","shape":[1]')}}`,
      4,
      'tensor "a": expected a known dtype, found "toString"',
    ],
    [
      "no shape",
      `{${field("a", 0, 4, '"dtype":"U8"')}}`,
      4,
      'tensor "a": expected a shape of integers of at least 0, found nothing',
    ],
    [
      "a negative size",
      `{${field("a", 0, 4, '"dtype":"U8","shape":[-2,-2]')}}`,
      4,
      'tensor "a": expected a shape of integers of at least 0, found [-2,-2]',
    ],
    [
      "a fractional size",
      `{${field("a", 0, 4, '"dtype":"F32","shape":[0.5,2]')}}`,
      4,
      'tensor "a": expected a shape of integers of at least 0, found [0.5,2]',
    ],
    [
      "a shape too small for its bytes",
      `{${field("a", 0, 4, '"dtype":"U8","shape":[3]')}}`,
      4,
      'tensor "a": expected 3 bytes for U8 [3], found data_offsets of 4',
    ],
    [
      "a dtype too wide for its bytes",
      `{${field("a", 0, 4, '"dtype":"F32","shape":[4]')}}`,
      4,
      'tensor "a": expected 16 bytes for F32 [4], found data_offsets of 4',
    ],
    [
      "a shape that overflows",
      `{${field("a", 0, 0, '"dtype":"F64","shape":[4294967296,4294967296]')}}`,
      0,
      'tensor "a": expected 147573952589676410000 bytes for F64 [4294967296,4294967296], ' +
      "found data_offsets of 0",
    ],
    [
      "negative offsets",
      `{${field("a", -4, 0)}}`,
      4,
      'tensor "a": expected data_offsets of two integers of at least 0, found [-4,0]',
    ],
    [
      "three offsets",
      '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}}',
      4,
      'tensor "a": expected data_offsets of two integers of at least 0, found [0,4,4]',
    ],
    [
      "offsets in reverse",
      `{${field("a", 4, 0)}}`,
      4,
      'tensor "a": expected data_offsets in order, found [4,0]',
    ],
    [
      "offsets outside the file",
      `{${field("a", 0, 4)}}`,
      3,
      'tensor "a": expected data_offsets within 3 bytes, found [0,4]',
    ],
    [
      "overlap",
      `{${field("a", 0, 4)},${field("b", 2, 6)}}`,
      6,
      'tensor "b" overlaps another tensor: expected it to begin at byte 4, found 2',
    ],
    [
      "the same bytes twice",
      `{${field("a", 0, 4)},${field("b", 0, 4)}}`,
      4,
      'tensor "b" overlaps another tensor: expected it to begin at byte 4, found 0',
    ],
    [
      "a hole",
      `{${field("a", 0, 4)},${field("b", 5, 9)}}`,
      9,
      'tensor "b" leaves a hole before it: expected it to begin at byte 4, found 5',
    ],
    [
      "a hole at the start",
      `{${field("a", 1, 5)}}`,
      5,
      'tensor "a" leaves a hole before it: expected it to begin at byte 0, found 1',
    ],
    [
      "data behind the last tensor",
      `{${field("a", 0, 4)}}`,
      5,
      "expected tensors for all 5 bytes of data, found 4",
    ],
    ["data of no tensor", "{}", 1, "expected tensors for all 1 bytes of data, found 0"],
  ];
  for (const [what, header, dataBytes, problem] of cases) {
    assert.throws(() => decodeSafetensors(fileOf(header, dataBytes), "x"), (error) => {
      assert.ok(error instanceof Error);
      assert.deepEqual(
        [what, error.name, error.message],
        [what, "DataError", `x is not a valid safetensors file: ${problem}`],
      );
      return true;
    });
  }
});

Deno.test("headers longer than the file or the format allow are refused", () => {
  const cases: [bigint, number, string][] = [
    [3n, 10, "expected a header of at most 2 bytes in a file of 10, found a length of 3"],
    [2n ** 64n - 1n, 10, "expected a header of at most 100000000 bytes, found a length of 1844674"],
    [100_000_001n, 10, "expected a header of at most 100000000 bytes, found a length of 100000001"],
    [100_000_000n, 10, "expected a header of at most 2 bytes in a file of 10, found a length of 1"],
  ];
  for (const [length, size, problem] of cases) {
    const bytes = new Uint8Array(size);
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    assert.throws(() => decodeSafetensors(bytes), (error) => {
      assert.ok(error instanceof Error && error.name === "DataError");
      assert.ok(error.message.includes(problem), error.message);
      return true;
    });
  }
  for (const size of [0, 7]) {
    assert.throws(() => decodeSafetensors(new Uint8Array(size)), {
      name: "DataError",
      message: `safetensors data is not a valid safetensors file: expected at least 8 bytes, ` +
        `found ${size}`,
    });
  }
});

Deno.test("text that is not UTF-8 is refused", () => {
  const file = fileOf('{"?":1}', 0);
  file[10] = 0xff;
  assert.throws(() => decodeSafetensors(file), /expected a header of JSON in UTF-8/);
});

Deno.test("a long name is cut short in the error", () => {
  assert.throws(() => decodeSafetensors(fileOf(`{"${"n".repeat(1e6)}":1}`, 0)), (error) => {
    assert.ok(error instanceof Error);
    return error.message.length < 200;
  });
});

Deno.test("every truncation of a file is refused", () => {
  const file = encodeSafetensors(MIXED, METADATA);
  for (let size = 0; size < file.length; size++) {
    assert.throws(() => decodeSafetensors(file.slice(0, size)), { name: "DataError" }, `${size}`);
  }
});

Deno.test("tensors that contradict themselves are not encoded", () => {
  const data = Float32Array.of(1, 2, 3);
  const encode = (tensor: SafeTensor, name = "a") => () => encodeSafetensors({ [name]: tensor });
  assert.throws(encode({ dtype: "F32", shape: [2], data }), {
    name: "RangeError",
    message: "Cannot encode tensor a as shape [2]: its data has 3 elements",
  });
  assert.throws(encode({ dtype: "F32", shape: [-3, -1], data }), RangeError);
  assert.throws(encode({ dtype: "F32", shape: [3], data }, "__metadata__"), RangeError);
  // @ts-expect-error the types forbid it, JavaScript does not
  assert.throws(encode({ dtype: "F64", shape: [3], data }), {
    name: "TypeError",
    message: "Cannot encode tensor a as F64: expected data in Float64Array",
  });
});

Deno.test("a file is written and read back, and nothing else is left in its folder", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    await writeSafetensors(path, { old: { dtype: "U8", shape: [1], data: Uint8Array.of(1) } });
    await writeSafetensors(path, MIXED, METADATA);
    assert.deepEqual(await readSafetensors(path), { tensors: MIXED, metadata: METADATA });
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["model.safetensors"]);
  });
});

Deno.test("a file whose header is not a multiple of 8 bytes is read aligned", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = join(folder, "odd.safetensors");
    const file = fileOf(`{${field("a", 0, 8, '"dtype":"F64","shape":[1]')}}`, 8);
    assert.notEqual((file.length - 16) % 8, 0);
    await Deno.writeFile(path, file);
    assert.deepEqual((await readSafetensors(path)).tensors.a.data, Float64Array.of(0));
  });
});

Deno.test("unsound, missing and impossible files are errors that name the path", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = join(folder, "a.safetensors");
    await Deno.writeFile(path, (await Deno.readFile(GOLDEN)).slice(0, -1));
    await assert.rejects(readSafetensors(path), (error) => {
      assert.ok(error instanceof Error && error.name === "DataError");
      return error.message.startsWith(`${path} is not a valid safetensors file: `);
    });
    await Deno.writeFile(path, new Uint8Array(3));
    await assert.rejects(readSafetensors(path), { name: "DataError", message: /found 3$/ });
    await assert.rejects(readSafetensors(join(folder, "none")), {
      name: "UserError",
      message: `Cannot read ${join(folder, "none")}: no such file or folder`,
    });
    await assert.rejects(readSafetensors(folder), /^UserError|^DataError/);
  });
});
