import assert from "node:assert/strict";
import {
  broadcastShapes,
  checkShape,
  formatShape,
  sameShape,
  sizeOf,
  stridesOf,
} from "../../src/tensor/shape.ts";
import { constant, fill, fillValue, placeholder, variable } from "../../src/tensor/tensor.ts";

Deno.test("sizes and strides are those of row-major order; a scalar has one element", () => {
  assert.equal(sizeOf([]), 1);
  assert.equal(sizeOf([2, 3, 5]), 30);
  assert.deepEqual(stridesOf([2, 3, 5]), [15, 5, 1]);
  assert.deepEqual(stridesOf([]), []);
  assert.equal(formatShape([128, 24, 24, 3]), "[128, 24, 24, 3]");
  assert.equal(formatShape([]), "[]");
});

Deno.test("shapes are the same only with equal rank and sizes", () => {
  assert.ok(sameShape([2, 3], [2, 3]));
  assert.ok(!sameShape([2, 3], [3, 2]));
  assert.ok(!sameShape([2], [2, 1]));
  assert.ok(sameShape([], []));
});

Deno.test("broadcasting follows NumPy's rule", () => {
  assert.deepEqual(broadcastShapes([4, 1, 3], [5, 1]), [4, 5, 3]);
  assert.deepEqual(broadcastShapes([], [2, 2]), [2, 2]);
  assert.deepEqual(broadcastShapes([7], [7]), [7]);
  assert.equal(broadcastShapes([2], [3]), undefined);
  assert.equal(broadcastShapes([2, 3], [2]), undefined);
});

Deno.test("sizes that are no whole numbers of at least 1 are refused", () => {
  for (const shape of [[0], [-1], [1.5], [NaN], [2, Infinity]]) {
    assert.throws(() => checkShape("x", shape), /^RangeError: Cannot make x .*at least 1/);
    assert.throws(() => placeholder("x", shape), RangeError);
  }
  assert.deepEqual(checkShape("x", [1, 2]), [1, 2]);
});

Deno.test("data that does not match its shape is refused, with both named", () => {
  assert.throws(
    () => constant(new Float32Array(5), [2, 3], "weights"),
    /Cannot make weights as shape \[2, 3\] has 6 values: current data has 5/,
  );
  assert.throws(() => variable("w", [], new Float32Array(2)), /\[\] has 1 values/);
});

Deno.test("the element type follows the data, and a fill is known while the graph is built", () => {
  assert.equal(constant(new Uint32Array(2), [2]).dtype, "u32");
  assert.equal(variable("w", [2], new Float32Array(2)).dtype, "f32");
  assert.equal(fillValue(fill(3, [4])), 3);
  assert.equal(fillValue(constant(Float32Array.of(3), [])), undefined);
});
