// The ring of batches in shared memory, between worker threads that fill and one reader.
//
// Batch k of a run (counted from its first) lives in slot k mod S, in round floor(k / S). The phase
// word of a slot is 2 * round while the slot waits to be filled for that round, 2 * round + 1 while
// it is filled, and CLOSED once nobody shall touch it any more.

import { MIX_LENGTH } from "../../ops/augment_row.ts";
import type { Views } from "../augment/views.ts";
import type { AugmentSpec } from "../augment/spec.ts";
import type { ImageStoreData } from "../image_store.ts";
import type { Shuffle } from "./example_order.ts";

/** The phase of every slot after the end. */
export const CLOSED = -1;

/** The sizes of a ring. */
export interface RingShape {
  readonly slots: number;
  readonly batchSize: number;
  /** Height and width of an image; it has three channels. */
  readonly image: readonly [number, number];
  readonly workers: number;
}

/** Which batches to make: training's without end, or an evaluation's. */
export type BatchWork =
  | {
    readonly mode: "train";
    readonly seed: number;
    readonly shuffle: Shuffle;
    readonly firstBatch: number;
  }
  | { readonly mode: "eval"; readonly views: Views };

/** What a worker thread is told at its start; all plain data or shared memory. */
export interface WorkerTask {
  readonly work: BatchWork;
  readonly store: ImageStoreData;
  readonly augment: AugmentSpec;
  readonly ring: SharedArrayBuffer;
  readonly shape: RingShape;
  /** This worker's number, from 0. */
  readonly worker: number;
}

/** What a worker thread says: that it has ended, or why it cannot go on. */
export type WorkerMessage =
  | { readonly kind: "done" }
  | { readonly kind: "error"; readonly message: string; readonly hint?: string };

/** The arrays of one slot. */
export interface Slot {
  /** [B, H, W, 3] */
  readonly images: Float32Array;
  /** Each image on its own, [H, W, 3]. */
  readonly image: readonly Float32Array[];
  /** [B] */
  readonly labels: Uint32Array;
  /** Number of each image in the store, [B]. */
  readonly ids: Uint32Array;
  /** How the images are mixed: see `MIX` in `ops/augment_row.ts`. */
  readonly mix: Float32Array;
}

/** Views of a ring in shared memory; each thread makes its own. */
export interface Ring {
  /** One phase word a slot. */
  readonly phases: Int32Array;
  /** The batch that each worker makes at the moment, counted from the first. */
  readonly working: Int32Array;
  /** Two words: the next batch that no worker has taken; how many batches are made. */
  readonly counters: Int32Array;
  readonly slots: readonly Slot[];
}

/** Positions in `Ring.counters`. */
export const COUNTERS = { taken: 0, made: 1 } as const;

const WORD_BYTES = 4;

function controlWords({ slots, workers }: RingShape): number {
  return 2 + slots + workers;
}

function slotWords({ batchSize, image: [height, width] }: RingShape): number {
  return batchSize * (3 * height * width + 2) + MIX_LENGTH;
}

/** Bytes of a ring. */
export function ringBytes(shape: RingShape): number {
  return WORD_BYTES * (controlWords(shape) + shape.slots * slotWords(shape));
}

/** Views of the ring in `buffer`, which is `ringBytes` long and zero at first. */
export function viewRing(buffer: SharedArrayBuffer, shape: RingShape): Ring {
  const { slots, workers } = shape;
  const first = WORD_BYTES * controlWords(shape);
  return {
    counters: new Int32Array(buffer, 0, 2),
    phases: new Int32Array(buffer, 2 * WORD_BYTES, slots),
    working: new Int32Array(buffer, WORD_BYTES * (2 + slots), workers),
    slots: Array.from(
      { length: slots },
      (_, slot) => viewSlot(buffer, first + WORD_BYTES * slot * slotWords(shape), shape),
    ),
  };
}

function viewSlot(
  buffer: SharedArrayBuffer,
  start: number,
  { batchSize, image: [height, width] }: RingShape,
): Slot {
  const values = 3 * height * width;
  const images = new Float32Array(buffer, start, batchSize * values);
  const labels = new Uint32Array(buffer, start + images.byteLength, batchSize);
  const ids = new Uint32Array(buffer, labels.byteOffset + labels.byteLength, batchSize);
  const mix = new Float32Array(buffer, ids.byteOffset + ids.byteLength, MIX_LENGTH);
  const image = Array.from(
    { length: batchSize },
    (_, index) => images.subarray(index * values, (index + 1) * values),
  );
  return { images, image, labels, ids, mix };
}
