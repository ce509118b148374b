import assert from "node:assert/strict";
import { join } from "node:path";
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  type SafeTensor,
  writeSafetensors,
} from "../../src/formats/safetensors.ts";
import { field, fileOf, METADATA, MIXED } from "./safetensors_support.ts";

const GOLDEN = new URL("../golden/mixed.safetensors", import.meta.url).pathname;

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
