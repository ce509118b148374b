// The ring of batches in shared memory, between worker threads that fill and one reader.
//
// Batch k of a run (counted from its first) lives in slot k mod S, in round floor(k / S). The phase
// word of a slot is 2 * round while the slot waits to be filled for that round, 2 * round + 1 while
// it is filled, and CLOSED once nobody shall touch it any more.

import { CROP_VALUES } from "../augment/augment.ts";

/** The phase of every slot after the end. */
export const CLOSED = -1;

/** How the images of a batch are chosen and made. */
export type BatchMode = "train" | "eval";

/** What a worker thread is told at its start; all plain data or shared memory. */
export interface WorkerTask {
  readonly mode: BatchMode;
  readonly records: SharedArrayBuffer;
  readonly ring: SharedArrayBuffer;
  readonly slots: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly firstBatch: number;
  /** How many batches there are from the first on; Infinity in training. */
  readonly batches: number;
}

/** The arrays of one slot. */
export interface Slot {
  /** [B, 24, 24, 3] */
  readonly images: Float32Array;
  /** Each image on its own, [24, 24, 3]. */
  readonly image: readonly Float32Array[];
  /** [B] */
  readonly labels: Uint32Array;
  /** Index of each image in the records, [B]. */
  readonly ids: Uint32Array;
}

/** Views of a ring in shared memory; each thread makes its own. */
export interface Ring {
  /** One phase word a slot. */
  readonly phases: Int32Array;
  /** One word: the number of the next batch that no worker has taken. */
  readonly taken: Int32Array;
  readonly slots: readonly Slot[];
}

const WORD_BYTES = 4;

/** Bytes of a ring. */
export function ringBytes(slots: number, batchSize: number): number {
  return WORD_BYTES * (1 + slots) + slots * slotBytes(batchSize);
}

function slotBytes(batchSize: number): number {
  return WORD_BYTES * batchSize * (CROP_VALUES + 2);
}

/** Views of the ring in `buffer`, which is `ringBytes` long and zero at first. */
export function viewRing(buffer: SharedArrayBuffer, slots: number, batchSize: number): Ring {
  const first = WORD_BYTES * (1 + slots);
  return {
    taken: new Int32Array(buffer, 0, 1),
    phases: new Int32Array(buffer, WORD_BYTES, slots),
    slots: Array.from(
      { length: slots },
      (_, index) => viewSlot(buffer, first + index * slotBytes(batchSize), batchSize),
    ),
  };
}

function viewSlot(buffer: SharedArrayBuffer, start: number, batchSize: number): Slot {
  const images = new Float32Array(buffer, start, batchSize * CROP_VALUES);
  const labels = new Uint32Array(buffer, start + images.byteLength, batchSize);
  const ids = new Uint32Array(buffer, labels.byteOffset + labels.byteLength, batchSize);
  const image = Array.from(
    { length: batchSize },
    (_, index) => images.subarray(index * CROP_VALUES, (index + 1) * CROP_VALUES),
  );
  return { images, image, labels, ids };
}
