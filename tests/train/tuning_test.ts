/** Frozen parameters keep their bits under every optimizer, on both engines, and cost no gradient. */
import assert from "node:assert/strict";
import { truncatedNormal } from "../../src/nn/initializers.ts";
import { batchNorm, conv, dense, globalPool } from "../../src/nn/layers.ts";
import { createModel } from "../../src/nn/model.ts";
import { splitBlock } from "../../src/nn/parameters.ts";
import { OPTIMIZERS } from "../../src/optim/optimizers.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { tunedModel } from "../../src/train/tuning.ts";
import { ConfigError } from "../../src/util/errors.ts";
import { testEngines, testRandom } from "../support.ts";

const BATCH = 4;
const PLAIN = createModel({
  name: "two convolutions",
  image: [8, 8, 3],
  build(net, images) {
    const weights = truncatedNormal(0.3);
    const first = conv(net, "one/conv", images, { filters: 8, size: 3, weights, decay: 1 });
    const x = batchNorm(net, "one/norm", first, { slope: 0, decay: 1 });
    const second = conv(net, "two/conv", x, { filters: 8, size: 3, weights, decay: 1 });
    const y = batchNorm(net, "two/norm", second, { slope: 0, decay: 1 });
    return dense(net, "head", globalPool(net, "pool", y), { units: net.classes, weights });
  },
}, 10);
const FROZEN = { freeze: "one/*", headLearningRate: null, learningRate: 0.1 };

function batch(k: number) {
  const random = testRandom(k + 1);
  return {
    images: Float32Array.from({ length: BATCH * 8 * 8 * 3 }, () => random() * 2 - 1),
    labels: Uint32Array.from({ length: BATCH }, () => Math.floor(random() * 10)),
  };
}

for (const optimizer of Object.keys(OPTIMIZERS) as (keyof typeof OPTIMIZERS)[]) {
  Deno.test(`${optimizer}: what is frozen keeps its bits, the rest moves`, async () => {
    const model = tunedModel(PLAIN, FROZEN, []);
    const change = { batchSize: BATCH, optimizer, learningRate: 0.01, clipNorm: 0.5 };
    for (const { name: engine, device } of await testEngines()) {
      const recipe = { ...REFERENCE_RECIPE, ...change, weightDecay: 0.1, accumulate: 2 };
      using trainer = await Trainer.create(device, { model, recipe, trainingImages: 8 });
      const { layout, statisticsLayout: { offsets, specs } } = trainer.variables;
      const before = await trainer.saveState();
      for (let k = 0; k < 6; k++) trainer.run(batch(k));
      await trainer.losses();
      const after = await trainer.saveState();
      for (const block of ["parameters", "averages"] as const) {
        const [old, now] = [splitBlock(layout, before[block]), splitBlock(layout, after[block])];
        for (const { name } of layout.specs) {
          const what = `${engine} ${block} ${name}`;
          const [was, is] = [old, now].map((of) => new Uint32Array(of[name].slice().buffer));
          if (name.startsWith("one/")) assert.deepEqual(is, was, what);
          else assert.notDeepEqual(is, was, what);
        }
      }
      specs.forEach(({ name, channels }, i) => {
        const [was, is] = [before, after].map(({ statistics }) =>
          statistics!.slice(offsets[i], offsets[i] + 2 * channels)
        );
        if (name.startsWith("one/")) assert.deepEqual(is, was, `${engine} ${name}`);
        else assert.notDeepEqual(is, was, `${engine} ${name}`);
      });
    }
  });
}

Deno.test("no gradient is computed of what is frozen", async () => {
  const [{ device }] = await testEngines();
  const recipe = { ...REFERENCE_RECIPE, batchSize: BATCH };
  const flops = [];
  for (const model of [PLAIN, tunedModel(PLAIN, FROZEN, [])]) {
    using trainer = await Trainer.create(device, { model, recipe, trainingImages: 8 });
    flops.push(trainer.plan.summary.flops);
  }
  // Of four convolutions over 8 channels, two of them gradients, those of the first layer and of its output go.
  assert.ok(flops[1] < 0.75 * flops[0], `${flops[1]} of ${flops[0]}`);
});

Deno.test("a head's rate is a factor of the recipe's; all of it cannot be frozen", () => {
  const { parameters } = tunedModel(PLAIN, {
    ...{ freeze: "one/conv/?iases", headLearningRate: 0.05, learningRate: 0.1 },
  }, ["head/weights", "head/biases"]);
  const rates = Object.fromEntries(parameters.map(({ name, rate }) => [name, rate]));
  assert.equal(rates["head/weights"], 0.5);
  assert.equal(rates["one/conv/biases"], 0);
  assert.equal(rates["one/conv/weights"], 1);
  assert.throws(() => tunedModel(PLAIN, { ...FROZEN, freeze: "*" }, []), ConfigError);
});
