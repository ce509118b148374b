import assert from "node:assert/strict";
import { InputWindow } from "../../src/train/input_summary.ts";

Deno.test("a window tells what went through the queue between its ends", () => {
  const start = { capacity: 8, made: 10, taken: 4, readySum: 20, waitedMs: 100, notReady: 1 };
  const end = { capacity: 8, made: 30, taken: 14, readySum: 80, waitedMs: 600, notReady: 3 };
  assert.deepEqual(new InputWindow(start, 64).until(end, 5), {
    capacity: 8,
    fill: 6 / 8,
    produced: 20 * 64 / 5,
    consumed: 10 * 64 / 5,
    waitShare: 0.1,
  });
  assert.equal(new InputWindow(start, 64).until(start, 1)?.fill, 0);
  assert.equal(new InputWindow(undefined, 64).until(undefined, 1), undefined);
});
