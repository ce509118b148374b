import { AUGMENT_LENGTH, MIX_LENGTH } from "../ops/augment_row.ts";
import { BatchDraw, type DrawnBatch, type DrawOptions } from "../data/batches/batch_draw.ts";
import type { QueueStats } from "../data/batches/batches.ts";
import type { ImageStore } from "../data/image_store.ts";
import type { TrainingBatch } from "./trainer.ts";

/** A batch and its place in training; its memory is used again after its release. */
export interface FeedBatch extends TrainingBatch, Disposable {
  /** The number of the batch, from 0: the step it is for. */
  readonly step: number;
  /** Number of each image in the data set, [N]. */
  readonly ids: Uint32Array;
}

/** Gives the batches of training one after another. `BatchLoader` is the host's. */
export interface Feed extends AsyncDisposable {
  /** The next batch if it is ready. */
  tryNext(): FeedBatch | undefined;
  /** The next batch; waits for it if need be. */
  next(): Promise<FeedBatch>;
  /** What went through the queue of batches, if there is one. */
  stats(): QueueStats | undefined;
  close(): Promise<void>;
}

/**
 * The feed of images that live on the device: draws only their numbers, a few microseconds an image, so
 * that nothing need be made ahead.
 */
export class DeviceFeed implements Feed {
  readonly #draw: BatchDraw;
  readonly #store: ImageStore;
  readonly #arrays: DrawnBatch & { readonly labels: Uint32Array };
  #step: number;

  constructor(store: ImageStore, options: DrawOptions, firstBatch = 0) {
    const { batchSize } = options;
    this.#draw = new BatchDraw(options);
    this.#store = store;
    this.#step = firstBatch;
    this.#arrays = {
      ids: new Uint32Array(batchSize),
      rows: new Float32Array(batchSize * AUGMENT_LENGTH),
      mix: new Float32Array(MIX_LENGTH),
      labels: new Uint32Array(batchSize),
    };
  }

  tryNext(): FeedBatch {
    const { ids, labels } = this.#arrays;
    this.#draw.draw(this.#step, this.#arrays);
    for (let i = 0; i < ids.length; i++) labels[i] = this.#store.labels[ids[i]];
    // Uploading copies: the same arrays serve the next batch.
    return { step: this.#step++, ...this.#arrays, [Symbol.dispose]() {} };
  }

  next(): Promise<FeedBatch> {
    return Promise.resolve(this.tryNext());
  }

  stats(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
