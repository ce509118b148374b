/** Nets: what layers declare, in which order, under which names; what a model refuses. */
import assert from "node:assert/strict";
import { constantInitializer, truncatedNormal } from "../../src/nn/initializers.ts";
import {
  avgPool,
  batchNorm,
  conv,
  dense,
  flatten,
  globalPool,
  maxPool,
} from "../../src/nn/layers.ts";
import { createModel, defineModel } from "../../src/nn/model.ts";
import type { Net } from "../../src/nn/net.ts";
import { parameterBlock, parameterLayout, parameterViews } from "../../src/nn/parameters.ts";
import { relu } from "../../src/ops/elementwise.ts";
import { placeholder, type Tensor } from "../../src/tensor/tensor.ts";

const weights = truncatedNormal(0.1);

function define(build: (net: Net, images: Tensor) => Tensor) {
  return defineModel({ name: "mine", image: [8, 8, 3], build });
}

const SMALL = define((net, images) => {
  const x = conv(net, "conv", images, { filters: 4, size: 3, weights, biases: null, decay: 2 });
  const inner = net.scope("block").scope("a");
  const normal = batchNorm(inner, "bn", x, { slope: 0, decay: 0.5 });
  const y = conv(inner, "conv", normal, { filters: 6, size: 1, stride: 2, weights, rate: 3 });
  return dense(net, "head", globalPool(net, "pool", y), {
    units: net.classes,
    weights,
    decay: 1,
    biases: constantInitializer(0.5),
    biasDecay: 0.25,
    biasRate: 2,
  });
});

Deno.test("parameters come in the order of the layers, with scopes, shapes and factors", () => {
  const { parameters, statistics, statisticsDecay, classes } = createModel(SMALL, 7);
  assert.equal(classes, 7);
  assert.deepEqual(
    parameters.map(({ name, shape, decay, rate }) => [name, [...shape], decay, rate]),
    [
      ["conv/weights", [3, 3, 3, 4], 2, 1],
      ["block/a/bn/gamma", [4], 0.5, 1],
      ["block/a/bn/beta", [4], 0.5, 1],
      ["block/a/conv/weights", [1, 1, 4, 6], 0, 3],
      ["block/a/conv/biases", [6], 0, 1],
      ["head/weights", [6, 7], 1, 1],
      ["head/biases", [7], 0.25, 2],
    ],
  );
  assert.deepEqual(statistics, [{ name: "block/a/bn", channels: 4 }]);
  assert.deepEqual(statisticsDecay, { decay: 0.9, zeroDebias: true });
});

Deno.test("a forward pass has the layers by name, and the batch's moments while training alone", () => {
  const model = createModel(SMALL, 7);
  const layout = parameterLayout(model.parameters);
  const block = parameterBlock("parameters", layout, new Float32Array(layout.size));
  const parameters = parameterViews(layout, block);
  const images = placeholder("images", [5, 8, 8, 3]);
  const training = model.forward({ parameters, images, training: true });
  assert.deepEqual(training.logits.shape, [5, 7]);
  assert.deepEqual(Object.keys(training.moments), ["block/a/bn"]);
  assert.deepEqual(training.moments["block/a/bn"].shape, [2, 4]);
  assert.deepEqual(training.layers.map(({ name, kind, output }) => [name, kind, output.shape]), [
    ["conv", "conv 3x3", [5, 8, 8, 4]],
    ["block/a/bn", "batch norm, ReLU", [5, 8, 8, 4]],
    ["block/a/conv", "conv 1x1 / 2", [5, 4, 4, 6]],
    ["pool", "global average pool", [5, 6]],
    ["head", "dense", [5, 7]],
  ]);
  for (const { name, output } of training.layers) assert.equal(training.taps[name], output);

  const evaluation = (statistics: Readonly<Record<string, Tensor>> | undefined) =>
    model.forward({ parameters, images, training: false, statistics });
  const running = placeholder("running", [2, 4]);
  assert.deepEqual(Object.keys(evaluation({ "block/a/bn": running }).moments), []);
  const missing = /^RangeError: Cannot build the network as statistics block\/a\/bn is not given$/;
  assert.throws(() => evaluation(undefined), missing);
  assert.throws(() => evaluation({}), missing);
  assert.throws(
    () =>
      model.forward({
        parameters: { "conv/weights": parameters["conv/weights"] },
        images,
        training: true,
      }),
    /parameter block\/a\/bn\/gamma is not given/,
  );
});

Deno.test("a name is declared once: parameters, normalizations, layers without parameters", () => {
  const window = { size: [2, 2], strides: [2, 2], padding: "valid" } as const;
  const options = { filters: 4, size: 3, weights };
  const twice: readonly [string, (net: Net, x: Tensor) => Tensor][] = [
    ["a/weights", (net, x) => conv(net, "a", conv(net, "a", x, options), options)],
    ["a/gamma", (net, x) => batchNorm(net, "a", batchNorm(net, "a", x))],
    ["a/b/weights", (net, x) => conv(net.scope("a"), "b", conv(net, "a/b", x, options), options)],
    ["p", (net, x) => maxPool(net, "p", maxPool(net, "p", x, window), window)],
    ["p", (net, x) => avgPool(net, "p", maxPool(net, "p", x, window), window)],
  ];
  for (const [name, build] of twice) {
    const definition = define((net, images) =>
      dense(net, "head", flatten(build(net, images)), { units: net.classes, weights })
    );
    assert.throws(
      () => createModel(definition, 10),
      { name: "RangeError", message: `Cannot declare ${name} twice: choose another name` },
    );
  }
});

Deno.test("logits must be [N, classes]", () => {
  const cases: readonly [(net: Net, x: Tensor) => Tensor, string][] = [
    [(net, x) => dense(net, "head", flatten(x), { units: 9, weights }), "[N, 9]"],
    [(_, x) => relu(x), "[N, 8, 8, 3]"],
    [(net, x) => globalPool(net, "pool", x), "[N, 3]"],
  ];
  for (const [build, found] of cases) {
    assert.throws(() => createModel(define(build), 10), {
      name: "RangeError",
      message: `Cannot make a model of mine as its logits must be [N, 10]: found ${found}`,
    });
  }
});
