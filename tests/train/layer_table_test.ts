/** The layer table: the known counts of known networks, and that nothing of a model is left out. */
import assert from "node:assert/strict";
import { constantInitializer } from "../../src/nn/initializers.ts";
import { batchNorm, conv, dense, flatten } from "../../src/nn/layers.ts";
import { createModel, defineModel, type Model } from "../../src/nn/model.ts";
import { countParameters } from "../../src/nn/parameters.ts";
import { add } from "../../src/ops/elementwise.ts";
import { matmul } from "../../src/ops/matmul.ts";
import { type LayerTable, layerTable, UNNAMED } from "../../src/train/layer_table.ts";
import { loadModel } from "../../src/train/models.ts";

async function modelOf(name: string, classes = 10): Promise<Model> {
  const bottleneck = name.endsWith("-bottleneck");
  const model = name.replace("-bottleneck", "");
  return createModel(await loadModel({ model, bottleneck }), classes);
}

/** Multiply-adds by the shapes alone: every weight of a convolution is used once at every position. */
function multiplyAddsOf({ layers }: LayerTable): number {
  return layers.flatMap(({ shape, tensors }) =>
    tensors.map(({ shape: weights }) => {
      const size = weights.reduce((product, length) => product * length, 1);
      if (weights.length === 4) return size * shape![0] * shape![1];
      // Of a local layer: filters of each position, and biases that are a matrix as well.
      if (weights.length === 3) return size;
      return weights.length === 2 && weights[0] !== shape![0] * shape![1] ? size : 0;
    })
  ).reduce((sum, count) => sum + count, 0);
}

const COUNTS: readonly [name: string, layers: number, parameters: number, multiplyAdds: number][] =
  [
    ["reference", 9, 1_068_298, 18_470_784],
    ["resnet-32", 79, 464_154, 68_862_592],
    ["resnet-164-bottleneck", 385, 1_703_258, 244_500_992],
    ["wrn-28-10", 64, 36_220_634, 5_214_492_928],
    ["resnet-v1-20", 49, 269_722, 40_551_040],
    ["cuda-convnet-80sec", 9, 145_578, 12_354_176],
    ["cuda-convnet-19pct", 8, 89_578, 12_298_240],
    ["18pct", 10, 89_578, 12_298_240],
    ["cuda-convnet-local-13pct", 7, 1_901_386, 32_919_552],
    ["cuda-convnet-local-11pct", 9, 2_112_970, 19_512_576],
  ];

for (const [name, layers, parameters, multiplyAdds] of COUNTS) {
  Deno.test(`${name} has ${parameters} parameters and ${multiplyAdds} multiply-adds`, async () => {
    const model = await modelOf(name);
    const table = layerTable(model);
    assert.equal(table.layers.length, layers);
    assert.equal(table.totals.parameters, parameters);
    assert.equal(table.totals.multiplyAdds, multiplyAdds);
    assert.equal(multiplyAddsOf(table), multiplyAdds);
    assert.equal(table.totals.parameterBytes, 4 * parameters);
    assertSums(table, model);
  });
}

/** Every row's numbers are those of its shapes, and their sums are the model's. */
function assertSums({ layers, totals }: LayerTable, model: Model): void {
  const sum = (of: (row: typeof layers[number]) => number) =>
    layers.reduce((total, row) => total + of(row), 0);
  const product = (shape: readonly number[]) => shape.reduce((size, length) => size * length, 1);
  for (const { name, shape, bytes, parameters, tensors } of layers) {
    assert.equal(bytes, shape === null ? 0 : 4 * product(shape), name);
    assert.equal(parameters, tensors.reduce((size, { shape }) => size + product(shape), 0), name);
  }
  assert.equal(sum((row) => row.parameters), countParameters(model.parameters));
  assert.deepEqual(
    layers.flatMap(({ tensors }) => tensors.map(({ name }) => name)).sort(),
    model.parameters.map(({ name }) => name).sort(),
  );
  assert.equal(
    sum((row) => row.statistics),
    model.statistics.reduce((size, { channels }) => size + 2 * channels, 0),
  );
  assert.deepEqual(totals, {
    parameters: sum((row) => row.parameters),
    statistics: sum((row) => row.statistics),
    multiplyAdds: sum((row) => row.multiplyAdds),
    parameterBytes: 4 * sum((row) => row.parameters),
    activationBytes: sum((row) => row.bytes),
  });
}

Deno.test("a row says what its layer does, and from which rows", async () => {
  const { layers, ...rest } = layerTable(await modelOf("reference", 100));
  assert.deepEqual([rest.model, rest.image, rest.classes], ["reference", [24, 24, 3], 100]);
  assert.deepEqual(layers[3], {
    name: "conv2",
    kind: "conv 5x5, ReLU",
    shape: [12, 12, 64],
    parameters: 102_464,
    statistics: 0,
    multiplyAdds: 14_745_600,
    bytes: 36_864,
    tensors: [
      { name: "conv2/weights", shape: [5, 5, 64, 64] },
      { name: "conv2/biases", shape: [64] },
    ],
    inputs: [2],
  });
  assert.deepEqual(layers.at(-1)!.shape, [100]);
  assert.deepEqual(layers.map(({ inputs }) => inputs), layers.map((_, i) => [i - 1]));
});

Deno.test("a residual sum has two inputs, and a longer name is the nearer owner", async () => {
  const { layers } = layerTable(await modelOf("resnet-v1-20"));
  const at = (name: string) => layers.findIndex((row) => row.name === name);
  assert.deepEqual(layers[at("unit_1_0/sum")].inputs, [at("stem/bn"), at("unit_1_0/bn2")]);
  assert.deepEqual(layers[at("unit_2_0/sum")].inputs, [at("unit_1_2/sum"), at("unit_2_0/bn2")]);
  assert.deepEqual(layers[at("stem")].tensors.map(({ name }) => name), ["stem/weights"]);
  assert.deepEqual([layers[at("stem/bn")].parameters, layers[at("stem/bn")].statistics], [32, 32]);
});

Deno.test("what no layer claims has rows of its own, and what is noted twice counts once", () => {
  const start = { initializer: constantInitializer(0.1) };
  const weights = { weights: constantInitializer(0.1) };
  const model = createModel(
    defineModel({
      name: "odd",
      image: [8, 8, 3],
      build(net, images) {
        const first = conv(net, "conv", images, { filters: 4, size: 3, ...weights });
        const again = net.layer("again", "the same", first);
        net.statistics("forgotten", 4);
        const normal = batchNorm(net, "bn", again, {});
        const hidden = dense(net, "dense", flatten(normal), { units: 5, ...weights });
        const free = net.parameter("free/weights", [5, net.classes], start);
        net.parameter("densely", [7], start);
        // Used twice between two layers, computed once.
        const product = matmul(hidden, free);
        return add(add(product, product), net.parameter("bias", [net.classes], start));
      },
    }),
    3,
  );
  const table = layerTable(model);
  assertSums(table, model);
  const rows = table.layers.map(({ name, parameters, multiplyAdds, statistics, bytes, inputs }) =>
    [name, parameters, multiplyAdds, statistics, bytes, inputs] as const
  );
  assert.deepEqual(rows, [
    ["conv", 4 * 28, 64 * 27 * 4, 0, 1024, [-1]],
    ["again", 0, 0, 0, 1024, [0]],
    ["bn", 8, 0, 8, 1024, [1]],
    ["dense", 256 * 5 + 5, 256 * 5, 0, 20, [2]],
    [UNNAMED, 0, 15, 0, 12, [3]],
    ["free/weights", 15, 0, 0, 0, []],
    ["densely", 7, 0, 0, 0, []],
    ["bias", 3, 0, 0, 0, []],
    ["forgotten", 0, 0, 8, 0, []],
  ]);
});
