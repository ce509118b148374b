import assert from "node:assert/strict";
import { axisOffsets, createCropper } from "../../../src/data/augment/crop.ts";
import { FORMATS, testImages } from "./support.ts";

function offsets(first: number, count: number, padMode: "zero" | "reflect", reversed = false) {
  const out = new Int32Array(count);
  axisOffsets({ size: 4, stride: 10, padMode }, first, reversed, out);
  return Array.from(out);
}

Deno.test("positions of a crop inside the image are offsets, forwards or backwards", () => {
  for (const padMode of ["zero", "reflect"] as const) {
    assert.deepEqual(offsets(1, 3, padMode), [10, 20, 30]);
    assert.deepEqual(offsets(1, 3, padMode, true), [30, 20, 10]);
  }
});

Deno.test("positions outside of the image are black with zero padding", () => {
  assert.deepEqual(offsets(-2, 8, "zero"), [-1, -1, 0, 10, 20, 30, -1, -1]);
  assert.deepEqual(offsets(-2, 4, "zero", true), [10, 0, -1, -1]);
});

Deno.test("positions outside of the image mirror it without repeating its edge", () => {
  assert.deepEqual(offsets(-3, 10, "reflect"), [30, 20, 10, 0, 10, 20, 30, 20, 10, 0]);
});

Deno.test("a cropper cuts rows top on and columns left on, in the order red, green, blue", () => {
  for (const [name, format] of Object.entries(FORMATS)) {
    const { height, width, channels, order } = format;
    const { noise } = testImages(format, 1);
    const out = new Float64Array(5 * 7 * 3);
    createCropper({ crop: [5, 7], padMode: "zero" }, format)(noise, 3, 8, false, out);
    for (let y = 0; y < 5; y++) {
      for (let x = 0; x < 7; x++) {
        for (let c = 0; c < 3; c++) {
          const pixel = (3 + y) * width + 8 + x;
          const plane = order === "CHW" ? c * height * width + pixel : 3 * pixel + c;
          const byte = noise[channels === 1 ? pixel : plane];
          assert.equal(out[(y * 7 + x) * 3 + c], byte, `${name}: ${y}, ${x}, ${c}`);
        }
      }
    }
  }
});

Deno.test("a flipped crop shows the same columns, the last first", () => {
  const format = FORMATS["27x35 planes"];
  const { noise } = testImages(format, 2);
  const crop = createCropper({ crop: [6, 9], padMode: "reflect" }, format);
  const [plain, flipped] = [new Float64Array(6 * 9 * 3), new Float64Array(6 * 9 * 3)];
  crop(noise, -2, 28, false, plain);
  crop(noise, -2, 28, true, flipped);
  assert.notDeepEqual(flipped, plain);
  for (let y = 0; y < 6; y++) {
    for (let x = 0; x < 9; x++) {
      const [from, to] = [(y * 9 + x) * 3, (y * 9 + 8 - x) * 3];
      assert.deepEqual(flipped.slice(to, to + 3), plain.slice(from, from + 3));
    }
  }
});
