// Batches made ahead of time by worker threads, so that a training step never waits for its input.

import { type Batch, type BatchOptions, requireInteger, RingReader } from "./batch_reader.ts";

export { type Batch, type BatchOptions, defaultWorkers } from "./batch_reader.ts";

/** What training batches to make, and how. */
export interface TrainBatchOptions extends BatchOptions {
  readonly seed: number;
  /** The number of the first batch, to go on with an interrupted run. Default 0. */
  readonly firstBatch?: number;
}

/**
 * Makes training batches without end. Batch b holds the positions b * B to b * B + B - 1 of the
 * endless concatenation of the epochs' permutations: its content depends on the seed and b alone,
 * not on the number of workers.
 *
 * ```ts ignore
 * await using loader = new BatchLoader({ records, batchSize: 128, seed: 1 });
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
    const { seed, firstBatch = 0 } = options;
    requireInteger("seed", seed, 0);
    requireInteger("firstBatch", firstBatch, 0);
    this.#reader = new RingReader(options, { mode: "train", seed, firstBatch, batches: Infinity });
  }

  /** The next batch; waits for it if need be. Rejects if a worker failed. */
  next(): Promise<Batch> {
    return this.#reader.next();
  }

  /** The next batch if it is ready, without a turn of the event loop. Throws if a worker failed. */
  tryNext(): Batch | undefined {
    return this.#reader.tryNext();
  }

  /** Time that `next` has waited, ms. */
  get waitedMs(): number {
    return this.#reader.waitedMs;
  }

  /** How many batches were not ready when `next` asked for them. */
  get notReady(): number {
    return this.#reader.notReady;
  }

  /** Stops the workers. Nothing of the loader may be used afterwards. */
  close(): void {
    this.#reader.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

/**
 * All records in their order, each exactly once, central crop, standardized. The last batch may hold
 * fewer: see `Batch.count`. Each batch is released when the next one is asked for.
 *
 * @throws {RangeError} if a number is out of range
 */
export async function* evalBatches(options: BatchOptions): AsyncGenerator<Batch> {
  const batches = Math.ceil(options.records.count / options.batchSize);
  const reader = new RingReader(options, { mode: "eval", seed: 0, firstBatch: 0, batches });
  try {
    for (let step = 0; step < batches; step++) {
      using batch = reader.tryNext() ?? await reader.next();
      yield batch;
    }
  } finally {
    reader.close();
  }
}
