// Makes batches of examples through a queue. Source: TensorFlow, python/training/input.py.

import type { ElementType } from "./element_type.ts";
import { CancelledError, OutOfRangeError } from "./errors.ts";
import { FIFOQueue } from "./fifo_queue.ts";
import type { Queue } from "./queue.ts";
import type { WaitOptions } from "./queue_options.ts";
import { QueueRunner } from "./queue_runner.ts";
import { RandomShuffleQueue } from "./random_shuffle_queue.ts";

/** How to make batches. */
export interface BatchingOptions<E, B> {
  readonly batchSize: number;
  /** Of the queue. Default "batch". */
  readonly name?: string;
  /** Copies of the source that run at once; with more than one, the order is not fixed. Default 1. */
  readonly numThreads?: number;
  /** Examples that the queue holds at most. Default 32. */
  readonly capacity?: number;
  /** What an example is made of, from `tuple`; without it, a batch is an array of examples. */
  readonly components?: ElementType<E, B>;
  /** Whether the last batch may be smaller; else what is left over is dropped. Default false. */
  readonly allowSmallerFinalBatch?: boolean;
}

/** How to make batches of shuffled examples. */
export interface ShuffleBatchingOptions<E, B> extends BatchingOptions<E, B> {
  /** Examples that stay in the queue, less than the capacity: the larger, the better mixed. */
  readonly minAfterDequeue: number;
  /** See `RandomShuffleQueue`. */
  readonly seed?: number;
}

/** Makes the next example; throws `OutOfRangeError` at the end of the input. */
export type Source<E> = (options: WaitOptions) => Promise<E>;

/** A queue of examples, what fills it, and batches from it. */
export interface Batching<E, B> {
  readonly queue: Queue<E, B>;
  readonly runner: QueueRunner;
  /** The next batch. Rejects with `OutOfRangeError` when the input has ended and too little is left. */
  next(options?: WaitOptions): Promise<B>;
}

/**
 * Batches of examples in the order in which the source makes them.
 *
 * ```ts
 * import { batch } from "./batch.ts";
 *
 * let next = 0;
 * const batching = batch(() => Promise.resolve(next++), { batchSize: 4 });
 * const [thread] = batching.runner.createThreads();
 * console.log(await batching.next()); // [0, 1, 2, 3]
 * await batching.queue.close({ cancelPendingEnqueues: true });
 * await thread.done;
 * ```
 *
 * @throws {RangeError} if `batchSize` or `numThreads` is no integer from 1
 * @throws {InvalidArgumentError} if the capacity is out of range
 */
export function batch<E, B = E[]>(
  source: Source<E>,
  options: BatchingOptions<E, B>,
): Batching<E, B> {
  const { name = "batch", capacity = 32, components } = options;
  return batching(source, new FIFOQueue<E, B>({ name, capacity, components }), options);
}

/**
 * Batches of examples drawn at random from a queue of `minAfterDequeue` to `capacity` of them.
 *
 * @throws as `batch`, and {InvalidArgumentError} if the minimum is not less than the capacity
 */
export function shuffleBatch<E, B = E[]>(
  source: Source<E>,
  options: ShuffleBatchingOptions<E, B>,
): Batching<E, B> {
  const { name = "batch", capacity = 32, components, minAfterDequeue, seed } = options;
  const sizes = { capacity, minAfterDequeue };
  const queue = new RandomShuffleQueue<E, B>({ name, components, seed, ...sizes });
  return batching(source, queue, options);
}

function batching<E, B>(
  source: Source<E>,
  queue: Queue<E, B>,
  { batchSize, numThreads = 1, allowSmallerFinalBatch = false }: BatchingOptions<E, B>,
): Batching<E, B> {
  requireCount("batchSize", batchSize);
  requireCount("numThreads", numThreads);
  const enqueue = async ({ signal }: WaitOptions) =>
    await queue.enqueue(await source({ signal }), { signal });
  const runner = new QueueRunner({
    queue,
    enqueueOps: new Array(numThreads).fill(enqueue),
    // The queue that the source reads from, or this one, was closed by somebody: an end as well.
    queueClosedTypes: [OutOfRangeError, CancelledError],
  });
  const next = (wait?: WaitOptions) =>
    allowSmallerFinalBatch
      ? queue.dequeueUpTo(batchSize, wait)
      : queue.dequeueMany(batchSize, wait);
  return { queue, runner, next };
}

function requireCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `Cannot make batches as ${name} must be an integer from 1: current value is ${value}`,
    );
  }
}
