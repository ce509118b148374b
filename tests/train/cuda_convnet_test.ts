/** Two of cuda-convnet's nets on both engines against PyTorch's float64 values (tests/golden/cuda_convnet.py). */
import assert from "node:assert/strict";
import { initializerStream } from "../../src/nn/initializers.ts";
import { createModel, type Model } from "../../src/nn/model.ts";
import {
  parameterBlock,
  parameterLayout,
  parameterViews,
  splitBlock,
} from "../../src/nn/parameters.ts";
import { add } from "../../src/ops/elementwise.ts";
import { grad } from "../../src/ops/grad.ts";
import { l2Loss, mean } from "../../src/ops/reduce.ts";
import { softmaxCrossEntropy } from "../../src/ops/softmax.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant } from "../../src/tensor/tensor.ts";
import { loadModel, withRecipe } from "../../src/train/models.ts";
import { recipeOf, REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { hashed, relativeError } from "../golden/fixture.ts";
import { testCpu, testEngines } from "../support.ts";

interface GoldenNet {
  readonly inputs: Readonly<
    Record<
      string,
      {
        readonly stream: number;
        readonly shape: readonly number[];
        readonly scale: number;
        readonly bits_sum: number;
      }
    >
  >;
  readonly logits: readonly number[];
  readonly cross_entropy: number;
  readonly gradients: Readonly<
    Record<
      string,
      { readonly norm: number; readonly stride: number; readonly values: readonly number[] }
    >
  >;
  /** Before each of ten steps, and after them; weight decay included. */
  readonly losses: readonly number[];
  /** L2 norm of what the ten steps changed of each tensor. */
  readonly moved: Readonly<Record<string, number>>;
}

interface Golden {
  readonly batch: number;
  readonly labels: readonly number[];
  readonly rate: number;
  readonly momentum: number;
  readonly "18pct": GoldenNet;
  readonly "local-11pct": GoldenNet;
}

const golden: Golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/cuda_convnet.json", import.meta.url)),
);

/** Relative: 4e-6 was seen. */
const TOLERANCE = 2e-5;
/** Of how far tensors move: a bias moves by a few hundred steps of its rounding; 1.4e-3 was seen. */
const MOVE_TOLERANCE = 0.02;

async function netOf(name: string): Promise<Model> {
  return createModel(await loadModel({ model: name, bottleneck: false }), 10);
}

/** A tensor of the golden file, after a check that it is generated as Python did. */
function generated({ inputs }: GoldenNet, name: string): Float32Array<ArrayBuffer> {
  const { stream, shape, scale, bits_sum } = inputs[name];
  const size = shape.reduce((product, length) => product * length, 1);
  const values = hashed({ stream, size, offset: 0, scale });
  const bits = new Uint32Array(values.buffer).reduce((a, b) => (a + b) >>> 0, 0);
  assert.equal(bits, bits_sum, `${name} is generated otherwise than by cuda_convnet.py`);
  return values;
}

/** The golden parameters in the model's block. */
function goldenBlock(model: Model, net: GoldenNet): Float32Array<ArrayBuffer> {
  const layout = parameterLayout(model.parameters);
  const block = new Float32Array(layout.size);
  layout.specs.forEach(({ name, shape }, i) => {
    assert.deepEqual(shape, net.inputs[name].shape, name);
    block.set(generated(net, name), layout.offsets[i]);
  });
  return block;
}

function norm(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  const error = Math.abs(actual / expected - 1);
  assert.ok(error < tolerance, `${what}: ${actual}, expected ${expected}: off by ${error}`);
}

for (const name of ["18pct", "local-11pct"] as const) {
  const net = golden[name];

  Deno.test(`cuda-convnet-${name}: logits, loss and gradients are PyTorch's`, async () => {
    const model = await netOf(name);
    const layout = parameterLayout(model.parameters);
    assert.deepEqual(
      layout.specs.map((spec) => spec.name),
      Object.keys(net.inputs).slice(1),
    );
    const { weightDecay } = withRecipe(
      await loadModel({ model: name, bottleneck: false }),
      null,
      {},
    );
    const views = parameterViews(
      layout,
      parameterBlock("parameters", layout, goldenBlock(model, net)),
    );
    const images = constant(generated(net, "images"), [golden.batch, ...model.image]);
    const labels = constant(Uint32Array.from(golden.labels), [golden.batch]);
    const { logits } = model.forward({ parameters: views, images, training: true });
    const crossEntropy = mean(softmaxCrossEntropy(logits, labels));
    const loss = layout.specs.filter((spec) => spec.decay > 0)
      .map((spec) => l2Loss(views[spec.name], spec.decay * weightDecay))
      .reduce(add, crossEntropy);
    const gradients = grad(loss, layout.specs.map((spec) => views[spec.name]));
    const named = Object.fromEntries(layout.specs.map((spec, i) => [spec.name, gradients[i]]));
    for (const { name: engine, device } of await testEngines()) {
      using state = new VariableState(device);
      using plan = await compile(state, { outputs: { logits, crossEntropy, loss, ...named } });
      plan.run();
      const close = async (
        output: string,
        { values, stride = 1 }: { values: readonly number[]; stride?: number },
      ) => {
        const error = relativeError(await plan.read(output), values, stride);
        assert.ok(error < TOLERANCE, `${engine}, ${output}: off by ${error}`);
      };
      await close("logits", { values: net.logits });
      await close("crossEntropy", { values: [net.cross_entropy] });
      await close("loss", { values: [net.losses[0]] });
      for (const [tensor, gradient] of Object.entries(net.gradients)) {
        await close(tensor, gradient);
        assertNear(norm(await plan.read(tensor)), gradient.norm, TOLERANCE, `${engine}, ${tensor}`);
      }
    }
  });

  Deno.test(`cuda-convnet-${name}: ten steps of its recipe are cuda-convnet's update`, async () => {
    const model = await netOf(name);
    const layout = parameterLayout(model.parameters);
    const config = withRecipe(await loadModel({ model: name, bottleneck: false }), null, {
      learningRate: golden.rate,
      batchSize: golden.batch,
    });
    assert.deepEqual([config.optimizer, config.momentum], ["momentum", golden.momentum]);
    const recipe = recipeOf(config, { classes: [], labels: [], totalSteps: config.steps });
    const images = generated(net, "images");
    const labels = Uint32Array.from(golden.labels);
    for (const { name: engine, device } of await testEngines()) {
      using trainer = await Trainer.create(device, { model, recipe, trainingImages: 50_000 });
      const start = goldenBlock(model, net);
      trainer.initialize({ parameters: start });
      for (let step = 0; step < net.losses.length - 1; step++) trainer.run({ images, labels });
      const losses = (await trainer.losses()).map(({ total }) => total);
      losses.forEach((loss, i) =>
        assertNear(loss, net.losses[i], TOLERANCE, `${engine}, loss ${i}`)
      );
      assert.equal(losses.length, net.losses.length - 1);
      const end = splitBlock(layout, (await trainer.saveState()).parameters);
      for (const [tensor, values] of Object.entries(splitBlock(layout, start))) {
        const moved = norm(values.map((value, i) => end[tensor][i] - value));
        assertNear(moved, net.moved[tensor], MOVE_TOLERANCE, `${engine}, ${tensor} moved`);
      }
    }
  });
}

Deno.test("adamw is refused where biases have a rate of their own", async () => {
  const model = await netOf("18pct");
  const recipe = { ...REFERENCE_RECIPE, batchSize: 1, optimizer: "adamw" } as const;
  await assert.rejects(
    Trainer.create(await testCpu(), { model, recipe, trainingImages: 9 }),
    { name: "ConfigError", message: /adamw as conv1\/biases has a learning rate of its own/ },
  );
});

Deno.test("the recipes are cuda-convnet's: rates, decays, initial deviations and the mean image", async () => {
  const nets: readonly (readonly [string, Readonly<Record<string, readonly [number, number]>>])[] =
    [
      ["80sec", {
        conv1: [1e-4, 0.004],
        conv2: [0.01, 0.004],
        conv3: [0.01, 0.004],
        fc64: [0.1, 0.03],
        fc10: [0.1, 0.03],
      }],
      ["19pct", {
        conv1: [1e-4, 0.004],
        conv2: [0.01, 0.004],
        conv3: [0.01, 0.004],
        fc10: [0.01, 3],
      }],
      ["18pct", {
        conv1: [1e-4, 0.004],
        conv2: [0.01, 0.004],
        conv3: [0.01, 0.004],
        fc10: [0.01, 1],
      }],
      ["local-13pct", {
        conv1: [1e-4, 0],
        conv2: [0.01, 0],
        local3: [0.04, 0.004],
        local4: [0.04, 0.004],
        fc10: [0.01, 0.004],
      }],
      ["local-11pct", {
        conv1: [1e-4, 0],
        conv2: [0.01, 0],
        local3: [0.04, 0.004],
        local4: [0.04, 0.004],
        fc10: [0.01, 0.01],
      }],
    ];
  for (const [name, layers] of nets) {
    const definition = await loadModel({ model: `cuda-convnet-${name}`, bottleneck: false });
    assert.equal(definition, await loadModel({ model: name, bottleneck: false }));
    const config = withRecipe(definition, null, {});
    const { learningRate, normalize, emaDecay, brightness, contrast, batchSize } = config;
    assert.deepEqual(
      { learningRate, normalize, emaDecay, brightness, contrast, batchSize },
      {
        ...{ learningRate: 0.001, normalize: "pixel", emaDecay: 0 },
        ...{ brightness: 0, contrast: 0, batchSize: 128 },
      },
    );
    const { parameters, image } = createModel(definition, 10);
    assert.deepEqual(image, name === "local-11pct" ? [24, 24, 3] : [32, 32, 3]);
    assert.deepEqual(parameters.map((spec) => spec.name).filter((n) => n.endsWith("weights")), [
      ...Object.keys(layers).map((layer) => `${layer}/weights`),
    ]);
    for (const { name: tensor, decay, rate, initializer } of parameters) {
      const [layer, kind] = tensor.split("/");
      const [initW, wc] = kind === "weights" ? layers[layer] : [0, 0];
      assert.ok(Math.abs(decay * config.weightDecay - wc) < 1e-12, `${name}, ${tensor}: decay`);
      assert.equal(rate, kind === "weights" ? 1 : 2, `${name}, ${tensor}: rate`);
      const values = initializer(20_000, initializerStream(1, 0));
      const deviation = norm(values) / Math.sqrt(values.length);
      assert.ok(Math.abs(deviation - initW) <= 0.02 * initW, `${name}, ${tensor}: ${deviation}`);
      // Not truncated at two deviations.
      if (initW > 0) assert.ok(values.some((value) => Math.abs(value) > 2.5 * initW));
    }
  }
});
