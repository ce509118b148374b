// Batches made ahead of time by worker threads, so that a training step never waits for its input.

import { type BatchOptions, type QueueStats, requireInteger, RingReader } from "./batch_reader.ts";
import type { Views } from "../augment/views.ts";
import type { Shuffle } from "./example_order.ts";
import type { Batch } from "./slot_batch.ts";

export { type BatchOptions, defaultWorkers, type QueueStats } from "./batch_reader.ts";
export type { Batch } from "./slot_batch.ts";

/** What training batches to make, and how. */
export interface TrainBatchOptions extends BatchOptions {
  readonly seed: number;
  /** Default `epoch`. */
  readonly shuffle?: Shuffle;
  /** The number of the first batch, to go on with an interrupted run. Default 0. */
  readonly firstBatch?: number;
}

/**
 * Makes training batches without end: batch b is that of `BatchDraw`, so its content depends on the
 * seed and b alone, not on the number of workers.
 *
 * ```ts ignore
 * await using loader = new BatchLoader({ store, augment, batchSize: 128, seed: 1 });
 * for (let step = 0; step < 1000; step++) {
 *   using batch = loader.tryNext() ?? await loader.next();
 *   upload(batch.images, batch.labels);
 * }
 * ```
 */
export class BatchLoader implements AsyncDisposable {
  readonly #reader: RingReader;

  /** @throws {RangeError} if a number is out of range */
  constructor(options: TrainBatchOptions) {
    const { seed, shuffle = "epoch", firstBatch = 0 } = options;
    requireInteger("seed", seed, 0);
    requireInteger("firstBatch", firstBatch, 0);
    this.#reader = new RingReader(options, { mode: "train", seed, shuffle, firstBatch });
  }

  /** The next batch; waits for it if need be. Rejects if a worker failed. */
  next(): Promise<Batch> {
    return this.#reader.next();
  }

  /** The next batch if it is ready, without a turn of the event loop. Throws if a worker failed. */
  tryNext(): Batch | undefined {
    return this.#reader.tryNext();
  }

  /** What went through the queue of batches so far. */
  stats(): QueueStats {
    return this.#reader.stats();
  }

  /** Stops the workers. Nothing of the loader may be used afterwards. */
  close(): Promise<void> {
    return this.#reader.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What evaluation batches to make, and how. */
export interface EvalBatchOptions extends BatchOptions {
  /** 1: the central crop; more: each image so many times, as `viewRow` says. Default 1. */
  readonly views?: Views;
}

/**
 * All images in their order, each exactly once, central crop, normalized; with several views each batch is
 * followed by the other views of its images. The last batch may hold fewer: see `Batch.count`.
 * Each batch is released when the next one is asked for.
 *
 * @throws {RangeError} if a number is out of range
 */
export async function* evalBatches(options: EvalBatchOptions): AsyncGenerator<Batch> {
  const { views = 1 } = options;
  const batches = Math.ceil(options.store.count / options.batchSize) * views;
  const reader = new RingReader(options, { mode: "eval", views });
  try {
    for (let step = 0; step < batches; step++) {
      using batch = reader.tryNext() ?? await reader.next();
      yield batch;
    }
  } finally {
    await reader.close();
  }
}
