/** Ten steps of every optimizer and option on both engines against PyTorch's (tests/golden/optimizers.py). */
import assert from "node:assert/strict";
import type { Device } from "../../src/engine/device.ts";
import { MIX, MIX_LENGTH } from "../../src/ops/augment_row.ts";
import { sizeOf } from "../../src/tensor/shape.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { type Recipe, Trainer } from "../../src/train/trainer.ts";
import {
  type GoldenRun,
  loadOptimizers,
  microBatch,
  smoothBlock,
  smoothLayout,
  smoothModel,
} from "../golden/optimizers_fixture.ts";
import { testEngines } from "../support.ts";

const { runs, batch: batchSize } = loadOptimizers();
const TRAINING_IMAGES = 1000;

/** Relative, of losses, norms and parameters after ten steps: 2.5e-6 was seen. */
const TOLERANCE = 1e-5;

/** Trains as the golden run did, from its parameters. */
async function trainLike(device: Device, { recipe, share, losses }: GoldenRun) {
  const mixed = share < 1;
  const whole: Recipe = { ...REFERENCE_RECIPE, ...recipe, batchSize };
  using trainer = await Trainer.create(device, {
    model: smoothModel,
    recipe: whole,
    trainingImages: TRAINING_IMAGES,
    input: { mixed },
  });
  trainer.initialize({ parameters: smoothBlock() });
  const mix = new Float32Array(MIX_LENGTH);
  mix[MIX.labelShare] = share;
  for (let k = 0; k < losses.length * whole.accumulate; k++) {
    trainer.run({ ...microBatch(k, batchSize), mix });
  }
  const steps = await trainer.losses();
  const { parameters } = await trainer.saveState();
  const flat = smoothLayout.specs.flatMap(({ shape }, i) => {
    const start = smoothLayout.offsets[i];
    return [...parameters.subarray(start, start + sizeOf(shape))];
  });
  return { steps, flat };
}

function assertNear(actual: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(actual.length, expected.length, what);
  const largest = Math.max(...expected.map(Math.abs));
  actual.forEach((value, i) => {
    const error = Math.abs(value - expected[i]) / largest;
    assert.ok(
      error < TOLERANCE,
      `${what} ${i}: ${value}, expected ${expected[i]}: off by ${error}`,
    );
  });
}

for (const [name, run] of Object.entries(runs)) {
  Deno.test(`${name}: ten steps are PyTorch's`, async () => {
    for (const { name: engine, device } of await testEngines()) {
      const { steps, flat } = await trainLike(device, run);
      assert.deepEqual(steps.map(({ step }) => step), [...run.losses.keys()]);
      assertNear(steps.map(({ total }) => total), run.losses, `${engine}: loss of step`);
      assertNear(
        steps.map(({ gradientNorm }) => gradientNorm),
        run.gradient_norms,
        `${engine}: gradient norm of step`,
      );
      assertNear(flat, run.parameters, `${engine}: parameter`);
    }
  });
}

Deno.test("the golden runs have every optimizer, and clip some steps but not all", () => {
  const names = new Set(Object.values(runs).map(({ recipe }) => recipe.optimizer));
  assert.deepEqual([...names].sort(), ["adamw", "momentum", "nesterov", "sgd"]);
  const clipping = Object.values(runs).filter(({ recipe }) => recipe.clipNorm !== undefined);
  assert.ok(clipping.length >= 3);
  for (const { clipped } of clipping) assert.ok(clipped > 0 && clipped < 10);
});
