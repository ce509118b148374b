import assert from "node:assert/strict";
import { classHistogram, stratifiedSplit, stratifiedSubset } from "../../src/data/split.ts";
import { testRandom } from "../support.ts";

/** 1,000 labels of four classes in shares of 1, 2, 3, 4, in no order. */
const random = testRandom(2);
const LABELS = Array.from({ length: 1000 }, (_, i) => [0, 1, 1, 2, 2, 2, 3, 3, 3, 3][i % 10])
  .map((label) => ({ label, key: random() }))
  .sort((a, b) => a.key - b.key)
  .map(({ label }) => label);

const countsOf = (indices: Uint32Array) =>
  classHistogram(Array.from(indices, (index) => LABELS[index]), 4);

Deno.test("a split leaves each example on one side, of each class its share", () => {
  const { train, validation } = stratifiedSplit(LABELS, 0.1, 7);
  assert.deepEqual(countsOf(validation), [10, 20, 30, 40]);
  assert.deepEqual(countsOf(train), [90, 180, 270, 360]);
  const all = [...train, ...validation].sort((a, b) => a - b);
  assert.deepEqual(all, Array.from(LABELS.keys()));
  assert.deepEqual([...train], [...train].sort((a, b) => a - b), "rising");
});

Deno.test("a split is a pure function of the seed, and another seed splits otherwise", () => {
  const { validation } = stratifiedSplit(LABELS, 0.1, 7);
  assert.deepEqual(stratifiedSplit(LABELS, 0.1, 7).validation, validation);
  assert.notDeepEqual(stratifiedSplit(LABELS, 0.1, 8).validation, validation);
});

Deno.test("the fractions of classes are rounded so that the whole is right", () => {
  assert.deepEqual(countsOf(stratifiedSubset(LABELS, 7, 1)).reduce((a, b) => a + b), 7);
  const counts = countsOf(stratifiedSubset(LABELS, 333, 1));
  assert.equal(counts.reduce((a, b) => a + b), 333);
  [33.3, 66.6, 99.9, 133.2].forEach((share, label) => {
    assert.ok(Math.abs(counts[label] - share) < 1, `class ${label}: ${counts[label]}`);
  });
});

Deno.test("no more examples are chosen than there are; none of none; labels may have gaps", () => {
  assert.equal(stratifiedSubset(LABELS, 5000, 1).length, 1000);
  assert.equal(stratifiedSplit(LABELS, 0, 1).validation.length, 0);
  assert.equal(stratifiedSubset([], 3, 1).length, 0);
  assert.deepEqual([...stratifiedSubset([5, 5], 2, 1)], [0, 1]);
});
