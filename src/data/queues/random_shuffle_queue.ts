import { RandomStream, STREAMS } from "../../util/random.ts";
import { InvalidArgumentError } from "./errors.ts";
import { Queue } from "./queue.ts";
import type { QueueOptions, Store } from "./queue_options.ts";
import { randomSeed } from "./random_seed.ts";

/** How to make a shuffle queue. */
export interface RandomShuffleQueueOptions<E, B> extends QueueOptions<E, B> {
  /** Elements that stay in the queue while it is open, less than the capacity: the larger, the better mixed. Default 0. */
  readonly minAfterDequeue?: number;
  /** The same seed and the same calls give the same order; 0, the default, draws a seed. */
  readonly seed?: number;
  /** Random numbers to go on with, in place of a seed. */
  readonly random?: RandomStream;
}

/**
 * A queue that gives a random one of its elements, each with the same probability.
 * Source: TensorFlow, core/kernels/random_shuffle_queue_op.cc.
 *
 * ```ts
 * import { RandomShuffleQueue } from "./random_shuffle_queue.ts";
 *
 * const ids = new RandomShuffleQueue<number>({ name: "ids", capacity: 8, minAfterDequeue: 4, seed: 1 });
 * for (let id = 0; id < 8; id++) ids.tryEnqueue(id);
 * await ids.dequeueMany(4); // a fifth would wait: 4 stay while the queue is open
 * ids.close();
 * await ids.dequeueMany(4);
 * ```
 */
export class RandomShuffleQueue<E, B = E[]> extends Queue<E, B> {
  /** @throws {InvalidArgumentError} if the capacity or the minimum is out of range */
  constructor(options: RandomShuffleQueueOptions<E, B>) {
    const { name, capacity, minAfterDequeue = 0, seed = 0 } = options;
    if (!Number.isSafeInteger(minAfterDequeue) || minAfterDequeue < 0) {
      throw new InvalidArgumentError(
        `Cannot make RandomShuffleQueue "${name}" as minAfterDequeue must be an integer from 0: current value is ${minAfterDequeue}`,
      );
    }
    if (minAfterDequeue >= capacity) {
      throw new InvalidArgumentError(
        `Cannot make RandomShuffleQueue "${name}" as minAfterDequeue must be less than the capacity ${capacity}: current value is ${minAfterDequeue}`,
      );
    }
    const random = options.random ??
      new RandomStream(seed === 0 ? randomSeed() : seed, STREAMS.queue).seek(0);
    super(options, {
      kind: "RandomShuffleQueue",
      store: new ShuffleStore<E>(random),
      minAfterDequeue,
    });
  }
}

class ShuffleStore<E> implements Store<E> {
  readonly #random: RandomStream;
  readonly #elements: E[] = [];

  constructor(random: RandomStream) {
    this.#random = random;
  }

  get length(): number {
    return this.#elements.length;
  }

  add(element: E): void {
    this.#elements.push(element);
  }

  take(): E {
    const index = this.#random.uniformInt(this.#elements.length);
    const element = this.#elements[index];
    const last = this.#elements.pop() as E;
    if (index < this.#elements.length) this.#elements[index] = last;
    return element;
  }

  restore(elements: readonly E[]): void {
    for (const element of elements) this.#elements.push(element);
  }
}
