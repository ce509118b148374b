/** What a step that diverged was given is written down: the very batches that training had. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { AUGMENT_LENGTH } from "../../src/ops/augment_row.ts";
import { DeviceFeed } from "../../src/train/feed.ts";
import { namesIn, temporaryFolder } from "../data/helpers.ts";
import { testCpu } from "../support.ts";
import { runTiny } from "./run_support.ts";
import { waveImages } from "./support.ts";

const BATCH = 8;
const AUGMENT = { ...REFERENCE_AUGMENT, mixup: 0.3 };

/** Runs until it diverges; returns the dump of its step. */
async function dumpOf(runDir: string, shuffle: "epoch" | "queue", accumulate: number) {
  const store = waveImages(64, 3);
  const run = runTiny(await testCpu(), runDir, {
    train: store,
    augment: AUGMENT,
    shuffle,
    // All losses up to the end are read at once.
    logEvery: 1000,
    evalEvery: 0,
    checkpointEvery: {},
    recipe: { batchSize: BATCH, learningRate: 2, totalSteps: 500, accumulate },
  });
  const error: Error & { hint: string } = await run.then(() => assert.fail("no error"), (e) => e);
  const names = (await namesIn(runDir)).filter((name) => name.startsWith("diverged"));
  assert.equal(names.length, 1, String(error));
  const path = join(runDir, names[0]);
  assert.ok(error.hint.startsWith(`its images are named in ${path}; `), error.hint);
  const dump = JSON.parse(await Deno.readTextFile(path));
  assert.equal(dump.message, error.message);
  assert.match(error.message, new RegExp(` of step ${dump.step} is `));
  assert.equal(names[0], `diverged-step-${String(dump.step).padStart(8, "0")}.json`);
  return { dump, store };
}

for (const [shuffle, accumulate] of [["epoch", 1], ["queue", 3]] as const) {
  Deno.test(`the dump has the batches that were drawn: ${shuffle}, ${accumulate} a step`, async () => {
    await using folder = await temporaryFolder();
    const { dump, store } = await dumpOf(folder.path, shuffle, accumulate);
    const { count, format } = store;
    const drawn = { count, format, shuffle, augment: AUGMENT, batchSize: BATCH, seed: 5 };
    // From the first batch on, as the run itself came to that step.
    const feed = new DeviceFeed(store, drawn);
    for (let batch = 0; batch < dump.step * accumulate; batch++) feed.tryNext();
    assert.equal(dump.batches.length, accumulate);
    for (const { ids, labels, augmentation, mix } of dump.batches) {
      const expected = feed.tryNext();
      assert.deepEqual(ids, [...expected.ids]);
      assert.deepEqual(labels, [...expected.labels]);
      assert.equal(augmentation.length, BATCH);
      assert.ok(augmentation.every((row: number[]) => row.length === AUGMENT_LENGTH));
      assert.deepEqual(augmentation.flat(), [...expected.rows ?? assert.fail("no rows")]);
      assert.deepEqual(mix, [...expected.mix ?? assert.fail("no mix")]);
    }
  });
}

Deno.test("the dump has the losses of the last ten steps before", async () => {
  await using folder = await temporaryFolder();
  const { dump } = await dumpOf(folder.path, "epoch", 1);
  assert.ok(dump.step > 10, `the test needs more steps than ${dump.step}`);
  assert.deepEqual(
    dump.before.map(({ step }: { step: number }) => step),
    Array.from({ length: 10 }, (_, i) => dump.step - 10 + i),
  );
  for (const { loss, gradientNorm } of dump.before) {
    assert.ok(Number.isFinite(loss) && Number.isFinite(gradientNorm));
  }
});

Deno.test("where the dump cannot be written the divergence is told all the same", async () => {
  await using folder = await temporaryFolder();
  const real = Deno.rename;
  Deno.rename = () => Promise.reject(Object.assign(new Error("x"), { code: "ENOSPC" }));
  try {
    const recipe = { learningRate: 1e12 };
    const run = runTiny(await testCpu(), folder.path, {
      recipe,
      checkpointEvery: {},
      evalEvery: 0,
    });
    await assert.rejects(run, {
      name: "NonFiniteLossError",
      message: /training has diverged$/,
      hint: /^use a smaller --learning-rate/,
    });
  } finally {
    Deno.rename = real;
  }
});
