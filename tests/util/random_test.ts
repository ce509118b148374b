import assert from "node:assert/strict";
import { permutation, RandomStream, STREAMS, threefry4x32 } from "../../src/util/random.ts";
import golden from "../golden/augment.json" with { type: "json" };

// Known answers of Random123 (tests/kat_vectors): counter, key, result.
const KNOWN_ANSWERS = [
  [
    "00000000 00000000 00000000 00000000",
    "00000000 00000000 00000000 00000000",
    "9c6ca96a e17eae66 fc10ecd4 5256a7d8",
  ],
  [
    "ffffffff ffffffff ffffffff ffffffff",
    "ffffffff ffffffff ffffffff ffffffff",
    "2a881696 57012287 f6c7446e a16a6732",
  ],
  [
    "243f6a88 85a308d3 13198a2e 03707344",
    "a4093822 299f31d0 082efa98 ec4e6c89",
    "59cd1dbb b8879579 86b5d00c ac8b6d84",
  ],
];

function words(text: string): Uint32Array {
  return Uint32Array.from(text.split(" "), (word) => parseInt(word, 16));
}

function sample(count: number, draw: () => number) {
  const values = Float64Array.from({ length: count }, draw);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  return { values, mean, deviation: Math.sqrt(variance) };
}

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

Deno.test("threefry4x32 gives the published known answers", () => {
  for (const [counter, key, expected] of KNOWN_ANSWERS) {
    const out = new Uint32Array(4);
    threefry4x32(words(key), words(counter), out);
    assert.deepEqual(out, words(expected));
  }
});

Deno.test("threefry4x32 may write over its counter", () => {
  const counter = words(KNOWN_ANSWERS[2][0]);
  threefry4x32(words(KNOWN_ANSWERS[2][1]), counter, counter);
  assert.deepEqual(counter, words(KNOWN_ANSWERS[2][2]));
});

Deno.test("a stream gives the blocks of key (seed, stream) and counter (a, b, block)", () => {
  const seed = 0x12345 * 2 ** 32 + 0x9abcdef0;
  const random = new RandomStream(seed, 3).seek(5, 6);
  const key = Uint32Array.of(0x9abcdef0, 0x12345, 3, 0);
  const out = new Uint32Array(4);
  for (let block = 0; block < 3; block++) {
    threefry4x32(key, Uint32Array.of(5, 6, block, 0), out);
    for (const word of out) assert.equal(random.uint32(), word);
  }
});

Deno.test("seek restarts a stream, also in the middle of a pair of normals", () => {
  const random = new RandomStream(1, STREAMS.test).seek(1, 2);
  const first = [random.normal(), random.normal(), random.normal(), random.uniform()];
  random.seek(1, 2);
  assert.deepEqual([random.normal(), random.normal(), random.normal(), random.uniform()], first);
});

Deno.test("streams, seeds and positions differ", () => {
  const first = (seed: number, stream: number, a: number, b: number) =>
    new RandomStream(seed, stream).seek(a, b).uint32();
  const draws = [
    first(0, 1, 0, 0),
    first(1, 1, 0, 0),
    first(2 ** 32, 1, 0, 0),
    first(0, 2, 0, 0),
    first(0, 1, 1, 0),
    first(0, 1, 0, 1),
  ];
  assert.equal(new Set(draws).size, draws.length);
});

Deno.test("uniform lies in [0, 1) and is exact in float32", () => {
  const random = new RandomStream(3, STREAMS.test).seek(0);
  const { values, mean, deviation } = sample(100_000, () => random.uniform());
  assert.ok(values.every((value) => value >= 0 && value < 1 && Math.fround(value) === value));
  near(mean, 0.5, 0.005);
  near(deviation, Math.sqrt(1 / 12), 0.003);
});

Deno.test("uniformInt reaches each value equally often", () => {
  const random = new RandomStream(4, STREAMS.test).seek(0);
  const counts = new Array<number>(9).fill(0);
  for (let i = 0; i < 90_000; i++) counts[random.uniformInt(9)]++;
  for (const count of counts) near(count, 10_000, 400);
});

Deno.test("uniformInt is unbiased where n does not divide 2^32", () => {
  // Without redrawing, the lower half would be drawn twice as often as the upper half.
  const n = 2 ** 31 + 2 ** 30;
  const random = new RandomStream(5, STREAMS.test).seek(0);
  const { mean } = sample(20_000, () => random.uniformInt(n));
  near(mean / n, 0.5, 0.01);
});

Deno.test("normal has mean 0, deviation 1 and the tails of a normal", () => {
  const random = new RandomStream(6, STREAMS.test).seek(0);
  const { values, mean, deviation } = sample(200_000, () => random.normal());
  near(mean, 0, 0.01);
  near(deviation, 1, 0.01);
  near(values.filter((value) => Math.abs(value) > 2).length / values.length, 0.0455, 0.002);
  near(values.filter((value) => value < -1).length / values.length, 0.1587, 0.004);
});

Deno.test("truncatedNormal stays within 2 and has deviation 0.87963", () => {
  const random = new RandomStream(7, STREAMS.test).seek(0);
  const { values, mean, deviation } = sample(200_000, () => random.truncatedNormal());
  assert.ok(values.every((value) => Math.abs(value) <= 2));
  assert.ok(values.some((value) => Math.abs(value) > 1.99));
  near(mean, 0, 0.01);
  near(deviation, 0.87963, 0.005);
});

Deno.test("gamma has its mean and deviation, and PyTorch's distribution function", () => {
  for (const shape of [0.2, 0.7, 1, 2.5, 9]) {
    const random = new RandomStream(11, STREAMS.test).seek(0);
    const { values, mean, deviation } = sample(100_000, () => random.gamma(shape));
    assert.ok(values.every((value) => value >= 0 && value < Infinity));
    near(mean / shape, 1, 0.015 / Math.sqrt(shape));
    near(deviation / Math.sqrt(shape), 1, 0.02 / Math.sqrt(Math.min(1, shape)));
    const points = golden.gamma.filter((row) => row[0] === shape);
    assert.equal(points.length, 4);
    for (const [, x, expected] of points) {
      near(values.filter((value) => value <= x).length / values.length, expected, 0.006);
    }
  }
});

Deno.test("beta has its mean and deviation, and the incomplete beta function's distribution", () => {
  for (const [a, b] of [[0.2, 0.2], [1, 1], [0.4, 1.7], [5, 2]]) {
    const random = new RandomStream(12, STREAMS.test).seek(0);
    const { values, mean, deviation } = sample(100_000, () => random.beta(a, b));
    assert.ok(values.every((value) => value >= 0 && value <= 1));
    near(mean, a / (a + b), 0.005);
    near(deviation, Math.sqrt(a * b / (a + b + 1)) / (a + b), 0.004);
    const points = golden.beta.filter((row) => row[0] === a && row[1] === b);
    assert.equal(points.length, 5);
    for (const [, , x, expected] of points) {
      near(values.filter((value) => value <= x).length / values.length, expected, 0.006);
    }
  }
});

Deno.test("beta of shapes too small for float64 falls on its ends, never on NaN", () => {
  const random = new RandomStream(13, STREAMS.test).seek(0);
  const { values, mean } = sample(10_000, () => random.beta(1e-6, 3e-6));
  assert.ok(values.every((value) => value === 0 || value === 1));
  near(mean, 0.25, 0.02);
});

Deno.test("gamma refuses a shape that is not above 0", () => {
  const random = new RandomStream(14, STREAMS.test);
  for (const shape of [0, -1, NaN, Infinity]) assert.throws(() => random.gamma(shape), RangeError);
});

Deno.test("permutation holds every index once, and differs by epoch and seed", () => {
  const order = permutation(1000, 8, STREAMS.shuffle, 0);
  assert.deepEqual(order.slice().sort(), Uint32Array.from({ length: 1000 }, (_, i) => i));
  assert.deepEqual(permutation(1000, 8, STREAMS.shuffle, 0), order);
  assert.notDeepEqual(permutation(1000, 8, STREAMS.shuffle, 1), order);
  assert.notDeepEqual(permutation(1000, 9, STREAMS.shuffle, 0), order);
});

Deno.test("permutation draws each of the six orders of three equally often", () => {
  const counts = new Map<string, number>();
  for (let epoch = 0; epoch < 6000; epoch++) {
    const order = permutation(3, 10, STREAMS.shuffle, epoch).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 6);
  for (const count of counts.values()) near(count, 1000, 120);
});

Deno.test("a seed or stream that is no such integer is refused", () => {
  for (const seed of [-1, 0.5, NaN, 2 ** 53]) {
    assert.throws(() => new RandomStream(seed, 1), RangeError);
  }
  for (const stream of [-1, 1.5, 2 ** 32]) {
    assert.throws(() => new RandomStream(1, stream), RangeError);
  }
});
