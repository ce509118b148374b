// Makes one batch: which images, and their pixels. A pure function of (seed, batch number).

import { AUGMENT_LENGTH } from "../../ops/augment_row.ts";
import { createAugmenter, mixBatch } from "../augment/apply.ts";
import { viewRow } from "../augment/views.ts";
import { type AugmentSpec, mixes } from "../augment/spec.ts";
import type { ImageStore } from "../image_store.ts";
import { BatchDraw } from "./batch_draw.ts";
import type { BatchWork, Slot } from "./batch_ring.ts";

/** Fills a slot with batch number `index`, counted from the first that the reader wants. */
export type FillBatch = (index: number, slot: Slot) => void;

/** What batches are made from. */
export interface FillOptions {
  readonly store: ImageStore;
  readonly augment: AugmentSpec;
  readonly batchSize: number;
}

/** The function that makes the batches of a kind of work. */
export function createFill(work: BatchWork, options: FillOptions): FillBatch {
  return work.mode === "train" ? trainFill(work, options) : evalFill(work, options);
}

function trainFill(
  { seed, shuffle, firstBatch }: Extract<BatchWork, { mode: "train" }>,
  { store, augment, batchSize }: FillOptions,
): FillBatch {
  const { format, count } = store;
  const random = new BatchDraw({ count, seed, shuffle, batchSize, augment, format });
  const apply = createAugmenter(augment, format);
  const rows = new Float32Array(batchSize * AUGMENT_LENGTH);
  const row = Array.from(
    { length: batchSize },
    (_, i) => rows.subarray(i * AUGMENT_LENGTH, (i + 1) * AUGMENT_LENGTH),
  );
  return (index, { images, image, ids, labels, mix }) => {
    random.draw(firstBatch + index, { ids, rows, mix });
    for (let i = 0; i < batchSize; i++) {
      labels[i] = store.labels[ids[i]];
      apply(store.pixels(ids[i]), row[i], image[i]);
    }
    if (mixes(augment)) mixBatch(images, mix, batchSize, augment.crop);
  };
}

/**
 * Evaluation batches: the images in their order, once, or as many times in succession as there are
 * views; what the last batch lacks is zero.
 */
function evalFill(
  { views }: Extract<BatchWork, { mode: "eval" }>,
  { store, augment, batchSize }: FillOptions,
): FillBatch {
  const apply = createAugmenter(augment, store.format);
  const rows = Array.from({ length: views }, (_, view) => {
    const row = new Float32Array(AUGMENT_LENGTH);
    viewRow(augment, store.format, { views, view }, row);
    return row;
  });
  return (index, { image, ids, labels }) => {
    const row = rows[index % views];
    const first = Math.floor(index / views) * batchSize;
    for (let i = 0; i < batchSize; i++) {
      const id = first + i;
      const there = id < store.count;
      ids[i] = there ? id : 0;
      labels[i] = there ? store.labels[id] : 0;
      if (there) apply(store.pixels(id), row, image[i]);
      else image[i].fill(0);
    }
  };
}
