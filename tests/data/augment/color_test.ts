import assert from "node:assert/strict";
import { adjustSaturation, rotateHue } from "../../../src/data/augment/color.ts";
import { testRandom } from "../../support.ts";
import golden from "../../golden/augment.json" with { type: "json" };
import { assertNear } from "./support.ts";

function colors(seed: number): Float64Array {
  const random = testRandom(seed);
  return Float64Array.from({ length: 300 }, () => 255 * random());
}

Deno.test("rotateHue equals Python's colorsys", () => {
  assert.ok(golden.hue.length >= 80, "the golden values are missing");
  for (const [red, green, blue, turns, ...expected] of golden.hue) {
    const pixel = Float64Array.of(red, green, blue);
    rotateHue(pixel, turns);
    assertNear(pixel, expected, 1e-8, `${red}, ${green}, ${blue} by ${turns}: channel`);
  }
});

Deno.test("a third of a turn takes red to green, green to blue and blue to red", () => {
  const image = colors(1);
  const turned = image.slice();
  rotateHue(turned, 1 / 3);
  for (let i = 0; i < image.length; i += 3) {
    assertNear(turned.subarray(i, i + 3), [image[i + 2], image[i], image[i + 1]], 1e-9);
  }
});

Deno.test("whole turns of the hue change nothing, and turning back undoes a turn", () => {
  for (const turns of [[1], [-1], [0], [0.37, -0.37], [0.5, 0.5], [-0.5, 0.5]]) {
    const image = colors(2);
    for (const by of turns) rotateHue(image, by);
    assertNear(image, colors(2), 1e-9, `by ${turns}: value`);
  }
});

Deno.test("turning the hue keeps the largest and the smallest value of each pixel", () => {
  const image = colors(3);
  rotateHue(image, 0.21);
  assert.notDeepEqual(image, colors(3));
  for (let i = 0; i < image.length; i += 3) {
    const before = colors(3).slice(i, i + 3).sort();
    const after = image.slice(i, i + 3).sort();
    assertNear([after[0], after[2]], [before[0], before[2]], 1e-9);
  }
});

Deno.test("saturation of 1 changes nothing, of 0 leaves the gray value of BT.601", () => {
  const image = colors(4);
  adjustSaturation(image, 1);
  assertNear(image, colors(4), 1e-12);
  const pixel = Float64Array.of(200, 100, 50);
  adjustSaturation(pixel, 0);
  assertNear(pixel, [124.2, 124.2, 124.2], 1e-12);
});

Deno.test("saturation scales the distance from gray and stays within 0 to 255", () => {
  const pixel = Float64Array.of(130, 120, 110);
  adjustSaturation(pixel, 1.5);
  const gray = 0.299 * 130 + 0.587 * 120 + 0.114 * 110;
  assertNear(pixel, [1.5 * 130 - gray / 2, 1.5 * 120 - gray / 2, 1.5 * 110 - gray / 2], 1e-9);
  const strong = Float64Array.of(250, 120, 5, 5, 250, 120, 120, 5, 250);
  adjustSaturation(strong, 3);
  assert.deepEqual([strong[0], strong[4], strong[8]], [255, 255, 255], "the largest of each");
  assert.deepEqual([strong[2], strong[3], strong[7]], [0, 0, 0], "the smallest of each");
});
