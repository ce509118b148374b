// What all queues share: waiting lines in both directions, closing, and batches.
// Source: TensorFlow, core/kernels/queue_base.cc and python/ops/data_flow_ops.py.

import { anyValue, type ElementType } from "./element_type.ts";
import { CancelledError, InvalidArgumentError, OutOfRangeError } from "./errors.ts";
import type { CloseOptions, QueueKind, QueueOptions, Store, WaitOptions } from "./queue_options.ts";
import { type Operation, WaitingLine } from "./waiting_line.ts";

const DONE = { value: undefined };

/**
 * A queue of bounded size between asynchronous producers and consumers of one thread (the main thread
 * or a worker). Enqueues wait while it is full, dequeues while it is empty; in each direction the calls
 * are served in the order in which they came, and the first blocks those behind it. There is no
 * polling. Elements are kept, not copied: do not write into them afterwards.
 *
 * A batch is an object with an array a component where components are declared (`tuple`), and an
 * array of elements where they are not.
 */
export abstract class Queue<E, B = E[]> implements AsyncIterable<E> {
  readonly name: string;
  readonly capacity: number;
  /** Elements that stay in the queue while it is open. */
  readonly minAfterDequeue: number;
  /** The kind and the name, for errors. */
  readonly #label: string;
  readonly #type: ElementType<E, B>;
  readonly #store: Store<E>;
  readonly #enqueues = new WaitingLine();
  readonly #dequeues = new WaitingLine();
  readonly #flush = () => this.#serve();
  #closed = false;

  /** @throws {InvalidArgumentError} if a number is out of range */
  constructor(options: QueueOptions<E, B>, { kind, store, minAfterDequeue }: QueueKind<E>) {
    this.name = options.name;
    this.capacity = options.capacity;
    this.minAfterDequeue = minAfterDequeue;
    this.#label = `${kind} "${options.name}"`;
    this.#store = store;
    // Without components B is E[], as its default says.
    this.#type = options.components ?? anyValue<E>() as ElementType<E, never>;
    if (!(Number.isSafeInteger(this.capacity) || this.capacity === Infinity) || this.capacity < 1) {
      throw new InvalidArgumentError(
        `Cannot make ${this.#label} as its capacity must be an integer from 1, or Infinity: current value is ${this.capacity}`,
      );
    }
  }

  /** How many elements are in the queue. */
  get size(): number {
    return this.#store.length;
  }

  /** Whether the queue takes no more elements; it may still hold some. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Adds one element, when there is room.
   *
   * @throws {CancelledError} if the queue is closed, or closed with `cancelPendingEnqueues` meanwhile
   * @throws {InvalidArgumentError} if the components, a type or a shape is not as declared
   */
  async enqueue(element: E, { signal }: WaitOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (!this.tryEnqueue(element)) {
      await this.#wait(this.#enqueues, this.#adding([element]), signal);
    }
  }

  /**
   * Adds elements one by one as room appears, so that other enqueues never come in between but
   * dequeues do; resolves once all are in. When it fails or is called off, what is in stays in.
   *
   * @param elements elements in an array, or stacked as `dequeueMany` gives them
   * @throws {CancelledError} as `enqueue`; never if there are no elements
   * @throws {InvalidArgumentError} as `enqueue`; then none is added
   */
  async enqueueMany(elements: B | readonly E[], { signal }: WaitOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const list: readonly E[] = Array.isArray(elements)
      ? [...elements]
      : this.#unstack(elements as B);
    for (const element of list) this.#check(element);
    if (list.length > 0) await this.#wait(this.#enqueues, this.#adding(list), signal);
  }

  /**
   * Takes one element, when there is one.
   *
   * @throws {OutOfRangeError} if the queue is closed and empty
   */
  async dequeue({ signal }: WaitOptions = {}): Promise<E> {
    signal?.throwIfAborted();
    const element = this.tryDequeue();
    if (element !== undefined) return element;
    const step = () => {
      const taken = this.#take();
      return taken === undefined ? "blocked" : { value: taken };
    };
    return await this.#wait(this.#dequeues, { step }, signal);
  }

  /**
   * Takes `count` elements as they come, which may be more than the capacity, and stacks them.
   *
   * @throws {OutOfRangeError} if the queue is closed and too few are left: those stay in the queue
   * @throws {InvalidArgumentError} if `count` is no count or a declared component has no shape
   */
  dequeueMany(count: number, options: WaitOptions = {}): Promise<B> {
    return this.#dequeueBatch(count, false, options);
  }

  /**
   * Takes `count` elements as `dequeueMany` does, or what is left once the queue is closed.
   *
   * @throws {OutOfRangeError} if the queue is closed and empty
   * @throws {InvalidArgumentError} as `dequeueMany`
   */
  dequeueUpTo(count: number, options: WaitOptions = {}): Promise<B> {
    return this.#dequeueBatch(count, true, options);
  }

  /**
   * Adds one element if that is possible without waiting, and says whether it was. Never overtakes an
   * enqueue that waits.
   *
   * @throws {CancelledError} if the queue is closed
   * @throws {InvalidArgumentError} as `enqueue`
   */
  tryEnqueue(element: E): boolean {
    this.#check(element);
    this.#requireOpen(1);
    if (this.#store.length >= this.capacity) return false;
    this.#store.add(element);
    if (this.#dequeues.length > 0) this.#serve();
    return true;
  }

  /**
   * Takes one element if that is possible without waiting, else gives undefined. Never overtakes a
   * dequeue that waits.
   *
   * @throws {OutOfRangeError} if the queue is closed and empty
   */
  tryDequeue(): E | undefined {
    const element = this.#take();
    if (element !== undefined && this.#enqueues.length > 0) this.#serve();
    return element;
  }

  /**
   * Closes the queue behind the enqueues that wait, so that they finish first; with none waiting, at
   * once. Enqueues that come later fail. Dequeues drain what is left, then fail with OutOfRangeError.
   *
   * @throws {CancelledError} if the queue is already closed, unless by `cancelPendingEnqueues`
   */
  async close({ cancelPendingEnqueues = false, signal }: CloseOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (cancelPendingEnqueues) {
      this.#closed = true;
      // All that waits to enqueue gets its turn now, and finds the queue closed.
      this.#serve();
      return;
    }
    const step = () => {
      this.#requireOpen(0);
      this.#closed = true;
      return DONE;
    };
    await this.#wait(this.#enqueues, { step }, signal);
  }

  /** Takes elements until the queue is closed and empty. Leaving the loop leaves the queue open. */
  async *elements(options: WaitOptions = {}): AsyncGenerator<E, void> {
    while (true) {
      let element: E;
      try {
        element = await this.dequeue(options);
      } catch (error) {
        if (error instanceof OutOfRangeError && error !== options.signal?.reason) return;
        throw error;
      }
      yield element;
    }
  }

  /** `for await (const element of queue)`: see `elements`. */
  [Symbol.asyncIterator](): AsyncGenerator<E, void> {
    return this.elements();
  }

  #wait<T>(line: WaitingLine, operation: Operation<T>, signal?: AbortSignal): Promise<T> {
    const settled = line.join(operation, this.#flush, signal);
    this.#serve();
    return settled;
  }

  // Runs after every change, so that calls wait only while there is nothing for them to do: nobody can
  // overtake them. Enqueues come first: once the queue is closed none waits any more.
  #serve(): void {
    let advanced: boolean;
    do {
      advanced = this.#enqueues.advance();
      advanced = this.#dequeues.advance() || advanced;
    } while (advanced);
  }

  #adding(elements: readonly E[]): Operation<void> {
    let next = 0;
    const step = () => {
      this.#requireOpen(elements.length);
      const first = next;
      while (next < elements.length && this.#store.length < this.capacity) {
        this.#store.add(elements[next++]);
      }
      if (next === elements.length) return DONE;
      return next > first ? "progressed" : "blocked";
    };
    return { step };
  }

  async #dequeueBatch(count: number, allowSmaller: boolean, { signal }: WaitOptions): Promise<B> {
    signal?.throwIfAborted();
    this.#requireStackable(count);
    if (count === 0) return this.#type.stack([]);
    const taken: E[] = [];
    const restore = () => this.#store.restore(taken);
    const step = () => {
      const short = this.#closed && this.#store.length + taken.length < count;
      if (short && !(allowSmaller && this.#store.length + taken.length > 0)) {
        restore();
        throw this.#outOfRange(count);
      }
      const before = taken.length;
      while (taken.length < count && this.#available() > 0) taken.push(this.#store.take());
      if (short || taken.length === count) return { value: this.#type.stack(taken) };
      return taken.length > before ? "progressed" : "blocked";
    };
    return await this.#wait(this.#dequeues, { step, withdraw: restore }, signal);
  }

  #available(): number {
    return this.#store.length - (this.#closed ? 0 : this.minAfterDequeue);
  }

  #take(): E | undefined {
    if (this.#available() > 0) return this.#store.take();
    if (this.#closed) throw this.#outOfRange(1);
    return undefined;
  }

  #check(element: E): void {
    const fault = this.#type.fault(element);
    if (fault !== undefined) {
      throw new InvalidArgumentError(
        `Cannot enqueue an element into ${this.#label} as it is not as declared: ${fault}`,
      );
    }
  }

  #unstack(batch: B): readonly E[] {
    try {
      return this.#type.unstack(batch);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new InvalidArgumentError(
        `Cannot enqueue a batch into ${this.#label} as it is not as declared: ${error.message}`,
      );
    }
  }

  #requireStackable(count: number): void {
    const fault = Number.isSafeInteger(count) && count >= 0
      ? this.#type.stackFault
      : "the count must be an integer from 0";
    if (fault !== undefined) {
      throw new InvalidArgumentError(
        `Cannot dequeue a batch from ${this.#label} as ${fault}: requested ${count}, current size ${this.size}`,
      );
    }
  }

  #requireOpen(requested: number): void {
    if (!this.#closed) return;
    const asked = requested === 0 ? "requested to close it" : `requested to enqueue ${requested}`;
    throw new CancelledError(`${this.#label} is closed: ${asked}, current size ${this.size}`);
  }

  #outOfRange(requested: number): OutOfRangeError {
    return new OutOfRangeError(
      `${this.#label} is closed and has too few elements: requested ${requested}, current size ${this.size}`,
    );
  }
}
