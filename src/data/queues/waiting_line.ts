// The calls that wait for a queue, in one direction, in the order in which they came.

import { Deque } from "./deque.ts";

/** What one step of a call came to: nothing, a part, or its value. */
export type Step<T> = "blocked" | "progressed" | { readonly value: T };

/** A call that may have to wait. */
export interface Operation<T> {
  /** Does as much as can be done now; what it throws, the call rejects with. */
  step(): Step<T>;
  /** Undoes what was done in part, when the caller calls the wait off. */
  withdraw?(): void;
}

interface Waiter {
  step(): "blocked" | "progressed" | "settled";
}

/** Only the head of the line is served: it blocks those behind it, whatever they ask for. */
export class WaitingLine {
  readonly #waiters = new Deque<Waiter>();

  get length(): number {
    return this.#waiters.length;
  }

  /**
   * Puts a call at the end of the line; `advance` serves it.
   *
   * @param whenAborted called after the signal has taken the call out of the line again
   */
  join<T>(operation: Operation<T>, whenAborted: () => void, signal?: AbortSignal): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter: Waiter = {
      step: () => {
        try {
          const step = operation.step();
          if (typeof step === "string") return step;
          resolve(step.value);
        } catch (error) {
          reject(error);
        }
        signal?.removeEventListener("abort", abort);
        return "settled";
      },
    };
    const abort = () => {
      this.#waiters.remove(waiter);
      operation.withdraw?.();
      reject(signal?.reason);
      whenAborted();
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.#waiters.pushBack(waiter);
    return promise;
  }

  /** Serves the head of the line until one is blocked; returns whether anything was done. */
  advance(): boolean {
    let advanced = false;
    for (let head = this.#waiters.front; head; head = this.#waiters.front) {
      const step = head.step();
      if (step === "blocked") break;
      advanced = true;
      if (step === "progressed") break;
      this.#waiters.popFront();
    }
    return advanced;
  }
}
