/** Schedules against PyTorch's (tests/golden/optimizers.py), and where they end. */
import assert from "node:assert/strict";
import {
  cosineDecay,
  linearDecay,
  milestoneDecay,
  scheduledRate,
  warmup,
} from "../../src/optim/schedules.ts";
import { loadOptimizers } from "../golden/optimizers_fixture.ts";

for (const [i, { name, schedule, rates }] of loadOptimizers().schedules.entries()) {
  const { milestones, warmupSteps, final } = schedule;
  Deno.test(`schedule ${i}, ${name} ${JSON.stringify({ milestones, warmupSteps, final })}, has PyTorch's rates`, () => {
    assert.ok(rates.length >= 20);
    rates.forEach((expected, step) => {
      const actual = scheduledRate(name, schedule, step);
      assert.ok(
        Math.abs(actual / expected - 1) < 1e-8,
        `step ${step}: ${actual}, expected ${expected}`,
      );
    });
  });
}

Deno.test("the schedules that end stay where they ended", () => {
  const ending = { initial: 0.4, final: 0.05, totalSteps: 10 };
  for (const decay of [cosineDecay, linearDecay]) {
    assert.equal(decay(ending, 0), 0.4);
    for (const step of [10, 11, 25]) {
      assert.ok(Math.abs(decay(ending, step) - 0.05) < 1e-15, `${decay.name} at ${step}`);
    }
    assert.ok(decay(ending, 9) > 0.05, "not before");
  }
});

Deno.test("a milestone counts from its own step on", () => {
  const schedule = { initial: 1, factor: 0.5, milestones: [2, 3] };
  assert.deepEqual([0, 1, 2, 3, 4].map((s) => milestoneDecay(schedule, s)), [
    1,
    1,
    0.5,
    0.25,
    0.25,
  ]);
});

Deno.test("a warm-up starts above zero and ends with its last step", () => {
  assert.deepEqual([0, 1, 2, 3, 4].map((step) => warmup(4, step)), [0.25, 0.5, 0.75, 1, 1]);
  assert.equal(warmup(0, 0), 1);
  assert.equal(warmup(1, 0), 1);
});
