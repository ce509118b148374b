/** What follows from the measurements of a run: the best, patience and drops of the learning rate. */
import assert from "node:assert/strict";
import { FRESH_LOOP } from "../../src/train/checkpoints/loop_state.ts";
import { PrecisionRecord } from "../../src/train/precision_record.ts";
import { tinyRecipe } from "./run_support.ts";

const PLATEAU = tinyRecipe({ schedule: "plateau", plateauPatience: 1, decayFactor: 0.1 });

Deno.test("the best is the first of equals; patience counts the measurements since then", () => {
  const record = new PrecisionRecord(tinyRecipe({}), 2, FRESH_LOOP);
  const courses: [precision: number, isBest: boolean, since: number, isLost: boolean][] = [
    [0.3, true, 0, false],
    [0.3, false, 1, false],
    [0.4, true, 0, false],
    [0.2, false, 1, false],
    [0.4, false, 2, true],
    [0.1, false, 3, true],
  ];
  for (const [i, [precision, isBest, since, isLost]] of courses.entries()) {
    assert.equal(record.observe(i + 1, precision), isBest, `measurement ${i}`);
    assert.equal(record.state.sinceBest, since, `measurement ${i}`);
    assert.equal(record.hasLostPatience, isLost, `measurement ${i}`);
  }
  assert.deepEqual(record.best, { step: 3, precision: 0.4 });
  const endless = new PrecisionRecord(tinyRecipe({}), 0, { ...FRESH_LOOP, sinceBest: 99 });
  assert.equal(endless.hasLostPatience, false);
});

Deno.test("the measurement at the end counts for the best alone", () => {
  const record = new PrecisionRecord(PLATEAU, 1, FRESH_LOOP);
  record.observe(1, 0.5);
  const before = record.state;
  assert.equal(record.observeEnd(2, 0.4), false);
  assert.equal(record.observeEnd(2, 0.5), false);
  assert.deepEqual(record.state, before);
  assert.equal(record.observeEnd(2, 0.6), true);
  assert.deepEqual(record.best, { step: 2, precision: 0.6 });
  assert.deepEqual(record.state.plateau, before.plateau);
});

Deno.test("the rate drops at each plateau, in a later process, too; a best can be taken back", () => {
  const record = new PrecisionRecord(PLATEAU, 0, FRESH_LOOP);
  const factors = [0.5, 0.4, 0.4, 0.4].map((precision, i) => {
    record.observe(i, precision);
    return record.learningRateFactor;
  });
  assert.deepEqual(factors, [1, 1, 0.1, 0.1]);
  const later = new PrecisionRecord(PLATEAU, 0, { ...FRESH_LOOP, ...record.state });
  assert.deepEqual([later.state, later.learningRateFactor], [record.state, 0.1]);
  for (const each of [record, later]) each.observe(5, 0.4);
  assert.deepEqual(later.state, record.state);
  assert.equal(later.learningRateFactor, 0.1 ** 2);
  const { best } = later;
  later.observe(6, 0.9);
  later.forgetBest(best);
  assert.deepEqual(later.state.best, { step: 0, precision: 0.5 });
  const other = new PrecisionRecord(tinyRecipe({}), 0, FRESH_LOOP);
  other.observe(1, 0.5);
  assert.deepEqual([other.learningRateFactor, other.state.plateau], [1, null]);
});
