/** The steps between two log lines, those of an earlier process among them. */
import assert from "node:assert/strict";
import { LossWindow } from "../../src/train/loss_window.ts";
import type { StepLosses } from "../../src/train/trainer.ts";

function lossAt(step: number, total: number): StepLosses {
  return { step, total, average: total / 2, gradientNorm: 1, terms: { cross_entropy: total } };
}

Deno.test("the mean is of all steps of the window, the time of those of this process", () => {
  const window = new LossWindow({ before: [4, 6], last: 6, stats: undefined, batchSize: 8 });
  const close = (seconds: number) =>
    window.close({ seconds, learningRate: (step) => step / 10, stats: undefined });
  assert.deepEqual([window.last, window.totals], [6, [4, 6]]);
  assert.equal(close(1), undefined, "no step was read");
  assert.deepEqual(window.totals, [4, 6], "and nothing is forgotten");
  window.add([lossAt(2, 8)]);
  window.add([]);
  assert.equal(window.last, 8);
  window.add([lossAt(3, 2)]);
  assert.deepEqual([window.last, window.totals], [2, [4, 6, 8, 2]]);
  const event = close(3);
  assert.ok(event !== undefined);
  assert.deepEqual(
    [event.step, event.meanLoss, event.learningRate, event.seconds],
    [3, 5, 0.3, 3],
  );
  assert.deepEqual(event.losses.map(({ step }) => step), [2, 3]);
  assert.equal(event.input, undefined);
  assert.deepEqual([window.last, window.totals], [2, []]);
  window.add([lossAt(4, 1)]);
  const next = close(3.5);
  assert.deepEqual([next?.meanLoss, next?.seconds], [1, 0.5]);
});
