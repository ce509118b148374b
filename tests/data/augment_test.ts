import assert from "node:assert/strict";
import * as augment from "../../src/data/augment/augment.ts";
import { CROP_VALUES } from "../../src/data/augment/augment.ts";
import { PIXEL_BYTES } from "../../src/data/records.ts";
import { RandomStream, STREAMS } from "../../src/util/random.ts";

function randomPixels(seed: number): Uint8Array {
  const random = new RandomStream(seed, STREAMS.test);
  return Uint8Array.from({ length: PIXEL_BYTES }, () => random.uniformInt(256));
}

function randomImage(seed: number): Float32Array {
  const random = new RandomStream(seed, STREAMS.test);
  return Float32Array.from({ length: CROP_VALUES }, () => 255 * random.uniform());
}

function at(y: number, x: number, channel: number): number {
  return (y * 24 + x) * 3 + channel;
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    assert.ok(difference <= tolerance, `value ${i}: ${actual[i]} is not ${expected[i]}`);
  }
}

/** The whole recipe once more: float64, straight from its definition, on lists of numbers. */
function oracle(pixels: Uint8Array, distortion: augment.Distortion): number[] {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const image: number[] = [];
  for (let y = 0; y < 24; y++) {
    for (let x = 0; x < 24; x++) {
      const column = distortion.left + (distortion.flip ? 23 - x : x);
      for (let channel = 0; channel < 3; channel++) {
        image.push(pixels[channel * 1024 + (distortion.top + y) * 32 + column]);
      }
    }
  }
  const bright = image.map((value) => value + distortion.brightness);
  const means = [0, 1, 2].map((channel) => mean(bright.filter((_, i) => i % 3 === channel)));
  const contrasted = bright.map((value, i) =>
    (value - means[i % 3]) * distortion.contrast + means[i % 3]
  );
  const center = mean(contrasted);
  const deviation = Math.sqrt(mean(contrasted.map((value) => (value - center) ** 2)));
  return contrasted.map((value) => (value - center) / Math.max(deviation, 1 / Math.sqrt(1728)));
}

Deno.test("crop takes rows top to top + 23 and columns left to left + 23 of every plane", () => {
  const pixels = randomPixels(1);
  for (const [top, left] of [[0, 0], [8, 8], [3, 5]]) {
    const out = new Float32Array(CROP_VALUES);
    augment.crop(pixels, top, left, out);
    for (let y = 0; y < 24; y++) {
      for (let x = 0; x < 24; x++) {
        for (let c = 0; c < 3; c++) {
          assert.equal(out[at(y, x, c)], pixels[c * 1024 + (top + y) * 32 + left + x]);
        }
      }
    }
  }
});

Deno.test("centerCrop begins at (4, 4)", () => {
  const pixels = randomPixels(2);
  const out = new Float32Array(CROP_VALUES);
  augment.centerCrop(pixels, out);
  assert.equal(out[at(0, 0, 0)], pixels[4 * 32 + 4]);
  assert.equal(out[at(23, 23, 2)], pixels[2048 + 27 * 32 + 27]);
});

Deno.test("randomCrop draws the row, then the column", () => {
  const pixels = randomPixels(3);
  const random = new RandomStream(3, STREAMS.test);
  const [top, left] = [random.uniformInt(9), random.uniformInt(9)];
  const [expected, out] = [new Float32Array(CROP_VALUES), new Float32Array(CROP_VALUES)];
  augment.crop(pixels, top, left, expected);
  augment.randomCrop(pixels, random.seek(0), out);
  assert.notEqual(top, left);
  assert.deepEqual(out, expected);
});

Deno.test("flipHorizontal mirrors columns and keeps rows and channels", () => {
  const image = randomImage(4);
  const out = new Float32Array(CROP_VALUES);
  augment.flipHorizontal(image, out);
  for (let y = 0; y < 24; y++) {
    for (let x = 0; x < 24; x++) {
      for (let c = 0; c < 3; c++) assert.equal(out[at(y, x, c)], image[at(y, 23 - x, c)]);
    }
  }
});

Deno.test("flipHorizontal in place, twice, changes nothing", () => {
  const image = randomImage(5);
  const out = image.slice();
  augment.flipHorizontal(out, out);
  assert.notDeepEqual(out, image);
  augment.flipHorizontal(out, out);
  assert.deepEqual(out, image);
});

Deno.test("adjustBrightness adds, and clamps nothing", () => {
  const image = new Float32Array(CROP_VALUES).fill(250);
  image[7] = 5;
  const out = new Float32Array(CROP_VALUES);
  augment.adjustBrightness(image, 10, out);
  assert.deepEqual([out[0], out[7]], [260, 15]);
  augment.adjustBrightness(image, -63, out);
  assert.deepEqual([out[0], out[7]], [187, -58]);
});

Deno.test("adjustContrast keeps each channel's mean and scales the distance from it", () => {
  // Red is 10 and 30 by turns (mean 20), green 100 everywhere, blue 0 and 2 (mean 1).
  const image = new Float32Array(CROP_VALUES);
  for (let pixel = 0; pixel < 576; pixel++) {
    image.set([pixel % 2 ? 30 : 10, 100, pixel % 2 ? 2 : 0], pixel * 3);
  }
  const out = new Float32Array(CROP_VALUES);
  augment.adjustContrast(image, 0.5, out);
  assert.deepEqual(Array.from(out.subarray(0, 6)), [15, 100, 0.5, 25, 100, 1.5]);
  augment.adjustContrast(image, 1, out);
  assert.deepEqual(out, image);
});

Deno.test("standardize gives mean 0 and deviation 1 over all pixels and channels", () => {
  const out = new Float32Array(CROP_VALUES);
  augment.standardize(randomImage(6), out);
  const mean = out.reduce((sum, value) => sum + value, 0) / CROP_VALUES;
  const variance = out.reduce((sum, value) => sum + (value - mean) ** 2, 0) / CROP_VALUES;
  assertClose([mean, variance], [0, 1], 1e-5);
});

Deno.test("standardize uses the population deviation", () => {
  // Half 0, half 2: mean 1, population deviation exactly 1.
  const image = Float32Array.from({ length: CROP_VALUES }, (_, i) => 2 * (i % 2));
  const out = new Float32Array(CROP_VALUES);
  augment.standardize(image, out);
  assert.deepEqual(Array.from(out.subarray(0, 2)), [-1, 1]);
});

Deno.test("standardize divides by at least 1/sqrt(1728)", () => {
  const out = new Float32Array(CROP_VALUES).fill(9);
  augment.standardize(new Float32Array(CROP_VALUES).fill(128), out);
  assert.ok(out.every((value) => value === 0));
  // One value off by 0.001: the deviation 2.4e-5 is far below the floor 0.024056.
  const image = new Float32Array(CROP_VALUES);
  image[0] = 0.001;
  augment.standardize(image, out);
  assertClose([out[0]], [0.001 * (1 - 1 / 1728) / 0.0240563], 1e-6);
});

Deno.test("each function gives the same in place", () => {
  const functions: ((image: Float32Array, out: Float32Array) => void)[] = [
    augment.flipHorizontal,
    (image, out) => augment.adjustBrightness(image, 3, out),
    (image, out) => augment.adjustContrast(image, 1.5, out),
    augment.standardize,
  ];
  for (const apply of functions) {
    const [inPlace, out] = [randomImage(7), new Float32Array(CROP_VALUES)];
    apply(randomImage(7), out);
    apply(inPlace, inPlace);
    assert.deepEqual(inPlace, out);
  }
});

Deno.test("distort is the recipe in float64, to rounding", () => {
  const out = new Float32Array(CROP_VALUES);
  const drawn = augment.createDistortion();
  const scratch = augment.createDistortion();
  let flips = 0;
  for (let id = 0; id < 20; id++) {
    const pixels = randomPixels(100 + id);
    const random = new RandomStream(11, STREAMS.augment);
    augment.drawDistortion(random.seek(2, id), drawn);
    augment.distort(pixels, random.seek(2, id), scratch, out);
    assertClose(out, oracle(pixels, drawn), 1e-5);
    flips += Number(drawn.flip);
  }
  assert.ok(flips > 0 && flips < 20, "both ways of the flip were met");
});

Deno.test("distort draws row, column, flip, brightness, contrast, in this order", () => {
  const random = new RandomStream(12, STREAMS.augment).seek(1, 2);
  const expected = {
    top: random.uniformInt(9),
    left: random.uniformInt(9),
    flip: random.uniform() < 0.5,
    brightness: (2 * random.uniform() - 1) * 63,
    contrast: 0.2 + 1.6 * random.uniform(),
  };
  const drawn = augment.drawDistortion(random.seek(1, 2), augment.createDistortion());
  assert.deepEqual({ ...drawn, contrast: 0 }, { ...expected, contrast: 0 });
  assertClose([drawn.contrast], [expected.contrast], 1e-12);
});

Deno.test("the draws have the reference's distributions", () => {
  const random = new RandomStream(13, STREAMS.augment);
  const drawn = augment.createDistortion();
  const count = 45_000;
  const tops = new Array<number>(9).fill(0);
  const lefts = new Array<number>(9).fill(0);
  const sums = { flip: 0, brightness: 0, brightnessSquares: 0, contrast: 0, contrastSquares: 0 };
  const range = { darkest: 0, brightest: 0, least: 1, most: 1 };
  for (let id = 0; id < count; id++) {
    augment.drawDistortion(random.seek(0, id), drawn);
    tops[drawn.top]++;
    lefts[drawn.left]++;
    sums.flip += Number(drawn.flip);
    sums.brightness += drawn.brightness;
    sums.brightnessSquares += drawn.brightness ** 2;
    sums.contrast += drawn.contrast;
    sums.contrastSquares += (drawn.contrast - 1) ** 2;
    range.darkest = Math.min(range.darkest, drawn.brightness);
    range.brightest = Math.max(range.brightest, drawn.brightness);
    range.least = Math.min(range.least, drawn.contrast);
    range.most = Math.max(range.most, drawn.contrast);
  }
  assertClose(tops, new Array(9).fill(5000), 300);
  assertClose(lefts, new Array(9).fill(5000), 300);
  assertClose([sums.flip / count], [0.5], 0.01);
  assertClose([sums.brightness / count], [0], 0.8);
  assertClose([Math.sqrt(sums.brightnessSquares / count)], [63 / Math.sqrt(3)], 0.4);
  assertClose([sums.contrast / count], [1], 0.01);
  assertClose([Math.sqrt(sums.contrastSquares / count)], [0.8 / Math.sqrt(3)], 0.006);
  assert.ok(range.darkest >= -63 && range.brightest < 63);
  assert.ok(range.least >= 0.2 && range.most < 1.8);
  assertClose([range.darkest, range.brightest], [-63, 63], 0.1);
  assertClose([range.least, range.most], [0.2, 1.8], 0.001);
});

Deno.test("preprocessEval is the central crop, standardized, with nothing random", () => {
  const pixels = randomPixels(14);
  const out = new Float32Array(CROP_VALUES);
  augment.preprocessEval(pixels, out);
  const still = { top: 4, left: 4, flip: false, brightness: 0, contrast: 1 };
  assertClose(out, oracle(pixels, still), 1e-5);
});
