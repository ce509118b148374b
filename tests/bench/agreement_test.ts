/** The comparison of libraries: what counts as the same losses. */
import assert from "node:assert/strict";
import { disagreements } from "../../bench/peers/agreement.ts";

const USUAL = [2.4, 2.3, 2.2];

Deno.test("losses that agree, for as many steps as each program made, are no disagreement", () => {
  const results = [
    { peer: "a", losses: USUAL },
    { peer: "b", losses: USUAL.slice(0, 2) },
    { peer: "c", losses: USUAL.map((loss) => loss * 1.0009) },
    { peer: "longest", losses: [...USUAL, 7] },
  ];
  assert.deepEqual(disagreements(results), []);
  assert.deepEqual(disagreements([]), []);
});

Deno.test("the program whose loss differs is named with its first such step", () => {
  const results = [
    { peer: "a", losses: USUAL },
    { peer: "wrong gradient", losses: [2.4, 2.31, 2.2] },
    { peer: "c", losses: USUAL },
    { peer: "diverged", losses: [2.4, 2.3, NaN] },
    { peer: "zero", losses: [0] },
  ];
  const lines = disagreements(results);
  assert.equal(lines.length, 3);
  assert.match(lines[0], /^wrong gradient: .*before step 2 is 2\.31, .* 2\.3$/);
  assert.match(lines[1], /^diverged: .*before step 3 is NaN/);
  assert.match(lines[2], /^zero: .*before step 1 is 0, .* 2\.4$/);
});

Deno.test("of two programs that differ one is named with both losses", () => {
  const lines = disagreements([{ peer: "a", losses: [1] }, { peer: "b", losses: [2] }]);
  assert.equal(lines.length, 1);
  assert.match(lines[0], /1.*2/);
});
