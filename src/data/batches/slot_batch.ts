// A batch as its reader has it: in one slot of the ring, until it is released.

import { CLOSED, type Ring } from "./batch_ring.ts";

/** One batch in shared memory. It is valid until it is released; its memory is then used again. */
export interface Batch {
  /** The model's input, [B, H, W, 3]. */
  readonly images: Float32Array;
  /** [B] */
  readonly labels: Uint32Array;
  /** Number of each image in the store, [B]. */
  readonly ids: Uint32Array;
  /** How the images are mixed: see `MIX` in `ops/augment_row.ts`; meaningless where they are not. */
  readonly mix: Float32Array;
  /**
   * The number of the batch, from 0: in training, the step it is for; in an evaluation with V views,
   * batch b holds view b mod V of the images of group floor(b / V).
   */
  readonly step: number;
  /** How many of the B images count: all, except in the last batch of an evaluation (the rest is zero). */
  readonly count: number;
  /** Gives the memory back. `using batch = …` does it at the end of the block. */
  release(): void;
  [Symbol.dispose](): void;
}

/** The batch in one slot; made once, used again in every round. */
export class SlotBatch implements Batch {
  readonly images: Float32Array;
  readonly labels: Uint32Array;
  readonly ids: Uint32Array;
  readonly mix: Float32Array;
  readonly #phases: Int32Array;
  readonly #slot: number;
  readonly #limit: number;
  readonly #views: number;
  step = 0;
  count = 0;
  held = false;

  /**
   * @param options `limit`: how many images there are; `views`: how many batches in succession show
   *   the same images
   */
  constructor(ring: Ring, slot: number, options: { limit: number; views: number }) {
    const arrays = ring.slots[slot];
    this.images = arrays.images;
    this.labels = arrays.labels;
    this.ids = arrays.ids;
    this.mix = arrays.mix;
    this.#phases = ring.phases;
    this.#slot = slot;
    this.#limit = options.limit;
    this.#views = options.views;
  }

  take(step: number): this {
    const batchSize = this.ids.length;
    this.step = step;
    const first = Math.floor(step / this.#views) * batchSize;
    this.count = Math.min(batchSize, this.#limit - first);
    this.held = true;
    return this;
  }

  release(): void {
    if (!this.held) return;
    this.held = false;
    const filled = Atomics.load(this.#phases, this.#slot);
    if (filled === CLOSED) return;
    Atomics.store(this.#phases, this.#slot, filled + 1);
    Atomics.notify(this.#phases, this.#slot);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
