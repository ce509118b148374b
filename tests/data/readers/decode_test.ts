/** Seeds 6.7: decode_raw, cast and slice. */
import assert from "node:assert/strict";
import { cast, decodeRaw, type HostType, slice } from "../../../src/data/readers/decode.ts";

const BYTES = Uint8Array.of(1, 0, 0, 128, 255, 255, 0, 63, 7, 0, 0, 0, 0, 0, 240, 191);

Deno.test("decodeRaw takes bytes for numbers, little-endian unless told", () => {
  const view = new DataView(BYTES.buffer);
  const getters = {
    int8: [1, (at: number) => view.getInt8(at)],
    uint8: [1, (at: number) => view.getUint8(at)],
    int16: [2, (at: number, little: boolean) => view.getInt16(at, little)],
    uint16: [2, (at: number, little: boolean) => view.getUint16(at, little)],
    int32: [4, (at: number, little: boolean) => view.getInt32(at, little)],
    uint32: [4, (at: number, little: boolean) => view.getUint32(at, little)],
    int64: [8, (at: number, little: boolean) => view.getBigInt64(at, little)],
    uint64: [8, (at: number, little: boolean) => view.getBigUint64(at, little)],
    float32: [4, (at: number, little: boolean) => view.getFloat32(at, little)],
    float64: [8, (at: number, little: boolean) => view.getFloat64(at, little)],
  } as const;
  for (const [type, [size, get]] of Object.entries(getters)) {
    for (const littleEndian of [true, false]) {
      const count = 16 / size;
      const expected = Array.from({ length: count }, (_, i) => get(i * size, littleEndian));
      const decoded = decodeRaw(BYTES, type as HostType, { littleEndian });
      assert.deepEqual([...decoded.data], expected, `${type} ${littleEndian}`);
      assert.deepEqual(decoded.shape, [count]);
    }
  }
  assert.deepEqual(decodeRaw(BYTES, "int16"), decodeRaw(BYTES, "int16", { littleEndian: true }));
});

Deno.test("decodeRaw of several strings has a row for each, and does not change them", () => {
  const rows = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)];
  const decoded = decodeRaw(rows, "uint16", { littleEndian: false });
  assert.deepEqual(decoded.shape, [2, 2]);
  assert.deepEqual([...decoded.data], [0x0102, 0x0304, 0x0506, 0x0708]);
  assert.deepEqual([...rows[0]], [1, 2, 3, 4]);
});

Deno.test("decodeRaw of inputs of different lengths, or of half a number, is an error", () => {
  assert.throws(() => decodeRaw([new Uint8Array(4), new Uint8Array(8)], "uint8"), {
    name: "RangeError",
    message: /same length: input 0 has 4, input 1 has 8$/,
  });
  assert.throws(() => decodeRaw(new Uint8Array(7), "float32"), {
    name: "RangeError",
    message: /float32 as their number must be a multiple of 4: current value is 7$/,
  });
  assert.deepEqual(decodeRaw(new Uint8Array(0), "float64").shape, [0]);
});

Deno.test("cast turns bool into 0 and 1, and anything but 0 into true", () => {
  const bools = { type: "bool", shape: [3], data: Uint8Array.of(0, 1, 1) } as const;
  assert.deepEqual([...cast(bools, "float32").data], [0, 1, 1]);
  assert.deepEqual([...cast(bools, "int64").data], [0n, 1n, 1n]);
  const floats = { type: "float64", shape: [4], data: Float64Array.of(0, 0.5, -2, NaN) } as const;
  assert.deepEqual([...cast(floats, "bool").data], [0, 1, 1, 1]);
});

Deno.test("cast cuts fractions off towards zero, and wraps whole numbers around", () => {
  const floats = {
    type: "float32",
    shape: [4],
    data: Float32Array.of(2.9, -2.9, 0, -0.5),
  } as const;
  assert.deepEqual([...cast(floats, "int8").data], [2, -2, 0, 0]);
  assert.deepEqual([...cast(floats, "int64").data], [2n, -2n, 0n, 0n]);
  const whole = { type: "int32", shape: [3], data: Int32Array.of(257, -1, 128) } as const;
  assert.deepEqual([...cast(whole, "uint8").data], [1, 255, 128]);
  assert.deepEqual([...cast(whole, "int8").data], [1, -1, -128]);
  const large = { type: "int64", shape: [1], data: BigInt64Array.of(2n ** 60n + 3n) } as const;
  assert.deepEqual([...cast(large, "int32").data], [3]);
  assert.deepEqual([...cast(large, "uint64").data], [2n ** 60n + 3n]);
  assert.deepEqual([...cast(large, "float64").data], [2 ** 60]);
  assert.deepEqual(cast(whole, "float32").shape, [3]);
});

Deno.test("cast refuses a float that the whole numbers of the type do not reach", () => {
  const cases: [number, HostType][] = [[256, "uint8"], [-1, "uint32"], [NaN, "int32"], [
    Infinity,
    "int64",
  ], [2 ** 63, "int64"]];
  for (const [value, type] of cases) {
    const array = { type: "float64", shape: [1], data: Float64Array.of(value) } as const;
    assert.throws(() => cast(array, type), {
      name: "RangeError",
      message: new RegExp(`Cannot cast to ${type} .*current value is ${value}$`),
    });
  }
  const most = { type: "float64", shape: [2], data: Float64Array.of(255.9, -0.9) } as const;
  assert.deepEqual([...cast(most, "uint8").data], [255, 0]);
});

/** 0 to 23 in the shape [2, 3, 4]. */
const BLOCK = { type: "int32", shape: [2, 3, 4], data: Int32Array.from(Array(24).keys()) } as const;

Deno.test("slice cuts a block out, and a size of -1 is the rest of its axis", () => {
  const part = slice(BLOCK, [1, 0, 2], [1, -1, 2]);
  assert.deepEqual(part.shape, [1, 3, 2]);
  assert.deepEqual([...part.data], [14, 15, 18, 19, 22, 23]);
  assert.deepEqual(slice(BLOCK, [0, 0, 0], [-1, -1, -1]), BLOCK);
  const none = slice(BLOCK, [2, 1, 4], [-1, 2, 0]);
  assert.deepEqual(none, { type: "int32", shape: [0, 2, 0], data: new Int32Array(0) });
});

Deno.test("slice refuses a block that is not within the array", () => {
  const wrong = [
    [[0, 0], [1, 1]],
    [[0, 0, 0], [1, 1]],
    [[-1, 0, 0], [1, 1, 1]],
    [[0, 0, 0], [3, 1, 1]],
    [[0, 0, 0], [-2, 1, 1]],
    [[3, 0, 0], [-1, 1, 1]],
    [[0, 0.5, 0], [1, 1, 1]],
  ];
  for (const [begin, size] of wrong) {
    assert.throws(() => slice(BLOCK, begin, size), {
      name: "RangeError",
      message: /^Cannot slice an array of shape \[2,3,4\]/,
    });
  }
});

Deno.test("label and image come out of a CIFAR record as in the reference", () => {
  const record = Uint8Array.from({ length: 3073 }, (_, i) => i === 0 ? 7 : i % 256);
  const bytes = decodeRaw(record, "uint8");
  assert.deepEqual([...cast(slice(bytes, [0], [1]), "int32").data], [7]);
  const image = slice(bytes, [1], [3072]);
  assert.equal(image.data[1024], record[1025]);
});
