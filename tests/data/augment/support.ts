// Formats, images and comparisons for the tests of augmentation.

import assert from "node:assert/strict";
import { type AugmentSpec, REFERENCE_AUGMENT } from "../../../src/data/augment/spec.ts";
import { imageBytes, type ImageFormat } from "../../../src/data/image_store.ts";
import { AUGMENT, AUGMENT_LENGTH } from "../../../src/ops/augment_row.ts";
import { testRandom } from "../../support.ts";

/** Images as CIFAR's. */
export const CIFAR: ImageFormat = { height: 32, width: 32, channels: 3, order: "CHW" };

/** Planes, interleaved, gray; square and not, even and odd. */
export const FORMATS: Readonly<Record<string, ImageFormat>> = {
  "32x32 planes": CIFAR,
  "32x32 interleaved": { ...CIFAR, order: "HWC" },
  "28x28 gray": { height: 28, width: 28, channels: 1, order: "CHW" },
  "27x35 planes": { height: 27, width: 35, channels: 3, order: "CHW" },
  "33x25 interleaved": { height: 33, width: 25, channels: 3, order: "HWC" },
};

/** A recipe that changes nothing but the size of the image and its normalization. */
export const PLAIN: AugmentSpec = { ...REFERENCE_AUGMENT, flip: false, brightness: 0, contrast: 0 };

/** Normalization that changes nothing: what comes out are the values before it. */
export const IDENTITY: AugmentSpec["normalization"] = {
  kind: "channel",
  mean: [0, 0, 0],
  deviation: [1, 1, 1],
};

/** Bytes of different characters: noise, a smooth image, one of low contrast, one value all over. */
export function testImages(format: ImageFormat, seed: number): Record<string, Uint8Array> {
  const random = testRandom(seed);
  const make = (value: (i: number) => number) =>
    Uint8Array.from({ length: imageBytes(format) }, (_, i) => value(i));
  return {
    noise: make(() => 256 * random()),
    smooth: make((i) => 128 + 100 * Math.sin(i / 17) + 20 * random()),
    "low contrast": make((i) => i % 97 === 0 ? 200 : 199),
    uniform: make(() => 131),
  };
}

/** A row that changes nothing, with some numbers set. */
export function rowOf(numbers: Partial<Record<keyof typeof AUGMENT, number>>): Float32Array {
  const row = new Float32Array(AUGMENT_LENGTH);
  row[AUGMENT.saturation] = 1;
  row[AUGMENT.contrast] = 1;
  for (const [name, value] of Object.entries(numbers)) {
    row[AUGMENT[name as keyof typeof AUGMENT]] = value;
  }
  return row;
}

/** Equal to `tolerance`, relative to the expected value where that is above 1. */
export function assertNear(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = "value",
): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    const allowed = tolerance * Math.max(1, Math.abs(expected[i]));
    assert.ok(difference <= allowed, `${what} ${i}: ${actual[i]} is not ${expected[i]}`);
  }
}
