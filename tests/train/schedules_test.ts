/** Schedules against values worked out by hand, and as the trainer applies them. */
import assert from "node:assert/strict";
import {
  decaySteps,
  scheduledRate,
  staircaseDecay,
  triangleRate,
  warmedDecay,
} from "../../src/optim/schedules.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { HISTORY_ROWS } from "../../src/train/training_graph.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { testDevice } from "../support.ts";
import { tinyModel } from "./support.ts";

Deno.test("the learning rate decays every 136,718 steps at batch 128 and 50,000 images", () => {
  // int(50,000 / 128 * 350), as the original computes it; whole batches alone would give 136,500.
  assert.equal(decaySteps(50_000, 128, 350), 136_718);
  assert.equal(decaySteps(50_000, 50, 1), 1000);
  assert.equal(decaySteps(10, 128, 0.01), 1, "never zero steps");
});

Deno.test("a stair begins with its step, and the rate is the same all along it", () => {
  const schedule = { initial: 0.1, factor: 0.1, decaySteps: 136_718 };
  const near = (step: number, rate: number) =>
    assert.ok(Math.abs(staircaseDecay(schedule, step) / rate - 1) < 1e-12, `step ${step}`);
  near(0, 0.1);
  near(136_717, 0.1);
  near(136_718, 0.01);
  near(273_435, 0.01);
  near(273_436, 0.001);
});

Deno.test("an average's decay warms up as (1 + n) / (10 + n), up to its limit", () => {
  assert.equal(warmedDecay(0.9999, 0), 0.1);
  assert.equal(warmedDecay(0.9999, 1), 2 / 11);
  assert.equal(warmedDecay(0.9999, 8), 0.5);
  assert.equal(warmedDecay(0.9999, 90), 0.91);
  assert.ok(warmedDecay(0.9999, 89_980) < 0.9999);
  assert.equal(warmedDecay(0.9999, 90_000), 0.9999);
  assert.equal(warmedDecay(0.5, 1000), 0.5);
  assert.equal(warmedDecay(0, 5), 0);
});

Deno.test("a triangle rises from its start to the rate, and falls to its end at the last step", () => {
  // cifar10-airbench: 476 steps, the peak behind int(0.23 * 476) = 109 of them.
  const schedule = { initial: 1, start: 0.2, peak: 0.23, final: 0.07, totalSteps: 476 };
  const near = (step: number, rate: number) => {
    const found = triangleRate(schedule, step);
    assert.ok(Math.abs(found - rate) < 1e-9, `step ${step}: ${found}`);
  };
  near(0, 0.2);
  near(50, 0.2 + 0.8 * 50 / 109);
  near(109, 1);
  near(110, 1 - 0.93 / 367);
  near(475, 0.07 + 0.93 / 367);
  near(476, 0.07);
  near(1000, 0.07);
  assert.equal(triangleRate({ ...schedule, peak: 0 }, 0), 1, "no rise");
  const whole = { ...schedule, factor: 1, decaySteps: 1, milestones: [], warmupSteps: 0 };
  assert.equal(scheduledRate("triangle", whole, 50), triangleRate(schedule, 50));
});

/** A tiny trainer with one batch to repeat. */
async function tinyTrainer(change: { learningRate?: number; epochsPerDecay?: number }) {
  const recipe = { ...REFERENCE_RECIPE, batchSize: 4, ...change };
  const trainer = await Trainer.create(await testDevice(), {
    model: tinyModel(8),
    recipe,
    trainingImages: 8,
  });
  const images = Float32Array.from({ length: 4 * 192 }, (_, i) => Math.sin(i));
  return { trainer, batch: { images, labels: Uint32Array.of(0, 1, 2, 3) } };
}

Deno.test("the trainer follows the staircase: from one step to the next the update shrinks tenfold", async () => {
  // Two steps an epoch, one and a half epochs a stair: steps 0 to 2, then 3 to 5.
  const { trainer } = await tinyTrainer({ epochsPerDecay: 1.5 });
  using _freed = trainer;
  const rates = [0, 2, 3, 5, 6].map((step) => trainer.learningRate(step).toPrecision(6));
  assert.deepEqual(rates, ["0.100000", "0.100000", "0.0100000", "0.0100000", "0.00100000"]);
});

Deno.test("the trainer's factor multiplies the schedule, and the next step is as long", async () => {
  const { trainer, batch } = await tinyTrainer({});
  using _freed = trainer;
  const start = await trainer.saveState();
  const lengths: number[] = [];
  for (const factor of [1, 0.25]) {
    trainer.loadState(start);
    trainer.learningRateFactor = factor;
    assert.ok(Math.abs(trainer.learningRate(0) - 0.1 * factor) < 1e-12);
    trainer.run(batch);
    await trainer.losses();
    const { parameters } = await trainer.saveState();
    lengths.push(Math.hypot(...parameters.map((value, i) => value - start.parameters[i])));
  }
  assert.ok(Math.abs(lengths[1] / lengths[0] - 0.25) < 1e-4, `${lengths}`);
});

Deno.test("the weights' averages start at the weights and follow with decay 2/11, then 3/12", async () => {
  const { trainer, batch } = await tinyTrainer({ learningRate: 0.5 });
  using _freed = trainer;
  const { parameters, averages } = trainer.variables;
  let expected = Float64Array.from(await trainer.state.read(parameters));
  assert.deepEqual(await trainer.state.read(averages), await trainer.state.read(parameters));
  for (const decay of [2 / 11, 3 / 12, 4 / 13]) {
    trainer.run(batch);
    await trainer.losses();
    const weights = await trainer.state.read(parameters);
    expected = expected.map((average, i) => decay * average + (1 - decay) * weights[i]);
    const actual = await trainer.state.read(averages);
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - actual[i])));
    assert.ok(worst < 1e-6, `decay ${decay}: differs by ${worst}`);
  }
});

Deno.test("the loss average starts at a tenth of the loss, decays with 0.9 and is not debiased", async () => {
  const { trainer, batch } = await tinyTrainer({});
  using _freed = trainer;
  for (let step = 0; step < 5; step++) trainer.run(batch);
  let average = 0;
  for (const loss of await trainer.losses()) {
    average = 0.9 * average + 0.1 * loss.total;
    assert.ok(Math.abs(loss.average - average) < 1e-9, `step ${loss.step}`);
  }
  assert.equal((await trainer.losses()).length, 0, "losses are handed out once");
});

Deno.test("more steps than the history holds cannot be queued, and none is lost", async () => {
  const { trainer, batch } = await tinyTrainer({});
  using _freed = trainer;
  for (let step = 0; step < HISTORY_ROWS; step++) trainer.run(batch);
  assert.throws(() => trainer.run(batch), /Cannot queue more than 256 batches/);
  const first = await trainer.losses();
  trainer.run(batch);
  const steps = [...first, ...await trainer.losses()].map(({ step }) => step);
  assert.deepEqual(steps, Array.from({ length: HISTORY_ROWS + 1 }, (_, i) => i));
});
