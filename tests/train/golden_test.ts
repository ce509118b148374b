/** The reference CNN on both engines against PyTorch's float64 values (tests/golden/reference_cnn.py). */
import assert from "node:assert/strict";
import { referenceCnn } from "../../src/nn/models/reference.ts";
import {
  countParameters,
  parameterBlock,
  parameterLayout,
  parameterViews,
} from "../../src/nn/parameters.ts";
import { warmedDecay } from "../../src/optim/schedules.ts";
import { add } from "../../src/ops/elementwise.ts";
import { grad } from "../../src/ops/grad.ts";
import { packTensors } from "../../src/ops/layout.ts";
import { l2Loss, mean } from "../../src/ops/reduce.ts";
import { softmaxCrossEntropy } from "../../src/ops/softmax.ts";
import { emaUpdate, momentumUpdate, sgdUpdate } from "../../src/ops/update.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, fill, placeholder, type Tensor, variable } from "../../src/tensor/tensor.ts";
import { generate, loadReferenceCnn, PARAMETER_NAMES, relativeError } from "../golden/fixture.ts";
import { testEngines } from "../support.ts";

const golden = loadReferenceCnn();
const layout = parameterLayout(referenceCnn.parameters);

/** The fixture's parameters in the model's block. */
function fixtureBlock(): Float32Array<ArrayBuffer> {
  const block = new Float32Array(layout.size);
  layout.specs.forEach(({ name }, i) =>
    block.set(generate(name as (typeof PARAMETER_NAMES)[number]), layout.offsets[i])
  );
  return block;
}

function graph() {
  const block = parameterBlock("parameters", layout, fixtureBlock());
  const views = parameterViews(layout, block);
  const images = constant(generate("images"), [golden.batch, 24, 24, 3]);
  const labels = constant(Uint32Array.from(golden.labels), [golden.batch]);
  const logits = referenceCnn.logits(views, images);
  const crossEntropy = mean(softmaxCrossEntropy(logits, labels));
  const loss = layout.specs.filter((spec) => spec.decayed)
    .map(({ name }) => l2Loss(views[name], golden.weight_decay))
    .reduce(add, crossEntropy);
  const gradients = grad(loss, layout.specs.map(({ name }) => views[name]));
  return { block, logits, crossEntropy, loss, gradients };
}

Deno.test("the reference CNN has 1,068,298 parameters in ten tensors", () => {
  assert.equal(countParameters(referenceCnn.parameters), 1_068_298);
  assert.deepEqual(layout.specs.map(({ name }) => name), [...PARAMETER_NAMES]);
  const decayed = layout.specs.filter((spec) => spec.decayed).map(({ name }) => name);
  assert.deepEqual(decayed, ["local3/weights", "local4/weights"]);
});

Deno.test("logits, loss and all ten gradients equal PyTorch's to 1e-4", async () => {
  for (const { name: engine, device } of await testEngines()) {
    using state = new VariableState(device);
    const { logits, crossEntropy, loss, gradients } = graph();
    const named = Object.fromEntries(layout.specs.map(({ name }, i) => [name, gradients[i]]));
    using plan = await compile(state, { outputs: { logits, crossEntropy, loss, ...named } });
    plan.run();
    assert.ok(relativeError(await plan.read("logits"), golden.logits) < 1e-4, `${engine}: logits`);
    assert.ok(
      relativeError(await plan.read("crossEntropy"), [golden.cross_entropy]) < 1e-4,
      `${engine}: cross-entropy`,
    );
    assert.ok(
      relativeError(await plan.read("loss"), [golden.total_loss]) < 1e-4,
      `${engine}: loss`,
    );
    for (const name of PARAMETER_NAMES) {
      const expected = golden.gradients[name];
      const actual = await plan.read(name);
      const error = relativeError(actual, expected.values, expected.stride);
      assert.ok(error < 1e-4, `${engine} ${name}: sampled gradient differs by ${error}`);
      const norm = Math.hypot(...chunkNorms(actual));
      assert.ok(
        Math.abs(norm / expected.norm - 1) < 1e-4,
        `${engine} ${name}: norm ${norm}, expected ${expected.norm}`,
      );
    }
  }
});

Deno.test("ten SGD steps' losses equal PyTorch's to 1e-3, and so do the moving averages", async () => {
  for (const { name: engine, device } of await testEngines()) {
    using state = new VariableState(device);
    const { block, loss, gradients } = graph();
    const averages = variable("averages", block.shape, fixtureBlock());
    const decay = placeholder("decay", []);
    const updated = sgdUpdate(block, packTensors(gradients), fill(golden.sgd.rate));
    using plan = await compile(state, {
      outputs: { loss },
      updates: [emaUpdate(averages, updated, decay)],
    });
    for (const [step, expected] of golden.sgd.losses.slice(0, 10).entries()) {
      plan.run({ decay: Float32Array.of(warmedDecay(golden.ema.decay, step + 1)) });
      const [actual] = await plan.read("loss");
      assert.ok(
        Math.abs(actual / expected - 1) < 1e-3,
        `${engine} step ${step}: loss ${actual}, expected ${expected}`,
      );
    }
    const shadow = await state.read(averages);
    layout.specs.forEach(({ name, shape }, i) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const norm = Math.hypot(
        ...chunkNorms(shadow.subarray(layout.offsets[i], layout.offsets[i] + size)),
      );
      const expected = golden.ema.first_step_1[name as (typeof PARAMETER_NAMES)[number]];
      assert.ok(
        Math.abs(norm / expected - 1) < 1e-4,
        `${engine} ${name}: average's norm ${norm}, expected ${expected}`,
      );
    });
  }
});

Deno.test("ten momentum steps' losses equal PyTorch's to 1e-3", async () => {
  for (const { name: engine, device } of await testEngines()) {
    using state = new VariableState(device);
    const { block, loss, gradients } = graph();
    const velocity = variable("velocity", block.shape, new Float32Array(layout.size));
    const stepped: Tensor = momentumUpdate(
      velocity,
      packTensors(gradients),
      fill(golden.momentum.momentum),
    );
    const updates = [sgdUpdate(block, stepped, fill(golden.momentum.rate))];
    using plan = await compile(state, { outputs: { loss }, updates });
    for (const [step, expected] of golden.momentum.losses.slice(0, 10).entries()) {
      plan.run();
      const [actual] = await plan.read("loss");
      assert.ok(
        Math.abs(actual / expected - 1) < 1e-3,
        `${engine} step ${step}: loss ${actual}, expected ${expected}`,
      );
    }
  }
});

/** L2 norms of parts: a spread of a million arguments is too long. */
function chunkNorms(values: ArrayLike<number>): number[] {
  const norms: number[] = [];
  for (let start = 0; start < values.length; start += 1024) {
    let sum = 0;
    for (let i = start; i < Math.min(start + 1024, values.length); i++) sum += values[i] ** 2;
    norms.push(Math.sqrt(sum));
  }
  return norms;
}
