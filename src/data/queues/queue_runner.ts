// Keeps a queue filled. Source: TensorFlow, python/training/queue_runner_impl.py.

import { eventLoopTurn } from "../../util/event_loop.ts";
import type { Coordinator, ErrorClass, Thread } from "./coordinator.ts";
import { InvalidArgumentError, OutOfRangeError } from "./errors.ts";
import type { WaitOptions } from "./queue_options.ts";
import type { Queue } from "./queue.ts";

/** Makes one element, or some, and enqueues them; called again and again. The signal fires at a stop. */
export type EnqueueOp = (options: WaitOptions) => Promise<unknown>;

/** How to make a queue runner. */
export interface QueueRunnerOptions {
  /** The queue that the operations fill. */
  readonly queue: Pick<Queue<unknown, unknown>, "name" | "close">;
  /** One thread each; the same operation N times gives N threads. */
  readonly enqueueOps: readonly EnqueueOp[];
  /** Errors of an operation that are the end of its input. Default: `OutOfRangeError`. */
  readonly queueClosedTypes?: readonly ErrorClass[];
  /** Takes the line about an error that no coordinator hears of. Default `console.error`. */
  readonly log?: (line: string) => void;
}

/** How to start the threads of a runner. */
export interface ThreadOptions {
  /** Stops the threads, hears of their errors and joins them. */
  readonly coordinator?: Coordinator;
  /** Whether they run at once; else each does from its `start()` on. Default true. */
  readonly start?: boolean;
}

/** An asynchronous loop of this isolate: it keeps no process alive. */
export interface RunnerThread extends Thread {
  /** Starts it; more calls do nothing. */
  start(): void;
}

/** After so long in promise reactions alone a thread lets timers and signals through, ms. */
const TURN_EVERY_MS = 10;

/**
 * Runs enqueue operations in threads (asynchronous loops) until their input ends or a coordinator
 * stops them. When the last thread comes to the end of its input it closes the queue, so that
 * consumers drain it and then see `OutOfRangeError`. At a stop the queue is closed at once.
 *
 * ```ts
 * import { Coordinator } from "./coordinator.ts";
 * import { FIFOQueue } from "./fifo_queue.ts";
 * import { QueueRunner } from "./queue_runner.ts";
 *
 * const queue = new FIFOQueue<number>({ name: "numbers", capacity: 4 });
 * let next = 0;
 * const enqueue = () => queue.enqueue(next++);
 * const runner = new QueueRunner({ queue, enqueueOps: [enqueue, enqueue] });
 * const coordinator = new Coordinator();
 * runner.createThreads({ coordinator });
 * try {
 *   for (let step = 0; step < 10 && !coordinator.shouldStop; step++) await queue.dequeue();
 * } catch (error) {
 *   coordinator.requestStop(error);
 * } finally {
 *   coordinator.requestStop();
 *   await coordinator.join();
 * }
 * ```
 */
export class QueueRunner {
  readonly #options: QueueRunnerOptions;
  readonly #closedTypes: readonly ErrorClass[];
  #running = 0;
  #exceptionsRaised: unknown[] = [];

  /** @throws {InvalidArgumentError} if there is no operation */
  constructor(options: QueueRunnerOptions) {
    this.#options = options;
    this.#closedTypes = options.queueClosedTypes ?? [OutOfRangeError];
    if (options.enqueueOps.length === 0) {
      throw new InvalidArgumentError(
        `Cannot run queue "${options.queue.name}" as there is no enqueue operation`,
      );
    }
  }

  /** The name of the queue. */
  get name(): string {
    return this.#options.queue.name;
  }

  /** What the threads failed with that run, or ran, without a coordinator. */
  get exceptionsRaised(): readonly unknown[] {
    return this.#exceptionsRaised;
  }

  /**
   * Makes one thread an operation and, with a coordinator, one that closes the queue at a stop, and
   * registers them with the coordinator.
   *
   * Without a coordinator, the `done` of a thread that fails rejects: nobody else would hear of it.
   *
   * @returns the threads; none while those of the last call still run
   */
  createThreads({ coordinator, start = true }: ThreadOptions = {}): readonly RunnerThread[] {
    if (this.#running > 0) return [];
    const { enqueueOps } = this.#options;
    this.#running = enqueueOps.length;
    this.#exceptionsRaised = [];
    const threads = enqueueOps.map((op, i) =>
      makeThread(`${this.name} enqueue ${i}`, () => this.#run(op, coordinator))
    );
    if (coordinator) {
      threads.push(makeThread(`${this.name} closer`, () => this.#closeOnStop(coordinator)));
    }
    for (const thread of threads) {
      coordinator?.registerThread(thread);
      if (start) thread.start();
    }
    return threads;
  }

  async #run(op: EnqueueOp, coordinator: Coordinator | undefined): Promise<void> {
    try {
      await this.#loop(op, coordinator);
      this.#running--;
    } catch (error) {
      this.#running--;
      if (this.#closedTypes.some((type) => error instanceof type)) {
        if (this.#running === 0) await this.#close(false);
      } else if (coordinator) {
        coordinator.requestStop(error);
      } else {
        const log = this.#options.log ?? console.error;
        log(`The runner of queue "${this.name}" failed: ${error}`);
        this.#exceptionsRaised.push(error);
        throw error;
      }
    }
  }

  async #loop(op: EnqueueOp, coordinator: Coordinator | undefined): Promise<void> {
    const options = { signal: coordinator?.signal };
    let turned = performance.now();
    while (!coordinator?.shouldStop) {
      await op(options);
      if (performance.now() - turned > TURN_EVERY_MS) {
        await eventLoopTurn();
        turned = performance.now();
      }
    }
  }

  async #closeOnStop(coordinator: Coordinator): Promise<void> {
    await coordinator.waitForStop();
    await this.#close(true);
  }

  async #close(cancelPendingEnqueues: boolean): Promise<void> {
    try {
      await this.#options.queue.close({ cancelPendingEnqueues });
    } catch {
      // A queue that cannot be closed is closed already, and that is all that is wanted here.
    }
  }
}

/** Starts the threads of several runners; their order is the runners'. */
export function startQueueRunners(
  runners: Iterable<QueueRunner>,
  options: ThreadOptions = {},
): readonly RunnerThread[] {
  return [...runners].flatMap((runner) => runner.createThreads(options));
}

function makeThread(name: string, run: () => Promise<void>): RunnerThread {
  const started = Promise.withResolvers<void>();
  return { name, done: started.promise.then(run), start: () => started.resolve() };
}
