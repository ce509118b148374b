import type { ElementType } from "./element_type.ts";

/** How to make a queue. */
export interface QueueOptions<E, B> {
  /** Named in errors. */
  readonly name: string;
  /** Elements that it holds at most, from 1; Infinity is no bound. */
  readonly capacity: number;
  /** What an element is made of, from `tuple`; without it, elements are any values but undefined. */
  readonly components?: ElementType<E, B>;
}

/** How long to wait. */
export interface WaitOptions {
  /** Calls the wait off: the call leaves the line and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How to close a queue. */
export interface CloseOptions extends WaitOptions {
  /** Closes at once, and fails the enqueues that wait. Default false: they finish first. */
  readonly cancelPendingEnqueues?: boolean;
}

/** Where a queue keeps its elements: decides which one comes next. */
export interface Store<E> {
  readonly length: number;
  add(element: E): void;
  take(): E;
  /** Takes back elements in the order in which `take` gave them. */
  restore(elements: readonly E[]): void;
}

/** What a kind of queue adds to the options. */
export interface QueueKind<E> {
  readonly kind: string;
  readonly store: Store<E>;
  /** Elements that stay in the queue while it is open. */
  readonly minAfterDequeue: number;
}
