/** cifar10-airbench's net with both optimizers, on both engines against PyTorch (tests/golden/airbench.py). */
import assert from "node:assert/strict";
import { createModel } from "../../src/nn/model.ts";
import { airbench94, airbench94Muon } from "../../src/nn/models/airbench.ts";
import { splitBlock } from "../../src/nn/parameters.ts";
import { whiteningFilters } from "../../src/nn/whitening.ts";
import { Scorer } from "../../src/train/evaluation/scorer.ts";
import { withRecipe } from "../../src/train/models.ts";
import { recipeOf } from "../../src/train/recipe.ts";
import { Trainer } from "../../src/train/trainer.ts";
import golden from "../golden/airbench.json" with { type: "json" };
import { hashed, relativeError } from "../golden/fixture.ts";
import {
  assertSampled,
  resnetImages,
  resnetParameters,
  type Sampled,
} from "../golden/resnets_fixture.ts";
import { testEngines } from "../support.ts";

/**
 * Relative; behind each what PyTorch's float32 has at most. What follows ten steps is looser: where rounding takes
 * another one of two all but equal maxima, weights differ by up to 5e-5.
 */
const TOLERANCE = {
  logits: 1e-5, // 4e-6
  gradients: 2e-5, // 5e-6
  losses: 2e-6, // 2e-7
  weights: 1e-4, // 7e-6
  statistics: 1e-4, // 6e-6
  evaluated: 1e-4, // 6e-6
} as const;

for (const definition of [airbench94, airbench94Muon]) {
  const { name } = definition;
  const expected = golden.networks[name as keyof typeof golden.networks];
  const model = createModel(definition, expected.classes);
  const config = withRecipe(definition, null, {
    batchSize: golden.batch,
    learningRate: expected.rate,
    ...(name === "airbench94" && {
      startLearningRate: 0.2 * expected.rate,
      finalLearningRate: 0.07 * expected.rate,
    }),
  });
  const recipe = recipeOf(config, {
    classes: Array.from({ length: expected.classes }, (_, i) => `class ${i}`),
    labels: golden.labels,
    totalSteps: expected.losses.length,
  });

  Deno.test(`${name} declares PyTorch's parameters in their order`, () => {
    assert.deepEqual(
      model.parameters.map(({ name, shape }) => [name, [...shape]]),
      Object.entries(expected.parameters).map(([name, { shape }]) => [name, shape]),
    );
  });

  Deno.test(`${name}: ten steps of its recipe have PyTorch's logits, losses, gradients, weights and moments`, async () => {
    const parametersOf = expected.parameters as Readonly<
      Record<string, { gradient?: Sampled; trained: Sampled }>
    >;
    for (const { name: engine, device } of await testEngines()) {
      using trainer = await Trainer.create(device, {
        model,
        recipe,
        // The whitening's biases learn for three epochs.
        trainingImages: golden.bias_steps * golden.batch / 3,
      });
      const { layout, statisticsLayout } = trainer.variables;
      const initial = resnetParameters(layout, expected as never);
      trainer.initialize({ parameters: initial });
      const labels = Uint32Array.from(golden.labels);
      for (let k = 0; k < expected.losses.length; k++) {
        trainer.run({ images: resnetImages(golden.batch, expected.stream + k), labels });
        const [{ total, terms }] = await trainer.losses();
        assertNear(total, expected.losses[k], TOLERANCE.losses, `${engine}: loss ${k}`);
        if (k > 0) continue;
        assertNear(terms.cross_entropy, expected.cross_entropy, TOLERANCE.losses, engine);
        // The velocity is the gradient times the parameter's own rate after the first step.
        const { velocity } = (await trainer.saveState()).optimizer;
        const first = splitBlock(layout, velocity);
        for (const { name, rate } of layout.specs) {
          const { gradient } = parametersOf[name];
          assert.equal(gradient === undefined, rate === 0);
          if (gradient === undefined) continue;
          const found = first[name].map((v) => v / rate);
          assertSampled(found, gradient, TOLERANCE.gradients, `${engine}: gradient of ${name}`);
        }
      }

      const { parameters, averages, statistics = assert.fail() } = await trainer.saveState();
      const off = relativeError(averages, [...parameters]);
      assert.ok(off < 1e-6, `${engine}: the averages are not the weights: off by ${off}`);
      for (const [name, values] of Object.entries(splitBlock(layout, parameters))) {
        const { trained } = parametersOf[name];
        assertSampled(values, trained, TOLERANCE.weights, `${engine}: ${name} after ten steps`);
      }
      statisticsLayout.specs.forEach(({ name, channels }, i) => {
        const { offsets } = statisticsLayout;
        const moments = statistics.subarray(offsets[i], offsets[i] + 2 * channels);
        const sampled = (expected.statistics as Record<string, Sampled>)[name];
        assertSampled(moments, sampled, TOLERANCE.statistics, `${engine}: moments of ${name}`);
      });
      using scorer = await Scorer.create(device, model, golden.batch);
      scorer.load({ parameters, statistics });
      const rows = await scorer.logits(resnetImages(golden.batch, expected.stream));
      const error = relativeError(rows.flatMap((row) => [...row]), expected.evaluated);
      assert.ok(error < TOLERANCE.evaluated, `${engine}: evaluated logits differ by ${error}`);
    }
  });
}

Deno.test("whitening filters are numpy's eigenvectors, but for signs, and their negatives", () => {
  const { stream, shape: [count, height, width], offset, scale, half } = golden.whitening;
  const values = hashed({ stream, size: count * height * width * 3, offset, scale });
  const size = height * width * 3;
  const filters = whiteningFilters(2, 5e-4)({
    count,
    height,
    width,
    at: (i) => values.subarray(i * size, (i + 1) * size),
  });
  assert.equal(filters.length, 12 * 24);
  const column = (o: number) => Array.from({ length: 12 }, (_, place) => filters[place * 24 + o]);
  for (let o = 0; o < 12; o++) {
    const expected = Array.from({ length: 12 }, (_, place) => half[place * 12 + o]);
    const [found, opposite] = [column(o), column(12 + o)];
    assert.deepEqual(opposite, found.map((x) => -x));
    const sign = Math.sign(found.reduce((sum, x, i) => sum + x * expected[i], 0));
    const error = relativeError(found.map((x) => sign * x), expected);
    assert.ok(error < 1e-6, `filter ${o} differs by ${error}`);
  }
});

function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  const off = Math.abs(actual / expected - 1);
  assert.ok(off < tolerance, `${what} is ${actual}, expected ${expected}: off by ${off}`);
}
