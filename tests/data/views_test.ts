/** The views of an evaluation image, and the batches that hold them. */
import assert from "node:assert/strict";
import { createAugmenter } from "../../src/data/augment/apply.ts";
import { centerRow } from "../../src/data/augment/draw.ts";
import { viewRow, type Views, viewWeight } from "../../src/data/augment/views.ts";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { evalBatches } from "../../src/data/batches/batches.ts";
import type { ImageFormat } from "../../src/data/image_store.ts";
import { AUGMENT, AUGMENT_LENGTH } from "../../src/ops/augment_row.ts";
import { CIFAR_FORMAT, randomStore } from "./stores.ts";

const VALUES = 24 * 24 * 3;

/** Top, left and flip of all views. */
function places(
  crop: readonly [number, number],
  format: ImageFormat,
  views: Views = 10,
): number[][] {
  const row = new Float32Array(AUGMENT_LENGTH);
  return Array.from({ length: views }, (_, view) => {
    viewRow({ crop }, format, { views, view }, row);
    return [row[AUGMENT.top], row[AUGMENT.left], row[AUGMENT.flip]];
  });
}

function withMirrors(crops: readonly (readonly [number, number])[]): number[][] {
  return crops.flatMap(([top, left]) => [[top, left, 0], [top, left, 1]]);
}

Deno.test("the ten views are center and corners, each also mirrored", () => {
  assert.deepEqual(
    places([24, 24], CIFAR_FORMAT),
    withMirrors([[4, 4], [0, 0], [0, 8], [8, 0], [8, 8]]),
  );
  assert.deepEqual(
    places([5, 10], { ...CIFAR_FORMAT, height: 8, width: 11 }),
    withMirrors([[1, 0], [0, 0], [0, 1], [3, 0], [3, 1]]),
  );
});

Deno.test("the six views are the center and a pixel up and left and down and right of it, each also mirrored", () => {
  const expected = withMirrors([[0, 0], [-1, -1], [1, 1]]);
  assert.deepEqual(places([32, 32], CIFAR_FORMAT, 6), expected);
  const weights = Array.from({ length: 6 }, (_, view) => viewWeight(6, view));
  // cifar10-airbench: the center counts half, the two shifted ones the rest; logits are averaged.
  assert.deepEqual(weights.map(({ weight }) => weight), [0.25, 0.25, 0.125, 0.125, 0.125, 0.125]);
  assert.ok(weights.every(({ of }) => of === "logits"));
});

Deno.test("where an image is no larger than the crop, all views are central", () => {
  assert.deepEqual(places([32, 32], CIFAR_FORMAT), withMirrors(Array(5).fill([0, 0])));
  assert.deepEqual(places([40, 36], CIFAR_FORMAT), withMirrors(Array(5).fill([-4, -2])));
  assert.deepEqual(
    places([40, 30], CIFAR_FORMAT),
    withMirrors([[-4, 1], [-4, 0], [-4, 2], [-4, 0], [-4, 2]]),
  );
});

Deno.test("the first view is the one that is taken alone", () => {
  for (const crop of [[24, 24], [23, 9], [40, 40]] as const) {
    const [alone, first] = [new Float32Array(AUGMENT_LENGTH), new Float32Array(AUGMENT_LENGTH)];
    centerRow({ crop }, CIFAR_FORMAT, alone);
    for (const views of [1, 6, 10] as const) {
      viewRow({ crop }, CIFAR_FORMAT, { views, view: 0 }, first);
      assert.deepEqual(first, alone);
    }
  }
});

Deno.test("each batch is followed by the other views of its images, whatever the threads", async () => {
  const store = randomStore(11, 3);
  const apply = createAugmenter(REFERENCE_AUGMENT, store.format);
  const row = new Float32Array(AUGMENT_LENGTH);
  const expected = new Float32Array(VALUES);
  for (const [workers, slots] of [[1, 1], [3, 4]]) {
    const options = { store, augment: REFERENCE_AUGMENT, batchSize: 4, workers, slots };
    const seen: string[] = [];
    for await (const batch of evalBatches({ ...options, views: 10 })) {
      const [group, view] = [Math.floor(batch.step / 10), batch.step % 10];
      assert.equal(batch.count, group < 2 ? 4 : 3);
      for (let i = 0; i < batch.count; i++) {
        assert.equal(batch.ids[i], group * 4 + i);
        assert.equal(batch.labels[i], store.labels[batch.ids[i]]);
        viewRow(REFERENCE_AUGMENT, store.format, { views: 10, view }, row);
        apply(store.pixels(batch.ids[i]), row, expected);
        assert.deepEqual(batch.images.slice(i * VALUES, (i + 1) * VALUES), expected);
        seen.push(`${batch.ids[i]}/${view}`);
      }
      const rest = batch.images.subarray(batch.count * VALUES);
      assert.ok(rest.every((value) => value === 0));
    }
    assert.equal(new Set(seen).size, 110, "each view of each image");
    assert.equal(seen.length, 110, "once");
  }
});
