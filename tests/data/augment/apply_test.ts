import assert from "node:assert/strict";
import { createAugmenter, cutOut } from "../../../src/data/augment/apply.ts";
import { centerRow, drawAugment } from "../../../src/data/augment/draw.ts";
import { type AugmentSpec, REFERENCE_AUGMENT } from "../../../src/data/augment/spec.ts";
import type { ImageFormat } from "../../../src/data/image_store.ts";
import { AUGMENT_LENGTH } from "../../../src/ops/augment_row.ts";
import { RandomStream, STREAMS } from "../../../src/util/random.ts";
import { oracleImage } from "./oracle.ts";
import { assertNear, CIFAR, FORMATS, IDENTITY, PLAIN, rowOf, testImages } from "./support.ts";

const CHANNEL = {
  normalization: {
    kind: "channel",
    mean: [125.3, 123, 113.9],
    deviation: [63, 62.1, 66.7],
  },
} as const;
/** A mean image of the size of the format takes this one's place. */
const PIXEL = { normalization: { kind: "pixel", height: 0, width: 0, mean: "" } } as const;
const ALL = { saturation: 0.9, hue: 0.4, brightness: 63, contrast: 0.8, flip: true, cutout: 9 };

const RECIPES: Readonly<Record<string, AugmentSpec>> = {
  reference: REFERENCE_AUGMENT,
  "crop alone": PLAIN,
  "crop of odd size": { ...PLAIN, crop: [19, 23] },
  "crop of one pixel": { ...PLAIN, crop: [1, 1] },
  "zero padding": { ...PLAIN, pad: 5 },
  "zero padding beyond the crop": { ...PLAIN, crop: [5, 7], pad: 9 },
  "mirrored padding": { ...PLAIN, pad: 5, padMode: "reflect" },
  "mirrored padding, the widest": { ...PLAIN, pad: 24, padMode: "reflect" },
  flip: { ...PLAIN, flip: true },
  saturation: { ...PLAIN, saturation: 0.9 },
  hue: { ...PLAIN, hue: 0.5 },
  brightness: { ...PLAIN, brightness: 63, ...CHANNEL },
  contrast: { ...PLAIN, contrast: 0.8 },
  "channel normalization": { ...PLAIN, ...CHANNEL },
  "mean image": { ...PLAIN, ...PIXEL, flip: true },
  "mean image, zero padding, cutout": { ...PLAIN, ...PIXEL, flip: true, pad: 5, cutout: 8 },
  "all, mirrored padding, mean image": { ...PLAIN, ...ALL, ...PIXEL, pad: 4, padMode: "reflect" },
  cutout: { ...PLAIN, cutout: 8 },
  "cutout of odd size": { ...PLAIN, cutout: 7, crop: [21, 17] },
  "all, zero padding": { ...PLAIN, ...ALL, pad: 4 },
  "all, mirrored padding, channels": { ...PLAIN, ...ALL, ...CHANNEL, pad: 4, padMode: "reflect" },
};

/** A recipe with a mean image of the format's size if it has one. */
function withMean(spec: AugmentSpec, { height, width }: ImageFormat): AugmentSpec {
  if (spec.normalization.kind !== "pixel") return spec;
  const values = Float32Array.from({ length: height * width * 3 }, (_, i) => (i * 37.3) % 255);
  const mean = new Uint8Array(values.buffer).toBase64();
  return { ...spec, normalization: { kind: "pixel", height, width, mean } };
}

/** Runs a recipe over test images and compares each with the oracle. */
function compare(spec: AugmentSpec, format: ImageFormat, row: (index: number) => Float32Array) {
  const augment = createAugmenter(spec, format);
  const out = new Float32Array(spec.crop[0] * spec.crop[1] * 3);
  for (let seed = 0; seed < 2; seed++) {
    for (const [name, pixels] of Object.entries(testImages(format, seed))) {
      const numbers = row(seed);
      out.fill(NaN);
      augment(pixels, numbers, out);
      assertNear(out, oracleImage(spec, format, pixels, numbers), 1e-6, `${name}, value`);
    }
  }
}

for (const [name, recipe] of Object.entries(RECIPES)) {
  Deno.test(`an augmenter makes what the oracle makes: ${name}`, () => {
    for (const format of Object.values(FORMATS)) {
      const spec = withMean(recipe, format);
      const random = new RandomStream(7, STREAMS.augment);
      const row = new Float32Array(AUGMENT_LENGTH);
      compare(spec, format, (index) => {
        drawAugment(spec, format, random.seek(3, index), row);
        return row;
      });
    }
  });
}

Deno.test("an augmenter makes what the oracle makes at every corner of the padded image", () => {
  for (const padMode of ["zero", "reflect"] as const) {
    const spec: AugmentSpec = { ...PLAIN, crop: [9, 12], pad: 6, padMode };
    for (const format of Object.values(FORMATS)) {
      for (const top of [-6, format.height + 6 - 9]) {
        for (const left of [-6, format.width + 6 - 12]) {
          for (const flip of [0, 1]) compare(spec, format, () => rowOf({ top, left, flip }));
        }
      }
    }
  }
});

Deno.test("an evaluation image is the central crop, normalized, whatever the recipe", () => {
  const spec = RECIPES["all, zero padding"];
  const row = new Float32Array(AUGMENT_LENGTH);
  centerRow(spec, CIFAR, row);
  const { smooth } = testImages(CIFAR, 1);
  const out = new Float32Array(24 * 24 * 3);
  createAugmenter(spec, CIFAR)(smooth, row, out);
  assertNear(out, oracleImage(PLAIN, CIFAR, smooth, rowOf({ top: 4, left: 4 })), 1e-6);
});

Deno.test("a gray image comes out as three equal channels, whatever is done to it", () => {
  const format = FORMATS["28x28 gray"];
  const out = new Float32Array(24 * 24 * 3);
  const row = rowOf({ saturation: 1.7, hue: 0.3, contrast: 1.5, brightness: -20 });
  createAugmenter(PLAIN, format)(testImages(format, 2).noise, row, out);
  assert.ok(out.some((value) => Math.abs(value) > 1));
  for (let i = 0; i < out.length; i += 3) {
    assertNear([out[i + 1], out[i + 2]], [out[i], out[i]], 1e-6);
  }
});

Deno.test("an augmenter keeps nothing of the image before", () => {
  const spec = RECIPES["all, zero padding"];
  const augment = createAugmenter(spec, CIFAR);
  const { noise, smooth } = testImages(CIFAR, 3);
  const strong = rowOf({ top: -4, left: -4, flip: 1, saturation: 1.9, hue: 0.4, cutoutSize: 9 });
  const plain = rowOf({ top: 4, left: 4 });
  const [first, again] = [new Float32Array(24 * 24 * 3), new Float32Array(24 * 24 * 3)];
  augment(noise, plain, first);
  augment(smooth, strong, again);
  augment(noise, plain, again);
  assert.deepEqual(again, first);
});

Deno.test("image normalization takes brightness away exactly, channel normalization does not", () => {
  const { noise } = testImages(CIFAR, 4);
  const image = (spec: AugmentSpec, brightness: number) => {
    const out = new Float32Array(24 * 24 * 3);
    createAugmenter(spec, CIFAR)(noise, rowOf({ brightness, contrast: 1.25 }), out);
    return out;
  };
  assert.deepEqual(image(PLAIN, 63), image(PLAIN, 0));
  const [bright, dark] = [63, 0].map((by) => image({ ...PLAIN, normalization: IDENTITY }, by));
  assertNear(bright.map((value, i) => value - dark[i]), new Array(bright.length).fill(63), 1e-4);
});

Deno.test("a normalized image has mean 0 and deviation 1, or 0 all over if it was uniform", () => {
  for (const [name, pixels] of Object.entries(testImages(CIFAR, 5))) {
    const out = new Float32Array(24 * 24 * 3);
    createAugmenter(PLAIN, CIFAR)(pixels, rowOf({ contrast: 0.3 }), out);
    const values = Array.from(out);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    assertNear([mean], [0], 1e-6, name);
    if (name === "uniform") assert.ok(values.every((value) => value === 0));
    else assertNear([variance], [1], 1e-5, name);
  }
});

Deno.test("the deviation of an image counts as 1/sqrt(N) at least", () => {
  // One of 1728 values is 1 above the rest: the deviation, 0.02405, is just below the floor 0.024056.
  // A contrast of 0.1 makes it a tenth of that, and the floor keeps the value at 0.1 / 0.024056.
  const pixels = new Uint8Array(3072).fill(50);
  pixels[0] = 51;
  const out = new Float32Array(24 * 24 * 3);
  createAugmenter(PLAIN, CIFAR)(pixels, rowOf({ contrast: 0.1 }), out);
  const mean = 1 / 576;
  const gain = Math.sqrt(1728);
  assertNear([out[0]], [((1 - mean) * 0.1 + mean - 1 / 1728) * gain], 1e-6);
});

Deno.test("cutOut sets a square to zero and clips it at the edges", () => {
  const ones = () => new Float32Array(4 * 5 * 3).fill(1);
  const cut = (top: number, left: number, size: number) => {
    const image = ones();
    cutOut(image, [4, 5], top, left, size);
    return Array.from({ length: 4 }, (_, y) =>
      Array.from({ length: 5 }, (_, x) => {
        const pixel = image.subarray((y * 5 + x) * 3, (y * 5 + x) * 3 + 3);
        assert.ok(pixel[1] === pixel[0] && pixel[2] === pixel[0]);
        return pixel[0] === 0 ? "." : "#";
      }).join(""));
  };
  assert.deepEqual(cut(1, 2, 2), ["#####", "##..#", "##..#", "#####"]);
  assert.deepEqual(cut(-1, -2, 3), [".####", ".####", "#####", "#####"]);
  assert.deepEqual(cut(3, 4, 3), ["#####", "#####", "#####", "####."]);
  assert.deepEqual(cut(-1, 3, 9), ["###..", "###..", "###..", "###.."]);
});
