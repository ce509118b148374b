// Makes one batch: which images, and their pixels. A pure function of (seed, batch number).

import { permutation, RandomStream, STREAMS } from "../../util/random.ts";
import { createDistortion, distort, preprocessEval } from "../augment/augment.ts";
import type { BatchMode, Slot } from "./batch_ring.ts";
import type { Records } from "../records.ts";

/** Fills a slot with batch number `batch`, counted from the beginning of training or of the records. */
export type FillBatch = (batch: number, slot: Slot) => void;

/** The function that makes the batches of a mode. */
export function createFill(mode: BatchMode, records: Records, seed: number): FillBatch {
  return mode === "train" ? trainFill(records, seed) : evalFill(records);
}

/**
 * Training batches: positions batch * B to batch * B + B - 1 of the endless concatenation of the
 * epochs' permutations, each image distorted by numbers keyed by (seed, epoch, image index).
 */
function trainFill(records: Records, seed: number): FillBatch {
  const random = new RandomStream(seed, STREAMS.augment);
  const distortion = createDistortion();
  let orderedEpoch = -1;
  let order: Uint32Array = new Uint32Array(0);
  return (batch, slot) => {
    const batchSize = slot.ids.length;
    for (let i = 0; i < batchSize; i++) {
      const position = batch * batchSize + i;
      const epoch = Math.floor(position / records.count);
      if (epoch !== orderedEpoch) {
        order = permutation(records.count, seed, STREAMS.shuffle, epoch);
        orderedEpoch = epoch;
      }
      const id = order[position - epoch * records.count];
      slot.ids[i] = id;
      slot.labels[i] = records.label(id);
      distort(records.pixels(id), random.seek(epoch, id), distortion, slot.image[i]);
    }
  };
}

/** Evaluation batches: the records in their order, once; what the last batch lacks is zero. */
function evalFill(records: Records): FillBatch {
  return (batch, slot) => {
    const batchSize = slot.ids.length;
    for (let i = 0; i < batchSize; i++) {
      const id = batch * batchSize + i;
      const there = id < records.count;
      slot.ids[i] = there ? id : 0;
      slot.labels[i] = there ? records.label(id) : 0;
      if (there) preprocessEval(records.pixels(id), slot.image[i]);
      else slot.image[i].fill(0);
    }
  };
}
