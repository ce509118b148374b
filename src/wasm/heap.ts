/** A free range of memory, in bytes. */
interface Range {
  start: number;
  end: number;
}

/** All blocks start at multiples of this many bytes: a cache line. */
export const HEAP_ALIGNMENT = 64;

/** Rounds up to whole cache lines. */
export function alignUp(bytes: number): number {
  return Math.ceil(bytes / HEAP_ALIGNMENT) * HEAP_ALIGNMENT;
}

/**
 * Hands out ranges of one growing address space: the smallest free range that fits, neighbors joined
 * when freed, so that plans made one after the other share memory.
 */
export class Heap {
  /** Free ranges by address; never two that touch. */
  readonly #free: Range[] = [];
  readonly #sizes = new Map<number, number>();
  #end: number;

  /** @param start where the heap begins, a multiple of 64. */
  constructor(start: number) {
    this.#end = start;
  }

  /** Where the address space ends that was ever handed out. */
  get end(): number {
    return this.#end;
  }

  /** The end that the heap would have after an allocation; the memory must reach that far before it. */
  endAfter(bytes: number): number {
    if (this.#bestFit(alignUp(bytes)) >= 0) return this.#end;
    return this.#newStart() + alignUp(bytes);
  }

  /** The offset of `bytes` bytes, rounded up to whole cache lines. */
  allocate(bytes: number): number {
    const size = alignUp(bytes);
    const found = this.#bestFit(size);
    let start: number;
    if (found >= 0) {
      const range = this.#free[found];
      start = range.start;
      range.start += size;
      if (range.start === range.end) this.#free.splice(found, 1);
    } else {
      start = this.#newStart();
      if (start < this.#end) this.#free.pop();
      this.#end = start + size;
    }
    this.#sizes.set(start, size);
    return start;
  }

  /** Gives a block back. */
  release(start: number): void {
    const size = this.#sizes.get(start);
    if (size === undefined) throw new Error(`Cannot free ${start} as it was not allocated`);
    this.#sizes.delete(start);
    const range = { start, end: start + size };
    let at = this.#free.findIndex((other) => other.start > start);
    if (at < 0) at = this.#free.length;
    const before = this.#free[at - 1];
    const after = this.#free[at];
    const joinsBefore = before?.end === range.start;
    const joinsAfter = after?.start === range.end;
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      this.#free.splice(at, 1);
    } else if (joinsBefore) before.end = range.end;
    else if (joinsAfter) after.start = range.start;
    else this.#free.splice(at, 0, range);
  }

  #bestFit(size: number): number {
    let best = -1;
    this.#free.forEach((range, i) => {
      const length = range.end - range.start;
      if (length < size) return;
      if (best < 0 || length < this.#free[best].end - this.#free[best].start) best = i;
    });
    return best;
  }

  /** A new block extends the free range at the end, if there is one. */
  #newStart(): number {
    const last = this.#free[this.#free.length - 1];
    return last?.end === this.#end ? last.start : this.#end;
  }
}
