import type { QueueStats } from "../data/batches/batches.ts";

/** What the queue of batches did over a time. */
export interface InputSummary {
  /** Batches that it holds at most. */
  readonly capacity: number;
  /** Share of it that was full when a batch was asked for, 0 to 1, on average. */
  readonly fill: number;
  /** Images a second that the workers made. */
  readonly produced: number;
  /** Images a second that the step took. */
  readonly consumed: number;
  /** Share of the time that the step waited, 0 to 1. */
  readonly waitShare: number;
}

/** The difference between the state of the queue at one moment and at later ones. */
export class InputWindow {
  readonly #start: QueueStats | undefined;
  readonly #batchSize: number;

  constructor(start: QueueStats | undefined, batchSize: number) {
    this.#start = start;
    this.#batchSize = batchSize;
  }

  /** From the start to `end`, `seconds` later; undefined if there is no queue. */
  until(end: QueueStats | undefined, seconds: number): InputSummary | undefined {
    const start = this.#start;
    if (start === undefined || end === undefined) return undefined;
    const taken = end.taken - start.taken;
    return {
      capacity: end.capacity,
      fill: taken === 0 ? 0 : (end.readySum - start.readySum) / taken / end.capacity,
      produced: (end.made - start.made) * this.#batchSize / seconds,
      consumed: taken * this.#batchSize / seconds,
      waitShare: (end.waitedMs - start.waitedMs) / 1000 / seconds,
    };
  }
}
