/**
 * A list with two ends, in a ring that grows: each end in constant time.
 *
 * ```ts
 * import { Deque } from "./deque.ts";
 * const line = new Deque<string>();
 * line.pushBack("first");
 * line.pushBack("second");
 * line.popFront(); // "first"
 * ```
 */
export class Deque<T> {
  // A power of two long, so that a position wraps with a mask.
  #ring: (T | undefined)[] = new Array(16);
  #start = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The first item, which stays; undefined if there is none. */
  get front(): T | undefined {
    return this.#ring[this.#start];
  }

  pushBack(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#start + this.#length) & (this.#ring.length - 1)] = item;
    this.#length++;
  }

  pushFront(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#start = (this.#start - 1) & (this.#ring.length - 1);
    this.#ring[this.#start] = item;
    this.#length++;
  }

  /** Takes the first item off; undefined if there is none. */
  popFront(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#start];
    // The ring must not keep alive what has left it.
    this.#ring[this.#start] = undefined;
    this.#start = (this.#start + 1) & (this.#ring.length - 1);
    this.#length--;
    return item;
  }

  /** Takes an item out of the middle, in linear time; false if it is not there. */
  remove(item: T): boolean {
    const items = this.#drain();
    for (const other of items) if (other !== item) this.pushBack(other);
    return this.#length < items.length;
  }

  #drain(): T[] {
    return Array.from({ length: this.#length }, () => this.popFront() as T);
  }

  #grow(): void {
    const items = this.#drain();
    this.#ring = new Array(2 * this.#ring.length);
    this.#start = 0;
    for (const item of items) this.pushBack(item);
  }
}
