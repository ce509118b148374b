/** The models by name: parameters, what decays, initial values, recipes. */
import assert from "node:assert/strict";
import { createModel, type ModelDefinition } from "../../src/nn/model.ts";
import { reference, referenceCnn } from "../../src/nn/models/reference.ts";
import { bottleneckResnet, resnet, resnetV1, wideResnet } from "../../src/nn/models/resnet.ts";
import { countParameters, initialValues, parameterLayout } from "../../src/nn/parameters.ts";
import { sizeOf } from "../../src/tensor/shape.ts";
import { sha256 } from "../data/helpers.ts";

/** Trainable values for so many classes, with which name. */
const COUNTS: readonly (readonly [ModelDefinition, string, number, number])[] = [
  [reference, "reference", 10, 1_068_298],
  [resnet(32), "resnet-32", 10, 464_154],
  [resnet(110), "resnet-110", 10, 1_727_962],
  [bottleneckResnet(164), "resnet-164-bottleneck", 10, 1_703_258],
  [bottleneckResnet(1001), "resnet-1001-bottleneck", 10, 10_327_706],
  [wideResnet, "wrn-28-10", 10, 36_220_634],
  [resnetV1(44), "resnet-v1-44", 11, resnetV1Count(7, 11)],
];

/** Counted by hand: 3x3 filters without biases, two numbers a normalized channel, a dense layer. */
function resnetV1Count(units: number, classes: number): number {
  const conv = (inputs: number, filters: number) => 9 * inputs * filters + 2 * filters;
  const stage = (inputs: number, filters: number) =>
    conv(inputs, filters) + (2 * units - 1) * conv(filters, filters);
  return conv(3, 16) + stage(16, 16) + stage(16, 32) + stage(32, 64) + 65 * classes;
}

Deno.test("models have the published numbers of parameters", () => {
  assert.equal(resnetV1Count(7, 11), 658_651);
  for (const [definition, name, classes, count] of COUNTS) {
    const model = createModel(definition, classes);
    assert.deepEqual([model.name, countParameters(model.parameters)], [name, count]);
  }
});

Deno.test("a bottleneck's convolutions are as many as its layers, less stem and head", () => {
  for (const [layers, units] of [[11, 3], [164, 54]]) {
    const { parameters } = createModel(bottleneckResnet(layers), 10);
    const filters = parameters.filter(({ name }) => /^unit.*conv\d\/weights$/.test(name));
    assert.equal(filters.length, layers - 2);
    assert.equal(filters.length, 3 * units);
    assert.equal(parameters.filter(({ name }) => /\/project\/weights$/.test(name)).length, 3);
  }
});

Deno.test("of the pre-activation networks weights decay, of the first version all that is trained", () => {
  for (const definition of [resnet(20), bottleneckResnet(20), wideResnet]) {
    for (const { name, decay } of createModel(definition, 10).parameters) {
      assert.equal(decay, name.endsWith("/weights") ? 1 : 0, `${definition.name}: ${name}`);
    }
  }
  assert.ok(createModel(resnetV1(20), 11).parameters.every(({ decay }) => decay === 1));
});

Deno.test("every normalization has statistics, in the order of the layers", () => {
  const { parameters, statistics } = createModel(resnet(14), 10);
  const gammas = parameters.filter(({ name }) => name.endsWith("/gamma"));
  assert.equal(statistics.length, 2 * 6 + 1);
  assert.deepEqual(
    statistics.map(({ name, channels }) => [`${name}/gamma`, channels]),
    gammas.map(({ name, shape }) => [name, sizeOf(shape)]),
  );
  assert.deepEqual(referenceCnn.statistics, []);
});

Deno.test("the reference starts with the values that it always had", () => {
  const layout = parameterLayout(referenceCnn.parameters);
  const sums = {
    0: "ab3a2d067fe4efd3c163c646b99d0271815914bd85e7feb062d4aadfe326ff73",
    7: "565c67c8e72e4ab6062285dfcbcc8c8d64994a50757075910dfb5e5ebf897e5b",
  };
  for (const [seed, expected] of Object.entries(sums)) {
    const values = initialValues(layout, Number(seed));
    assert.equal(sha256(new Uint8Array(values.buffer)), expected, `seed ${seed}`);
  }
});

Deno.test("a network starts as He et al. or Glorot and Bengio say", () => {
  const starts: readonly (readonly [ModelDefinition, string, number])[] = [
    [resnet(20), "unit_3_1/conv1/weights", Math.sqrt(2 / (9 * 64))],
    [resnet(20), "unit_2_0/conv1/weights", Math.sqrt(2 / (9 * 32))],
    [bottleneckResnet(20), "unit_1_0/project/weights", Math.sqrt(2 / 64)],
    // Uniform: the reach over the root of three.
    [resnet(20), "logits/weights", Math.sqrt(1 / 64)],
    [resnetV1(20), "unit_3_0/conv1/weights", Math.sqrt(2 / (9 * (32 + 64)))],
    [resnetV1(20), "logits/weights", Math.sqrt(2 / (64 + 10))],
  ];
  for (const [definition, name, expected] of starts) {
    const layout = parameterLayout(createModel(definition, 10).parameters);
    const i = layout.specs.findIndex((spec) => spec.name === name);
    const size = sizeOf(layout.specs[i].shape);
    const values = initialValues(layout, 3).subarray(layout.offsets[i], layout.offsets[i] + size);
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / size);
    // Four standard errors of a normal's deviation.
    const slack = 4 / Math.sqrt(2 * size);
    const what = `${definition.name} ${name}`;
    assert.ok(Math.abs(deviation / expected - 1) < slack, `${what}: ${deviation}, ${expected}`);
  }
});
