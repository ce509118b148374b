/** The values of floating-point numbers of any width, against the formulas that define them. */
import assert from "node:assert/strict";
import { toFloat32 } from "../../src/formats/to_float32.ts";

const PATTERNS = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

/** IEEE 754's value of a pattern: sign, `exponent` bits, the rest mantissa. */
function valueOf(bits: number, exponent: number): number {
  const mantissa = 15 - exponent;
  const bias = 2 ** (exponent - 1) - 1;
  const sign = bits >> 15 === 1 ? -1 : 1;
  const e = (bits >> mantissa) & (2 ** exponent - 1);
  const fraction = (bits & (2 ** mantissa - 1)) / 2 ** mantissa;
  if (e === 2 ** exponent - 1) return fraction === 0 ? sign * Infinity : NaN;
  return e === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (e - bias);
}

for (const [dtype, exponent] of [["F16", 5], ["BF16", 8]] as const) {
  Deno.test(`every pattern of ${dtype} is its value, signs of zero included`, () => {
    const found = toFloat32({ dtype, shape: [65536], data: PATTERNS });
    assert.ok(found?.length === 65536);
    let [subnormal, infinite, nan] = [0, 0, 0];
    for (const bits of PATTERNS) {
      const expected = valueOf(bits, exponent);
      if (!Object.is(found[bits], expected)) {
        assert.fail(`${bits.toString(16)}: ${found[bits]}, expected ${expected}`);
      }
      if (Number.isNaN(expected)) nan++;
      else if (!Number.isFinite(expected)) infinite++;
      else if (expected !== 0 && Math.abs(expected) < 2 ** (2 - 2 ** (exponent - 1))) subnormal++;
    }
    const mantissas = 2 ** (15 - exponent) - 1;
    assert.deepEqual([subnormal, infinite, nan], [2 * mantissas, 2, 2 * mantissas]);
  });
}

Deno.test("well-known patterns have the values of the books", () => {
  const half = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8001, 0x3555);
  assert.deepEqual(
    toFloat32({ dtype: "F16", shape: [7], data: half }),
    Float32Array.of(1, -2, 65504, 2 ** -14, 2 ** -24, -(2 ** -24), 0.333251953125),
  );
  const brain = Uint16Array.of(0x3f80, 0xc000, 0x7f7f, 0x0080, 0x0001, 0x4049, 0x3eab);
  assert.deepEqual(
    toFloat32({ dtype: "BF16", shape: [7], data: brain }),
    Float32Array.of(1, -2, 3.3895313892515355e38, 2 ** -126, 2 ** -133, 3.140625, 0.333984375),
  );
});

Deno.test("F64 is rounded to the nearest, ties to even, into subnormals and to infinity", () => {
  const cases: [number, number][] = [
    [0.1, 13421773 / 2 ** 27],
    [1 + 2 ** -24, 1],
    [1 + 3 * 2 ** -24, 1 + 2 ** -22],
    [1 + 2 ** -24 + 2 ** -40, 1 + 2 ** -23],
    [2 ** -149, 2 ** -149],
    [2 ** -150, 0],
    [2 ** -150 * (1 + 2 ** -52), 2 ** -149],
    [3 * 2 ** -150, 2 ** -148],
    [-(2 ** -151), -0],
    [(2 - 2 ** -23) * 2 ** 127, (2 - 2 ** -23) * 2 ** 127],
    [(2 - 2 ** -24) * 2 ** 127 * (1 - 2 ** -53), (2 - 2 ** -23) * 2 ** 127],
    [(2 - 2 ** -24) * 2 ** 127, Infinity],
    [-1e300, -Infinity],
    [-0, -0],
    [NaN, NaN],
  ];
  const found = toFloat32({
    dtype: "F64",
    shape: [cases.length],
    data: Float64Array.from(cases, ([value]) => value),
  });
  assert.ok(found);
  cases.forEach(([value, expected], i) => {
    assert.ok(Object.is(found[i], expected), `${value}: ${found[i]}, expected ${expected}`);
  });
});

Deno.test("F32 is copied, and other types are none", () => {
  const data = Float32Array.of(-0, 1e-45, 3.4028234663852886e38);
  const found = toFloat32({ dtype: "F32", shape: [3], data });
  assert.deepEqual(found, data);
  assert.notEqual(found?.buffer, data.buffer);
  assert.equal(toFloat32({ dtype: "I32", shape: [1], data: Int32Array.of(1) }), undefined);
  assert.equal(toFloat32({ dtype: "BOOL", shape: [1], data: Uint8Array.of(1) }), undefined);
  assert.equal(toFloat32({ dtype: "F8_E5M2", shape: [1], data: Uint8Array.of(1) }), undefined);
  assert.equal(toFloat32({ dtype: "U64", shape: [1], data: BigUint64Array.of(1n) }), undefined);
});
