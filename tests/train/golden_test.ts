/** The reference CNN on both engines against PyTorch's float64 values (tests/golden/reference_cnn.py). */
import assert from "node:assert/strict";
import { referenceCnn } from "../../src/nn/models/reference.ts";
import {
  countParameters,
  parameterBlock,
  parameterLayout,
  parameterViews,
} from "../../src/nn/parameters.ts";
import { add } from "../../src/ops/elementwise.ts";
import { grad } from "../../src/ops/grad.ts";
import { packTensors } from "../../src/ops/layout.ts";
import { l2Loss, mean } from "../../src/ops/reduce.ts";
import { softmaxCrossEntropy } from "../../src/ops/softmax.ts";
import { momentumUpdate, sgdUpdate } from "../../src/ops/update.ts";
import { compile } from "../../src/tensor/compile.ts";
import { sizeOf } from "../../src/tensor/shape.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, fill, type Tensor, variable } from "../../src/tensor/tensor.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { Trainer } from "../../src/train/trainer.ts";
import {
  generate,
  loadReferenceCnn,
  PARAMETER_NAMES,
  type ParameterName,
  relativeError,
} from "../golden/fixture.ts";
import { testEngines } from "../support.ts";

const golden = loadReferenceCnn();
const layout = parameterLayout(referenceCnn.parameters);

/** Relative, of the trainer's losses over ten steps, and of the averages' norms after them: 6e-7 and 6e-8 were seen. */
const LOSS_TOLERANCE = 1e-5;
const NORM_TOLERANCE = 1e-6;

/** The fixture's parameters in the model's block. */
function fixtureBlock(): Float32Array<ArrayBuffer> {
  const block = new Float32Array(layout.size);
  layout.specs.forEach(({ name }, i) =>
    block.set(generate(name as ParameterName), layout.offsets[i])
  );
  return block;
}

function graph() {
  const block = parameterBlock("parameters", layout, fixtureBlock());
  const views = parameterViews(layout, block);
  const images = constant(generate("images"), [golden.batch, 24, 24, 3]);
  const labels = constant(Uint32Array.from(golden.labels), [golden.batch]);
  const { logits } = referenceCnn.forward({ parameters: views, images, training: true });
  const crossEntropy = mean(softmaxCrossEntropy(logits, labels));
  const loss = layout.specs.filter((spec) => spec.decay > 0)
    .map(({ name }) => l2Loss(views[name], golden.weight_decay))
    .reduce(add, crossEntropy);
  const gradients = grad(loss, layout.specs.map(({ name }) => views[name]));
  return { block, logits, crossEntropy, loss, gradients };
}

Deno.test("the reference CNN has 1,068,298 parameters in ten tensors", () => {
  assert.equal(countParameters(referenceCnn.parameters), 1_068_298);
  assert.deepEqual(layout.specs.map(({ name }) => name), [...PARAMETER_NAMES]);
  const decayed = layout.specs.filter((spec) => spec.decay > 0).map(({ name }) => name);
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
      assertNear(norm(actual), expected.norm, 1e-4, `${engine} ${name}: norm`);
    }
  }
});

Deno.test("the trainer's losses and moving averages equal PyTorch's over ten steps", async () => {
  const terms: Record<string, number> = { cross_entropy: golden.cross_entropy };
  for (const name of ["local3/weights", "local4/weights"] as const) {
    const loss = golden.weight_decay * norm(generate(name)) ** 2 / 2;
    terms[name.replace("/weights", "/weight_loss")] = loss;
  }
  for (const { name: engine, device } of await testEngines()) {
    using trainer = await Trainer.create(device, {
      model: referenceCnn,
      recipe: {
        ...REFERENCE_RECIPE,
        batchSize: golden.batch,
        seed: 1,
        learningRate: golden.sgd.rate,
        emaDecay: golden.ema.decay,
        weightDecay: golden.weight_decay,
      },
      trainingImages: 50_000,
    });
    trainer.state.write(trainer.variables.parameters, fixtureBlock());
    trainer.state.write(trainer.variables.averages, fixtureBlock());
    const batch = { images: generate("images"), labels: Uint32Array.from(golden.labels) };
    for (let step = 0; step < 10; step++) trainer.run(batch);
    const averages = await trainer.state.read(trainer.variables.averages);
    // The last golden loss is the one after ten steps.
    trainer.run(batch);
    const losses = await trainer.losses();

    assertNear(losses[0].total, golden.total_loss, LOSS_TOLERANCE, `${engine}: first loss`);
    assert.deepEqual(Object.keys(losses[0].terms), Object.keys(terms));
    for (const [name, expected] of Object.entries(terms)) {
      assertNear(losses[0].terms[name], expected, LOSS_TOLERANCE, `${engine}: first ${name}`);
    }
    assert.equal(losses.length, golden.sgd.losses.length);
    golden.sgd.losses.forEach((expected, step) =>
      assertNear(losses[step].total, expected, LOSS_TOLERANCE, `${engine}: loss of step ${step}`)
    );
    layout.specs.forEach(({ name, shape }, i) => {
      const average = averages.subarray(layout.offsets[i], layout.offsets[i] + sizeOf(shape));
      const expected = golden.ema.first_step_1[name as ParameterName];
      assertNear(norm(average), expected, NORM_TOLERANCE, `${engine} ${name}: average's norm`);
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
      assertNear(actual, expected, 1e-3, `${engine}: loss of step ${step}`);
    }
  }
});

/** The L2 norm: Math.hypot of a million arguments is too long. */
function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ** 2;
  return Math.sqrt(sum);
}

function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(
    Math.abs(actual / expected - 1) < tolerance,
    `${what} is ${actual}, expected ${expected}: off by ${Math.abs(actual / expected - 1)}`,
  );
}
