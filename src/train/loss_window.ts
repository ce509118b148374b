import { InputWindow } from "./input_summary.ts";
import type { QueueStats } from "../data/batches/batches.ts";
import type { LogEvent } from "./train.ts";
import type { StepLosses } from "./trainer.ts";

/** The steps since the last log line, and what the queue of batches did meanwhile. */
export class LossWindow {
  readonly #batchSize: number;
  /** Losses of its steps: of earlier processes the totals alone. */
  #before: readonly number[];
  #losses: StepLosses[] = [];
  #last: number | null;
  #loggedAt = 0;
  #queue: InputWindow;

  /**
   * @param before totals of the steps that an earlier process did since its last log line
   * @param last the loss of the last of all steps, if there was one
   */
  constructor(
    { before, last, stats, batchSize }: {
      before: readonly number[];
      last: number | null;
      stats: QueueStats | undefined;
      batchSize: number;
    },
  ) {
    this.#before = before;
    this.#last = last;
    this.#batchSize = batchSize;
    this.#queue = new InputWindow(stats, batchSize);
  }

  /** The loss of the last step that was read. */
  get last(): number | null {
    return this.#last;
  }

  /** Of all its steps, oldest first. */
  get totals(): number[] {
    return [...this.#before, ...this.#losses.map(({ total }) => total)];
  }

  add(losses: readonly StepLosses[]): void {
    this.#losses.push(...losses);
    this.#last = losses.at(-1)?.total ?? this.#last;
  }

  /**
   * What a log line says; a new window begins. Undefined if no step was read.
   *
   * @param seconds of training since the start of the process
   */
  close(
    { seconds, learningRate, stats }: {
      seconds: number;
      learningRate: (step: number) => number;
      stats: QueueStats | undefined;
    },
  ): LogEvent | undefined {
    const losses = this.#losses;
    if (losses.length === 0) return undefined;
    const { step } = losses[losses.length - 1];
    const { totals } = this;
    const event: LogEvent = {
      step,
      losses,
      meanLoss: totals.reduce((a, b) => a + b, 0) / totals.length,
      learningRate: learningRate(step),
      seconds: seconds - this.#loggedAt,
      input: this.#queue.until(stats, seconds - this.#loggedAt),
    };
    this.#queue = new InputWindow(stats, this.#batchSize);
    this.#loggedAt = seconds;
    this.#before = [];
    this.#losses = [];
    return event;
  }
}
