import assert from "node:assert/strict";
import { centerRow, drawAugment, ExampleDraw } from "../../../src/data/augment/draw.ts";
import { type AugmentSpec, REFERENCE_AUGMENT } from "../../../src/data/augment/spec.ts";
import type { ImageFormat } from "../../../src/data/image_store.ts";
import { AUGMENT, AUGMENT_LENGTH } from "../../../src/ops/augment_row.ts";
import { RandomStream, STREAMS } from "../../../src/util/random.ts";
import golden from "../../golden/augment.json" with { type: "json" };
import { assertNear, CIFAR, FORMATS, PLAIN, rowOf } from "./support.ts";

function drawMany(spec: AugmentSpec, format: ImageFormat, count: number): Float32Array[] {
  const random = new RandomStream(5, STREAMS.augment);
  return Array.from({ length: count }, (_, index) => {
    const row = new Float32Array(AUGMENT_LENGTH).fill(NaN);
    drawAugment(spec, format, random.seek(2, index), row);
    return row;
  });
}

function column(rows: readonly Float32Array[], name: keyof typeof AUGMENT): number[] {
  return rows.map((row) => row[AUGMENT[name]]);
}

/** Each whole number from `first` to `last` is drawn, and each about equally often. */
function assertUniformIntegers(values: readonly number[], first: number, last: number): void {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const expected = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  assert.deepEqual([...counts.keys()].sort((a, b) => a - b), expected);
  const mean = values.length / expected.length;
  for (const count of counts.values()) assertNear([count / mean], [1], 5 / Math.sqrt(mean));
}

/** The values fill [low, high) evenly: its range, its mean and its deviation. */
function assertUniform(values: readonly number[], low: number, high: number): void {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const relative = (value: number) => (value - low) / (high - low);
  assertNear([relative(Math.min(...values)), relative(Math.max(...values))], [0, 1], 1e-3);
  assert.ok(values.every((value) => value >= Math.fround(low) && value <= Math.fround(high)));
  assertNear([relative(mean)], [0.5], 0.01);
  assertNear([Math.sqrt(variance) / (high - low)], [1 / Math.sqrt(12)], 0.005);
}

Deno.test("the reference recipe draws the published generator's numbers in the reference's order", () => {
  assert.ok(golden.draws.length >= 15, "the golden values are missing");
  for (const [seed, epoch, index, ...expected] of golden.draws) {
    const row = new Float32Array(AUGMENT_LENGTH).fill(NaN);
    drawAugment(
      REFERENCE_AUGMENT,
      CIFAR,
      new RandomStream(seed, STREAMS.augment).seek(epoch, index),
      row,
    );
    const [top, left, flip, brightness, contrast] = expected;
    assert.deepEqual(row, rowOf({ top, left, flip, brightness, contrast }));
  }
});

Deno.test("what is off draws its numbers all the same: the others stay as they are", () => {
  const rows = drawMany(REFERENCE_AUGMENT, CIFAR, 50);
  const still = { flip: false, brightness: 0, contrast: 0 };
  for (const name of ["flip", "brightness", "contrast"] as const) {
    const others = drawMany({ ...REFERENCE_AUGMENT, [name]: still[name] }, CIFAR, 50);
    others.forEach((row, i) => {
      const expected = rows[i].slice();
      expected[AUGMENT[name]] = name === "contrast" ? 1 : 0;
      assert.deepEqual(row, expected);
    });
  }
});

Deno.test("saturation, hue and cutout, in this order, draw behind the first five, only if on", () => {
  const spec = { ...REFERENCE_AUGMENT, saturation: 0.5, hue: 0.25, cutout: 7 };
  const plain = drawMany(REFERENCE_AUGMENT, CIFAR, 20);
  const rows = drawMany(spec, CIFAR, 20);
  const hueAlone = drawMany({ ...spec, saturation: 0, cutout: 0 }, CIFAR, 20);
  const cutoutAlone = drawMany({ ...spec, saturation: 0, hue: 0 }, CIFAR, 20);
  const random = new RandomStream(5, STREAMS.augment);
  for (let index = 0; index < 20; index++) {
    random.seek(2, index);
    for (let skip = 0; skip < 5; skip++) random.uint32();
    const expected = plain[index].slice();
    const next = random.uniform();
    expected[AUGMENT.saturation] = 0.5 + next;
    expected[AUGMENT.hue] = (2 * random.uniform() - 1) * 0.25;
    expected[AUGMENT.cutoutTop] = random.uniformInt(24) - 3;
    expected[AUGMENT.cutoutLeft] = random.uniformInt(24) - 3;
    expected[AUGMENT.cutoutSize] = 7;
    assert.deepEqual(rows[index], expected);
    expected.set(plain[index]);
    expected[AUGMENT.hue] = (2 * next - 1) * 0.25;
    assert.deepEqual(hueAlone[index], expected);
    random.seek(2, index);
    for (let skip = 0; skip < 5; skip++) random.uint32();
    expected.set(plain[index]);
    expected[AUGMENT.cutoutTop] = random.uniformInt(24) - 3;
    expected[AUGMENT.cutoutLeft] = random.uniformInt(24) - 3;
    expected[AUGMENT.cutoutSize] = 7;
    assert.deepEqual(cutoutAlone[index], expected);
  }
});

Deno.test("every crop of the padded image is drawn equally often", () => {
  const format = FORMATS["27x35 planes"];
  const spec: AugmentSpec = { ...PLAIN, crop: [21, 33], pad: 3 };
  const rows = drawMany(spec, format, 20_000);
  assertUniformIntegers(column(rows, "top"), -3, 27 + 3 - 21);
  assertUniformIntegers(column(rows, "left"), -3, 35 + 3 - 33);
});

Deno.test("the numbers of a recipe have its ranges", () => {
  const spec: AugmentSpec = {
    ...REFERENCE_AUGMENT,
    saturation: 0.5,
    hue: 0.1,
    brightness: 30,
    contrast: 0.4,
  };
  const rows = drawMany(spec, CIFAR, 20_000);
  assertUniform(column(rows, "saturation"), 0.5, 1.5);
  assertUniform(column(rows, "hue"), -0.1, 0.1);
  assertUniform(column(rows, "brightness"), -30, 30);
  assertUniform(column(rows, "contrast"), 0.6, 1.4);
  assertUniformIntegers(column(rows, "flip"), 0, 1);
});

Deno.test("the cutout square is centered on any pixel of the crop", () => {
  for (const [cutout, half] of [[8, 4], [7, 3], [1, 0]]) {
    const rows = drawMany({ ...PLAIN, crop: [20, 30], cutout }, CIFAR, 20_000);
    assertUniformIntegers(column(rows, "cutoutTop"), -half, 19 - half);
    assertUniformIntegers(column(rows, "cutoutLeft"), -half, 29 - half);
    assert.ok(column(rows, "cutoutSize").every((size) => size === cutout));
  }
});

Deno.test("the evaluation row is the central crop, to the upper left of an odd rest", () => {
  const place = (format: ImageFormat, crop: readonly [number, number]) => {
    const row = new Float32Array(AUGMENT_LENGTH).fill(NaN);
    centerRow({ crop }, format, row);
    assert.deepEqual(row, rowOf({ top: row[AUGMENT.top], left: row[AUGMENT.left] }));
    return [row[AUGMENT.top], row[AUGMENT.left]];
  };
  assert.deepEqual(place(CIFAR, [24, 24]), [4, 4]);
  assert.deepEqual(place(CIFAR, [32, 32]), [0, 0]);
  assert.deepEqual(place(FORMATS["27x35 planes"], [24, 24]), [1, 5]);
  assert.deepEqual(place(FORMATS["28x28 gray"], [31, 32]), [-2, -2]);
});

Deno.test("alternating: an image is mirrored every other epoch, half of them in the first; all else is as by coins", () => {
  const spec = { ...REFERENCE_AUGMENT, flipMode: "alternating" } as const;
  const [alternating, random] = [spec, REFERENCE_AUGMENT].map((of) =>
    new ExampleDraw(of, CIFAR, 3)
  );
  const row = new Float32Array(AUGMENT_LENGTH), other = new Float32Array(AUGMENT_LENGTH);
  let first = 0;
  for (let example = 0; example < 2000; example++) {
    const flips = [0, 1, 2, 3, 4, 5].map((epoch) => {
      alternating.draw(epoch, example, row);
      random.draw(epoch, example, other);
      const flip = row[AUGMENT.flip];
      row[AUGMENT.flip] = other[AUGMENT.flip];
      assert.deepEqual(row, other);
      return flip;
    });
    const [start] = flips;
    first += start;
    assert.deepEqual(flips, [start, 1 - start, start, 1 - start, start, 1 - start]);
  }
  // Four standard deviations of a coin.
  assert.ok(Math.abs(first / 2000 - 0.5) < 2 / Math.sqrt(2000), `${first} of 2000`);
  new ExampleDraw({ ...spec, flip: false }, CIFAR, 3).draw(1, 7, row);
  assert.equal(row[AUGMENT.flip], 0, "--no-flip");
});
