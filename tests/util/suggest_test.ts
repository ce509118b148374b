import assert from "node:assert/strict";
import { editDistance, nearest } from "../../src/util/suggest.ts";

Deno.test("edit distance counts inserted, deleted, replaced and swapped letters", () => {
  assert.equal(editDistance("", "abc"), 3);
  assert.equal(editDistance("abc", ""), 3);
  assert.equal(editDistance("same", "same"), 0);
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("trian", "train"), 1);
  assert.equal(editDistance("ca", "abc"), 3);
});

Deno.test("the nearest name is suggested only if it is near", () => {
  const names = ["batch-size", "seed", "steps", "log-every", "learning-rate"];
  assert.equal(nearest("batchsize", names), "batch-size");
  assert.equal(nearest("step", names), "steps");
  assert.equal(nearest("learn-rate", names), "learning-rate");
  assert.equal(nearest("learning", names), "learning-rate");
  assert.equal(nearest("momentum", names), undefined);
  assert.equal(nearest("se", names), undefined);
  assert.equal(nearest("x", []), undefined);
});

Deno.test("of two names that begin alike none is suggested", () => {
  assert.equal(nearest("data", ["data-directory", "data-archive-url"]), undefined);
});
