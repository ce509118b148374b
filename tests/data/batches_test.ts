import assert from "node:assert/strict";
import { createAugmenter } from "../../src/data/augment/apply.ts";
import { centerRow, drawAugment } from "../../src/data/augment/draw.ts";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { AUGMENT_LENGTH } from "../../src/ops/augment_row.ts";
import { BatchLoader, defaultWorkers, evalBatches } from "../../src/data/batches/batches.ts";
import type { Batch } from "../../src/data/batches/batches.ts";
import { permutation, RandomStream, STREAMS } from "../../src/util/random.ts";
import { randomStore } from "./stores.ts";

const CROP_VALUES = 24 * 24 * 3;
const STORE = randomStore(50, 21);
const apply = createAugmenter(REFERENCE_AUGMENT, STORE.format);
const row = new Float32Array(AUGMENT_LENGTH);

interface Copy {
  readonly step: number;
  readonly count: number;
  readonly ids: number[];
  readonly labels: number[];
  readonly images: Float32Array;
}

function copy({ step, count, ids, labels, images }: Batch): Copy {
  return { step, count, ids: [...ids], labels: [...labels], images: images.slice() };
}

async function take(
  count: number,
  options: Partial<ConstructorParameters<typeof BatchLoader>[0]> = {},
): Promise<Copy[]> {
  await using loader = new BatchLoader({
    store: STORE,
    augment: REFERENCE_AUGMENT,
    batchSize: 8,
    seed: 5,
    workers: 2,
    ...options,
  });
  const copies: Copy[] = [];
  for (let i = 0; i < count; i++) {
    using batch = await loader.next();
    copies.push(copy(batch));
  }
  return copies;
}

Deno.test("batches follow the endless concatenation of the epochs' permutations", async () => {
  const batches = await take(20);
  assert.deepEqual(batches.map(({ step }) => step), Array.from({ length: 20 }, (_, i) => i));
  const ids = batches.flatMap((batch) => batch.ids);
  const epochs = [0, 1, 2].map((epoch) => [...permutation(50, 5, STREAMS.shuffle, epoch)]);
  assert.deepEqual(ids.slice(0, 150), epochs.flat());
  assert.notDeepEqual(epochs[0], epochs[1]);
  for (const epoch of epochs) {
    assert.deepEqual(epoch.toSorted((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
  }
});

Deno.test("each image is its record, distorted by numbers of (seed, epoch, image)", async () => {
  const random = new RandomStream(5, STREAMS.augment);
  const expected = new Float32Array(CROP_VALUES);
  for (const { step, ids, labels, images, count } of await take(10)) {
    assert.equal(count, 8);
    for (let i = 0; i < 8; i++) {
      const epoch = Math.floor((step * 8 + i) / 50);
      drawAugment(REFERENCE_AUGMENT, STORE.format, random.seek(epoch, ids[i]), row);
      apply(STORE.pixels(ids[i]), row, expected);
      assert.equal(labels[i], STORE.labels[ids[i]]);
      assert.deepEqual(images.slice(i * CROP_VALUES, (i + 1) * CROP_VALUES), expected);
    }
  }
});

Deno.test("the number of workers and slots changes no bit", async () => {
  const one = await take(15, { workers: 1 });
  assert.deepEqual(await take(15, { workers: 2 }), one);
  assert.deepEqual(await take(15, { workers: 3 }), one);
  assert.deepEqual(await take(15, { workers: 3, slots: 1 }), one);
  assert.notDeepEqual(await take(15, { seed: 6 }), one);
});

Deno.test("a run that goes on at batch n sees what it would have seen", async () => {
  const all = await take(15);
  assert.deepEqual(await take(8, { firstBatch: 7 }), all.slice(7));
});

Deno.test("more records a batch than there are span several epochs", async () => {
  const store = randomStore(3, 22);
  const [batch] = await take(1, { store, batchSize: 8 });
  const order = [0, 1, 2].flatMap((epoch) => [...permutation(3, 5, STREAMS.shuffle, epoch)]);
  assert.deepEqual(batch.ids, order.slice(0, 8));
});

Deno.test("a batch that is ready is taken without waiting, and waiting is counted", async () => {
  await using loader = new BatchLoader({
    store: STORE,
    augment: REFERENCE_AUGMENT,
    batchSize: 8,
    seed: 5,
    workers: 1,
  });
  (await loader.next()).release();
  assert.equal(loader.stats().notReady, 1);
  assert.ok(loader.stats().waitedMs > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const waited = loader.stats().waitedMs;
  for (let step = 1; step <= 4; step++) {
    const batch = loader.tryNext();
    assert.equal(batch?.step, step);
    batch?.release();
  }
  assert.equal(loader.stats().waitedMs, waited);
  assert.equal(loader.stats().notReady, 1);
});

Deno.test("tryNext gives nothing while nothing is ready", async () => {
  await using loader = new BatchLoader({
    store: STORE,
    augment: REFERENCE_AUGMENT,
    batchSize: 8,
    seed: 5,
    workers: 1,
  });
  assert.equal(loader.tryNext(), undefined);
});

Deno.test("a batch is not overwritten before it is released", async () => {
  await using loader = new BatchLoader({
    store: STORE,
    augment: REFERENCE_AUGMENT,
    batchSize: 8,
    seed: 5,
    slots: 2,
  });
  const held = await loader.next();
  const before = copy(held);
  (await loader.next()).release();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(copy(held), before);
  await assert.rejects(loader.next(), /all 2 slots are in use: release a batch first/);
  held.release();
  using next = await loader.next();
  assert.equal(next.step, 2);
});

Deno.test("a batch that is released twice is given back once", async () => {
  await using loader = new BatchLoader({
    store: STORE,
    augment: REFERENCE_AUGMENT,
    batchSize: 8,
    seed: 5,
    slots: 2,
  });
  for (const expected of await take(30)) {
    const batch = await loader.next();
    assert.deepEqual(copy(batch), expected);
    batch.release();
    batch.release();
  }
});

Deno.test("evaluation gives each image exactly once, in order, the last batch smaller", async () => {
  const cases = [[16, [16, 16, 16, 2], 1], [16, [16, 16, 16, 2], 5], [25, [25, 25], 2], [
    64,
    [50],
    2,
  ]];
  for (const [batchSize, counts, slots] of cases as [number, number[], number][]) {
    const ids: number[] = [];
    const seen: number[] = [];
    const expected = new Float32Array(CROP_VALUES);
    for await (
      const batch of evalBatches({
        store: STORE,
        augment: REFERENCE_AUGMENT,
        batchSize,
        workers: 3,
        slots,
      })
    ) {
      seen.push(batch.count);
      assert.equal(batch.images.length, batchSize * CROP_VALUES);
      for (let i = 0; i < batch.count; i++) {
        ids.push(batch.ids[i]);
        assert.equal(batch.labels[i], STORE.labels[batch.ids[i]]);
        centerRow(REFERENCE_AUGMENT, STORE.format, row);
        apply(STORE.pixels(batch.ids[i]), row, expected);
        const image = batch.images.slice(i * CROP_VALUES, (i + 1) * CROP_VALUES);
        assert.deepEqual(image, expected);
      }
      const rest = batch.images.subarray(batch.count * CROP_VALUES);
      assert.ok(rest.every((value) => value === 0), "the rest of the last batch is zero");
    }
    assert.deepEqual(seen, counts);
    assert.deepEqual(ids, Array.from({ length: 50 }, (_, i) => i));
  }
});

Deno.test("numbers out of range are refused", () => {
  const right = { store: STORE, augment: REFERENCE_AUGMENT, batchSize: 8, seed: 5 };
  const wrong = [
    { batchSize: 0 },
    { batchSize: 1.5 },
    { workers: 0 },
    { slots: 0 },
    { seed: -1 },
    { firstBatch: -1 },
    { store: randomStore(0, 1) },
  ];
  for (const option of wrong) {
    assert.throws(() => new BatchLoader({ ...right, ...option }), RangeError);
  }
});

Deno.test("one core is left to the main thread, and at most 16 workers are started", () => {
  assert.deepEqual([1, 2, 3, 8, 64].map((cores) => defaultWorkers(cores)), [1, 1, 2, 7, 16]);
});
