/** Lookahead: when the weights go back to their slow average, what that is, and that it is saved. */
import assert from "node:assert/strict";
import type { Device } from "../../src/engine/device.ts";
import { parameterLayout } from "../../src/nn/parameters.ts";
import { lookaheadDecays } from "../../src/train/lookahead.ts";
import { loadCheckpoint } from "../../src/train/checkpoints/load_checkpoint.ts";
import { writeCheckpoint } from "../../src/train/checkpoints/write_checkpoint.ts";
import { REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { type Recipe, Trainer, type TrainerState } from "../../src/train/trainer.ts";
import { FRESH_LOOP } from "../../src/train/checkpoints/loop_state.ts";
import { temporaryFolder } from "../data/helpers.ts";
import { relativeError, testCpu, testEngines, testRandom } from "../support.ts";
import { tinyRun } from "./run_support.ts";
import { normalizedModel } from "./support.ts";

const BATCH = 6;
const MODEL = normalizedModel(8);

function batch(k: number) {
  const random = testRandom(k + 1);
  return {
    images: Float32Array.from({ length: BATCH * 8 * 8 * 3 }, () => random() * 3 - 1 + k % 3),
    labels: Uint32Array.from({ length: BATCH }, () => Math.floor(random() * 10)),
  };
}

async function create(change: Partial<Recipe>, device?: Device): Promise<Trainer> {
  const recipe = {
    ...REFERENCE_RECIPE,
    batchSize: BATCH,
    learningRate: 0.05,
    optimizer: "nesterov",
    totalSteps: 8,
    ...change,
  } as const;
  return await Trainer.create(device ?? await testCpu(), {
    model: MODEL,
    recipe,
    trainingImages: 60,
  });
}

async function steps(trainer: Trainer, count: number): Promise<TrainerState> {
  const first = trainer.step * trainer.recipe.accumulate;
  for (let k = first; k < first + count * trainer.recipe.accumulate; k++) trainer.run(batch(k));
  await trainer.losses();
  return await trainer.saveState();
}

Deno.test("the slow average follows every so many steps, faster at first; the last step ends with it", () => {
  const recipe = { lookahead: 5, lookaheadDecay: 0.95, totalSteps: 476 };
  assert.deepEqual(lookaheadDecays(recipe, 4), { slow: 1, fast: 1 });
  // 0.95^5 (5 / 476)^3 and 0.95^5 (475 / 476)^3.
  const near = (done: number, slow: number) => {
    const found = lookaheadDecays(recipe, done);
    assert.equal(found.fast, 0);
    assert.ok(Math.abs(found.slow / slow - 1) < 1e-6, `${done}: ${found.slow}`);
  };
  near(5, 8.968239e-7);
  near(475, 0.7689149);
  assert.deepEqual(lookaheadDecays(recipe, 476), { slow: 1, fast: 0 });
  assert.deepEqual(lookaheadDecays({ ...recipe, lookahead: 0 }, 475), { slow: 1, fast: 1 });
  assert.deepEqual(lookaheadDecays({ ...recipe, lookahead: 0 }, 476), { slow: 1, fast: 1 });
});

for (const accumulate of [1, 2]) {
  Deno.test(`weights and moments go back to their slow average at its step, ${accumulate} batches each`, async () => {
    for (const { name, device } of await testEngines()) {
      using plain = await create({ accumulate }, device);
      using looking = await create({ accumulate, lookahead: 3, lookaheadDecay: 0.9 }, device);
      const start = await plain.saveState();
      const [two, same] = [await steps(plain, 2), await steps(looking, 2)];
      assert.deepEqual(same.parameters, two.parameters, `${name}: nothing before its step`);
      assert.deepEqual(same.statistics, two.statistics);
      const [fast, slow] = [await steps(plain, 1), await steps(looking, 1)];
      const keep = 0.9 ** 3 * (3 / 8) ** 3;
      const mixed = (from: Float32Array, to: Float32Array) =>
        Array.from(from, (v, i) => keep * v + (1 - keep) * to[i]);
      const some = (values: Float32Array | undefined) => values ?? assert.fail("no moments");
      const expected = mixed(start.parameters, fast.parameters);
      const moments = mixed(some(start.statistics), some(fast.statistics));
      for (
        const [what, values, wanted] of [
          ["weights", slow.parameters, expected],
          ["slow weights", slow.optimizer.lookahead, expected],
          ["moments", some(slow.statistics), moments],
          ["slow moments", some(slow.slowStatistics), moments],
        ] as const
      ) {
        const error = relativeError(values, wanted);
        assert.ok(error < 1e-6, `${name}: ${what} differ by ${error}`);
      }
      assert.ok(relativeError(fast.parameters, expected) > 1e-3, "the test needs a difference");
      // The velocity goes on.
      assert.deepEqual(slow.optimizer.velocity, fast.optimizer.velocity);
      // Steps 4 and 5 leave the average, the eighth and last ends with that of the sixth.
      const five = await steps(looking, 2);
      assert.deepEqual(five.optimizer.lookahead, slow.optimizer.lookahead);
      assert.ok(relativeError(five.parameters, [...slow.parameters]) > 1e-3);
      const six = await steps(looking, 1);
      const last = await steps(looking, 2);
      assert.deepEqual(last.optimizer.lookahead, six.optimizer.lookahead);
      assert.ok(relativeError(last.parameters, [...six.parameters]) < 1e-6);
    }
  });
}

Deno.test("the slow averages of weights and moments are saved, and a run goes on from them to the bit", async () => {
  await using folder = await temporaryFolder();
  const recipe = { lookahead: 3, optimizer: "muon" } as const;
  using trainer = await create(recipe);
  const state = await steps(trainer, 4);
  const { layout, statisticsLayout: statistics } = trainer.variables;
  const draft = {
    model: MODEL.name,
    number: 1,
    configHash: "0",
    metrics: { loss: null, set: null, precision: null, precisionEma: null },
    loop: { ...FRESH_LOOP, lossAverage: state.lossAverage },
    run: tinyRun().json,
  };
  const { path } = await writeCheckpoint(folder.path, layout, { state, draft, statistics });
  const loaded = await loadCheckpoint(path, MODEL, parameterLayout(MODEL.parameters));
  assert.deepEqual(loaded.state, state);
  using other = await create({ ...recipe, seed: 9 });
  other.loadState(loaded.state);
  assert.deepEqual(await steps(other, 4), await steps(trainer, 4));
});

Deno.test("a state without the slow moments is refused, and nothing of it is taken", async () => {
  using trainer = await create({ lookahead: 3 });
  const before = await steps(trainer, 1);
  const { slowStatistics: _, ...state } = before;
  assert.throws(
    () => trainer.loadState(state),
    /slowStatistics must hold \d+ values: given 0/,
  );
  assert.deepEqual(await trainer.saveState(), before);
});
