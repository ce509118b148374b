/** Label smoothing and class weights against PyTorch's cross_entropy (tests/golden/optimizers.py). */
import assert from "node:assert/strict";
import { grad } from "../../src/ops/grad.ts";
import { sum } from "../../src/ops/reduce.ts";
import { softCrossEntropy } from "../../src/ops/soft_cross_entropy.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, placeholder } from "../../src/tensor/tensor.ts";
import { SoftTargets } from "../../src/train/soft_targets.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { loadOptimizers } from "../golden/optimizers_fixture.ts";
import { assertClose, testCpu, testEngines } from "../support.ts";
import { tinyModel } from "./support.ts";

const { logits: values, labels, cases } = loadOptimizers().cross_entropies;
const CLASSES = 5;
const shape = [labels.length, CLASSES];

Deno.test("loss and gradient are those of PyTorch's cross_entropy, weighted, smoothed or both", async () => {
  assert.equal(cases.length, 4);
  for (const { name, device } of await testEngines()) {
    using state = new VariableState(device);
    const logits = constant(Float32Array.from(values), shape);
    const loss = sum(softCrossEntropy(logits, placeholder("targets", shape)));
    const outputs = { loss, gradient: grad(loss, [logits])[0] };
    using plan = await compile(state, { outputs });
    for (const { classWeights, labelSmoothing, loss, gradient } of cases) {
      const settings = { batchSize: labels.length, classWeights, labelSmoothing };
      const soft = new SoftTargets(settings, CLASSES);
      plan.run({ targets: soft.fill(Uint32Array.from(labels)) });
      const what = `${name}, ${JSON.stringify({ classWeights, labelSmoothing })}`;
      assertClose(await plan.read("loss"), [loss], 1e-6, `${what}: loss`);
      assertClose(await plan.read("gradient"), gradient, 1e-6, `${what}: gradient`);
    }
  }
});

Deno.test("without smoothing and weights a target is the label's share of the mean", () => {
  const soft = new SoftTargets({ batchSize: 2, classWeights: null, labelSmoothing: 0 }, 3);
  assert.deepEqual([...soft.fill(Uint32Array.of(2, 0))], [0, 0, 0.5, 0.5, 0, 0]);
  // A table is used again for the next batch.
  assert.deepEqual([...soft.fill(Uint32Array.of(1, 1))], [0, 0.5, 0, 0, 0.5, 0]);
  assert.deepEqual([...soft.fill(Uint32Array.of(2, 0), 0.75)], [0.125, 0, 0.375, 0.375, 0, 0.125]);
});

Deno.test("a label that is no class makes the targets NaN", () => {
  const soft = new SoftTargets({ batchSize: 2, classWeights: null, labelSmoothing: 0.1 }, 3);
  for (const label of [3, 2 ** 32 - 1]) {
    assert.ok(soft.fill(Uint32Array.of(label, 0)).every(Number.isNaN), `label ${label}`);
  }
});

Deno.test("labels that are too few, and weights that are not one a class, are refused", () => {
  const settings = { batchSize: 2, classWeights: [1, 2, 3], labelSmoothing: 0 };
  assert.throws(() => new SoftTargets(settings, 4), /Cannot weigh 4 classes with 3 weights/);
  const soft = new SoftTargets(settings, 3);
  assert.throws(() => soft.fill(Uint32Array.of(1)), /targets of 2 images: given 1 labels/);
});

Deno.test("the sparse loss and the table's are the same where the table holds labels alone", async () => {
  const images = Float32Array.from({ length: 4 * 8 * 8 * 3 }, (_, i) => Math.sin(i));
  const labels = Uint32Array.of(1, 2, 3, 4);
  const losses: number[][] = [];
  for (const classWeights of [null, new Array<number>(10).fill(2.5)]) {
    using trainer = await Trainer.create(await testCpu(), {
      model: tinyModel(8),
      recipe: { ...REFERENCE_RECIPE, batchSize: 4, classWeights },
      trainingImages: 4,
    });
    for (let step = 0; step < 5; step++) trainer.run({ images, labels });
    losses.push((await trainer.losses()).map(({ total }) => total));
  }
  // Equal weights cancel.
  assertClose(losses[1], losses[0], 1e-6, "losses");
});
