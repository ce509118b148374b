/** Whole ResNets on both engines against PyTorch's float64 values (tests/golden/resnets.py). */
import assert from "node:assert/strict";
import { createModel } from "../../src/nn/model.ts";
import { bottleneckResnet, resnet, resnetV1 } from "../../src/nn/models/resnet.ts";
import { parameterLayout, parameterViews, splitBlock } from "../../src/nn/parameters.ts";
import { compute } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant } from "../../src/tensor/tensor.ts";
import { Scorer } from "../../src/train/evaluation/scorer.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { relativeError } from "../golden/fixture.ts";
import {
  assertSampled,
  type GoldenNetwork,
  loadResnets,
  resnetImages,
  resnetParameters,
} from "../golden/resnets_fixture.ts";
import { testEngines } from "../support.ts";

const golden = loadResnets();

/** Relative; behind each what PyTorch's float32 has at most, then the engines. */
const TOLERANCE = {
  logits: 1e-5, // 9e-7, 6e-7
  gradients: 5e-5, // 1e-5, 4e-6
  losses: 2e-6, // 2e-7, 2e-7
  statistics: 5e-6, // 5e-7, 3e-7
  evaluated: 2e-5, // 2e-6, 5e-7
} as const;

const NETWORKS = {
  "resnet-8": resnet(8),
  "resnet-11-bottleneck": bottleneckResnet(11),
  "resnet-v1-8": resnetV1(8),
} as const;

for (const [name, definition] of Object.entries(NETWORKS)) {
  const expected = golden.networks[name];
  const model = createModel(definition, expected.classes);

  Deno.test(`${name} declares PyTorch's parameters in their order, and which of them decay`, () => {
    const declared = model.parameters.map(({ name, shape, decay, rate }) => ({
      name,
      shape: [...shape],
      decay,
      rate,
    }));
    assert.deepEqual(
      declared,
      Object.entries(expected.parameters).map(([name, { shape, decays }]) => ({
        name,
        shape,
        decay: decays ? 1 : 0,
        rate: 1,
      })),
    );
    assert.deepEqual(
      model.statistics.map(({ name }) => name).sort(),
      Object.keys(expected.statistics).sort(),
    );
  });

  Deno.test(`${name} in training has PyTorch's logits`, async () => {
    for (const { name: engine, device } of await testEngines()) {
      using state = new VariableState(device);
      const layout = parameterLayout(model.parameters);
      const block = constant(resnetParameters(layout, expected), [layout.size]);
      const images = constant(resnetImages(golden.batch, expected.stream), [
        golden.batch,
        ...model.image,
      ]);
      const { logits } = model.forward({
        parameters: parameterViews(layout, block),
        images,
        training: true,
      });
      const error = relativeError(await compute(state, logits), expected.logits);
      assert.ok(error < TOLERANCE.logits, `${engine}: logits differ by ${error}`);
    }
  });

  Deno.test(`${name}: ten steps have PyTorch's losses, first gradients, running moments and evaluation`, async () => {
    for (const { name: engine, device } of await testEngines()) {
      using trainer = await Trainer.create(device, {
        model,
        recipe: {
          ...REFERENCE_RECIPE,
          batchSize: golden.batch,
          optimizer: "momentum",
          momentum: golden.momentum,
          learningRate: expected.rate,
          schedule: "constant",
          weightDecay: golden.weight_decay,
        },
        trainingImages: 50_000,
      });
      const { layout } = trainer.variables;
      trainer.initialize({ parameters: resnetParameters(layout, expected) });
      const labels = Uint32Array.from(golden.labels);
      const step = async (k: number) => {
        trainer.run({ images: resnetImages(golden.batch, expected.stream + k), labels });
        const [{ total, terms }] = await trainer.losses();
        const error = Math.abs(total / expected.losses[k] - 1);
        assert.ok(error < TOLERANCE.losses, `${engine}: loss ${k} is ${total}: off by ${error}`);
        return terms.cross_entropy;
      };

      const crossEntropy = await step(0);
      const error = Math.abs(crossEntropy / expected.cross_entropy - 1);
      assert.ok(error < TOLERANCE.losses, `${engine}: cross-entropy is off by ${error}`);
      // The velocity is the gradient alone after the first step.
      const { velocity } = (await trainer.saveState()).optimizer;
      for (const [name, gradient] of Object.entries(splitBlock(layout, velocity))) {
        const { gradient: sampled } = expected.parameters[name];
        assertSampled(gradient, sampled, TOLERANCE.gradients, `${engine}: gradient of ${name}`);
      }
      for (let k = 1; k < expected.losses.length; k++) await step(k);

      const { parameters, statistics = assert.fail() } = await trainer.saveState();
      const { specs, offsets } = trainer.variables.statisticsLayout;
      specs.forEach(({ name, channels }, i) => {
        const moments = statistics.subarray(offsets[i], offsets[i] + 2 * channels);
        const what = `${engine}: running moments of ${name}`;
        assertSampled(moments, expected.statistics[name], TOLERANCE.statistics, what);
      });
      using scorer = await Scorer.create(device, model, golden.batch);
      scorer.load({ parameters, statistics });
      await assertEvaluated(scorer, expected, engine);
    }
  });
}

async function assertEvaluated(scorer: Scorer, expected: GoldenNetwork, engine: string) {
  const rows = await scorer.logits(resnetImages(golden.batch, expected.stream));
  const error = relativeError(rows.flatMap((row) => [...row]), expected.evaluated);
  assert.ok(error < TOLERANCE.evaluated, `${engine}: evaluated logits differ by ${error}`);
  // They are not those of training.
  assert.ok(relativeError(expected.evaluated, expected.logits) > 0.1);
}
