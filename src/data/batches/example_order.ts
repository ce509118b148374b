// Which example comes when: a pure function of the seed and the epoch.

import { permutation, RandomStream, STREAMS } from "../../util/random.ts";
import { RandomShuffleQueue } from "../queues/random_shuffle_queue.ts";

/**
 * How the examples of an epoch are ordered: `epoch` is a full permutation; `queue` is the reference's
 * window, a shuffle queue through which the examples pass in the order of their files.
 */
export type Shuffle = "epoch" | "queue";

/** What an order is computed from. */
export interface OrderOptions {
  /** Examples an epoch. */
  readonly count: number;
  readonly seed: number;
  readonly shuffle: Shuffle;
  readonly batchSize: number;
}

/** Share of the examples that stay in the shuffle queue (min_fraction_of_examples_in_queue). */
const MIN_FRACTION_IN_QUEUE = 0.4;
/** Examples that are read one after another, as from one file of CIFAR-10. */
const SHARD_EXAMPLES = 10_000;

/** The order of an epoch's examples, each exactly once. */
export function epochOrder(options: OrderOptions, epoch: number): Uint32Array {
  const { count, seed, shuffle } = options;
  return shuffle === "epoch"
    ? permutation(count, seed, STREAMS.shuffle, epoch)
    : queueOrder(options, epoch);
}

/**
 * The order in which examples leave the reference's shuffle queue: min_after_dequeue 0.4 times the
 * examples, capacity three batches more, filled before each dequeue, drained at the end of the epoch
 * (the reference's window goes on into the next epoch). The files, or shards of 10,000 examples, come in
 * a new order every epoch.
 */
function queueOrder({ count, seed, batchSize }: OrderOptions, epoch: number): Uint32Array {
  const { minAfterDequeue, capacity } = shuffleQueueSize(count, batchSize);
  const queue = new RandomShuffleQueue<number>({
    name: "examples",
    capacity,
    minAfterDequeue,
    random: new RandomStream(seed, STREAMS.queue).seek(epoch),
  });
  const order = new Uint32Array(count);
  const source = shardedExamples(count, seed, epoch);
  let next = source.next();
  for (let i = 0; i < count; i++) {
    while (!next.done && queue.tryEnqueue(next.value)) next = source.next();
    if (next.done && !queue.isClosed) queue.close();
    const example = queue.tryDequeue();
    if (example === undefined) throw new Error("Cannot order examples: the shuffle queue is empty");
    order[i] = example;
  }
  return order;
}

/** The sizes of the reference's shuffle queue: 20,000 and 20,384 for 50,000 examples in batches of 128. */
export function shuffleQueueSize(
  count: number,
  batchSize: number,
): { minAfterDequeue: number; capacity: number } {
  const minAfterDequeue = Math.floor(count * MIN_FRACTION_IN_QUEUE);
  return { minAfterDequeue, capacity: minAfterDequeue + 3 * batchSize };
}

function* shardedExamples(count: number, seed: number, epoch: number): Generator<number> {
  const shards = Math.ceil(count / SHARD_EXAMPLES);
  for (const shard of permutation(shards, seed, STREAMS.shuffle, epoch)) {
    const end = Math.min(count, (shard + 1) * SHARD_EXAMPLES);
    for (let example = shard * SHARD_EXAMPLES; example < end; example++) yield example;
  }
}

/** The endless concatenation of the epochs: asks for positions in rising order are cheap. */
export class ExampleOrder {
  readonly #options: OrderOptions;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array(0);

  constructor(options: OrderOptions) {
    this.#options = options;
  }

  /** The epoch of a position. */
  epochAt(position: number): number {
    return Math.floor(position / this.#options.count);
  }

  /** The example at a position. */
  exampleAt(position: number): number {
    const epoch = this.epochAt(position);
    if (epoch !== this.#epoch) {
      this.#order = epochOrder(this.#options, epoch);
      this.#epoch = epoch;
    }
    return this.#order[position - epoch * this.#options.count];
  }
}
