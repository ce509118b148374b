import { Deque } from "./deque.ts";
import { Queue } from "./queue.ts";
import type { QueueOptions, Store } from "./queue_options.ts";

/**
 * A queue that gives elements in the order in which they came.
 * Source: TensorFlow, core/kernels/fifo_queue.cc.
 *
 * ```ts
 * import { FIFOQueue } from "./fifo_queue.ts";
 *
 * const files = new FIFOQueue<string>({ name: "files", capacity: 2 });
 * const filled = files.enqueueMany(["a.bin", "b.bin", "c.bin"]); // waits for room
 * files.close(); // behind the names that wait
 * for await (const file of files) console.log(file);
 * await filled;
 * ```
 */
export class FIFOQueue<E, B = E[]> extends Queue<E, B> {
  /** @throws {InvalidArgumentError} if the capacity is out of range */
  constructor(options: QueueOptions<E, B>) {
    super(options, { kind: "FIFOQueue", store: new FIFOStore<E>(), minAfterDequeue: 0 });
  }
}

class FIFOStore<E> implements Store<E> {
  readonly #elements = new Deque<E>();

  get length(): number {
    return this.#elements.length;
  }

  add(element: E): void {
    this.#elements.pushBack(element);
  }

  take(): E {
    return this.#elements.popFront() as E;
  }

  restore(elements: readonly E[]): void {
    for (const element of elements.toReversed()) this.#elements.pushFront(element);
  }
}
