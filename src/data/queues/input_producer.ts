// Feeds a list into a queue, epoch after epoch. Source: TensorFlow, python/training/input.py.

import { permutation, STREAMS } from "../../util/random.ts";
import { OutOfRangeError } from "./errors.ts";
import { FIFOQueue } from "./fifo_queue.ts";
import { QueueRunner } from "./queue_runner.ts";
import { randomSeed } from "./random_seed.ts";

/** How to feed a list. */
export interface InputProducerOptions {
  /** Of the queue. Default "input producer". */
  readonly name?: string;
  /** How often the list is delivered, from 1; null, the default, is without end. */
  readonly numEpochs?: number | null;
  /** Whether each epoch has an order of its own. Default true. */
  readonly shuffle?: boolean;
  /** The order of an epoch is a pure function of the seed and its number. Drawn by default. */
  readonly seed?: number;
  /** Of the queue. Default 32. */
  readonly capacity?: number;
}

/** A queue and what fills it. */
export interface InputProducer<T> {
  readonly queue: FIFOQueue<T>;
  /** One thread, which enqueues the list once an epoch. It counts epochs for life: a restart goes on. */
  readonly runner: QueueRunner;
}

/**
 * A queue of the values of a list, such as the names of the files of a data set.
 *
 * ```ts
 * import { inputProducer } from "./input_producer.ts";
 *
 * const { queue, runner } = inputProducer(["a.bin", "b.bin"], { seed: 1, numEpochs: 2 });
 * runner.createThreads();
 * for await (const file of queue) console.log(file); // each name twice
 * ```
 *
 * @throws {RangeError} if the list is empty, `numEpochs` is no integer from 1, or the seed is none
 */
export function inputProducer<T>(
  values: readonly T[],
  options: InputProducerOptions = {},
): InputProducer<T> {
  const { name = "input producer", numEpochs = null, shuffle = true, capacity = 32 } = options;
  if (values.length === 0) {
    throw new RangeError(`Cannot produce input for queue "${name}" as the list is empty`);
  }
  if (numEpochs !== null && (!Number.isSafeInteger(numEpochs) || numEpochs < 1)) {
    throw new RangeError(
      `Cannot produce input for queue "${name}" as numEpochs must be an integer from 1, or null: current value is ${numEpochs}`,
    );
  }
  const list = [...values];
  const seed = options.seed ?? randomSeed();
  permutation(0, seed, STREAMS.shuffle, 0); // a wrong seed fails here, not in the thread
  const queue = new FIFOQueue<T>({ name, capacity });
  let epoch = 0;
  const enqueueEpoch = async ({ signal }: { signal?: AbortSignal }) => {
    if (epoch === numEpochs) {
      throw new OutOfRangeError(`Queue "${name}" was given all its epochs: limit ${numEpochs}`);
    }
    const order = shuffle ? permutation(list.length, seed, STREAMS.shuffle, epoch) : list.keys();
    epoch++;
    await queue.enqueueMany(Array.from(order, (i) => list[i]), { signal });
  };
  return { queue, runner: new QueueRunner({ queue, enqueueOps: [enqueueEpoch] }) };
}
