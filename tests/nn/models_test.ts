/** The models by name: parameters, what decays, initial values, recipes. */
import assert from "node:assert/strict";
import { createModel, type ModelDefinition } from "../../src/nn/model.ts";
import { airbench94, airbench94Muon } from "../../src/nn/models/airbench.ts";
import { reference, referenceCnn } from "../../src/nn/models/reference.ts";
import { bottleneckResnet, resnet, resnetV1, wideResnet } from "../../src/nn/models/resnet.ts";
import {
  countParameters,
  initialValues,
  parameterLayout,
  splitBlock,
} from "../../src/nn/parameters.ts";
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
  // 288 of them are fixed.
  [airbench94, "airbench94", 10, 1_971_640],
  [airbench94Muon, "airbench94-muon", 10, 1_971_640],
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

Deno.test("airbench94's first filters pass a channel on, its betas start at 0, and only the muon's head has deviation 1", () => {
  for (const definition of [airbench94, airbench94Muon]) {
    const layout = parameterLayout(createModel(definition, 10).parameters);
    const values = splitBlock(layout, initialValues(layout, 2));
    const conv = values["group2/conv1/weights"];
    // [3, 3, 64, 256]: filter 9 is channel 9, filter 64 is at random, up to 1 / sqrt(9 * 64).
    const filter = (o: number) => Array.from({ length: 9 * 64 }, (_, i) => conv[i * 256 + o]);
    assert.deepEqual(filter(9).flatMap((v, i) => v === 0 ? [] : [[i, v]]), [[4 * 64 + 9, 1]]);
    const largest = Math.max(...filter(64).map(Math.abs));
    assert.ok(largest <= 1 / 24 && largest > 0.9 / 24, `${largest}`);
    assert.ok(values["group3/bn2/beta"].every((v) => v === 0));
    const biases = Math.max(...values["whiten/biases"].map(Math.abs));
    if (definition === airbench94) assert.equal(biases, 0);
    else assert.ok(biases <= 1 / Math.sqrt(12) && biases > 0.8 / Math.sqrt(12), `${biases}`);
    const head = values["head/weights"];
    const deviation = Math.sqrt(head.reduce((sum, v) => sum + v * v, 0) / head.length);
    const expected = definition === airbench94 ? 1 / 16 / Math.sqrt(3) : 1;
    assert.ok(Math.abs(deviation / expected - 1) < 0.05, `${definition.name}: ${deviation}`);
  }
});

Deno.test("airbench94's recipes are the originals', whose losses are sums over the batch", () => {
  const near = (found: unknown, expected: number) =>
    assert.ok(Math.abs(Number(found) / expected - 1) < 1e-12, `${found}, expected ${expected}`);
  const { default: sgd } = airbench94.recipes ?? assert.fail();
  const scale = 1 + 1 / (1 - 0.85);
  near(sgd["learning-rate"], 11.5 / (1024 * scale) * 1024);
  near(sgd["start-learning-rate"], 0.2 * 1.5);
  near(sgd["final-learning-rate"], 0.07 * 1.5);
  near(sgd["weight-decay"], 0.0153 * 1024 / (1024 * scale) / 1.5);
  assert.equal(sgd.steps, Math.ceil(Math.floor(50_000 / 1024) * 9.9));
  const { default: muon } = airbench94Muon.recipes ?? assert.fail();
  assert.equal(muon.steps, 8 * 50_000 / 2000);
  const rateOf = (name: string) => {
    const spec = createModel(airbench94Muon, 10).parameters.find((spec) => spec.name === name);
    return { rate: 0.24 * (spec?.rate ?? NaN), decay: spec?.decay ?? NaN };
  };
  for (
    const [name, rate] of [["group1/bn1/beta", 0.053], ["whiten/biases", 0.053], [
      "head/weights",
      0.67,
    ]] as const
  ) {
    const found = rateOf(name);
    near(found.rate, rate * 2000);
    near(found.rate * found.decay * Number(muon["weight-decay"]), 2e-6 * 2000);
  }
  for (const recipe of [sgd, muon]) {
    const { pad, momentum } = recipe;
    assert.deepEqual(
      [pad, recipe["pad-mode"], recipe["flip-mode"], recipe.normalize, momentum],
      [2, "reflect", "alternating", "channel", 0.85],
    );
    assert.deepEqual([recipe.brightness, recipe.contrast, recipe["label-smoothing"]], [0, 0, 0.2]);
  }
});
