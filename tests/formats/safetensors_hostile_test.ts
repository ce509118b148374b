/** Unsound safetensors are refused before anything is allocated. */
import assert from "node:assert/strict";
import { decodeSafetensors, encodeSafetensors } from "../../src/formats/safetensors.ts";
import { field, fileOf, METADATA, MIXED } from "./safetensors_support.ts";

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

Deno.test("headers that would cost gigabytes to parse are refused at once", () => {
  const nested = `{"a":${"[".repeat(20e6)}`;
  const wide = `{${Array.from({ length: 2e6 }, (_, i) => `"${i}":{}`).join(",")}}`;
  for (
    const [header, problem] of [[nested, /nested deeper than 3/], [wide, /many empty objects/]]
  ) {
    const file = fileOf(header as string, 0);
    const start = performance.now();
    assert.throws(() => decodeSafetensors(file), { name: "DataError", message: problem });
    // Parsing either takes many seconds.
    assert.ok(performance.now() - start < 2000);
  }
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
