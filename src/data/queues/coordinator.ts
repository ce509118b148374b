// Stops a group of threads together. Source: TensorFlow, python/training/coordinator.py.

import { CancelledError, OutOfRangeError } from "./errors.ts";

/** Work that goes on by itself until it ends: an asynchronous loop, or a worker whose end is a promise. */
export interface Thread {
  readonly name: string;
  /** Settles when the thread has ended; a rejection counts as the thread's `requestStop(error)`. */
  readonly done: Promise<void>;
}

/** A class of errors, as `instanceof` takes it. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** How to make a coordinator. */
export interface CoordinatorOptions {
  /** Errors that stop the threads without being errors. Default: `OutOfRangeError`, the end of the input. */
  readonly cleanStopTypes?: readonly ErrorClass[];
}

/** How `join` treats threads that do not end. */
export interface JoinOptions {
  /** How long threads may go on after a stop was requested. Default 120,000. */
  readonly stopGracePeriodMs?: number;
  /** Whether threads that are still running then are no error. Default false. */
  readonly ignoreLiveThreads?: boolean;
}

/**
 * Lets any of a group of threads stop them all, and reports the first error.
 *
 * ```ts
 * import { Coordinator } from "./coordinator.ts";
 *
 * const coordinator = new Coordinator();
 * async function loop() {
 *   while (!coordinator.shouldStop) await Promise.resolve();
 * }
 * const thread = { name: "loop", done: coordinator.stopOnException(loop) };
 * coordinator.registerThread(thread);
 * coordinator.requestStop();
 * await coordinator.join();
 * ```
 */
export class Coordinator {
  readonly #cleanStopTypes: readonly ErrorClass[];
  #threads = new Set<Thread>();
  readonly #watched = new WeakSet<Thread>();
  readonly #ended = new WeakSet<Thread>();
  #controller = new AbortController();
  #error: { readonly value: unknown } | undefined;
  #joined = false;

  constructor({ cleanStopTypes = [OutOfRangeError] }: CoordinatorOptions = {}) {
    this.#cleanStopTypes = cleanStopTypes;
  }

  /** Whether a stop was requested: threads look at it often. */
  get shouldStop(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Fires at the stop, with the error that requested it as its reason. `clearStop` makes a new one. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Asks all threads to stop. The first call decides: later ones, and their errors, change nothing,
   * as what fails after a stop mostly fails because of it. An error of the clean types stops as none.
   *
   * @param error is thrown by `join`; after `join`, at once
   */
  requestStop(error?: unknown): void {
    const none = error === undefined || error === null;
    const clean = none || this.#cleanStopTypes.some((type) => error instanceof type);
    if (this.#joined && !clean) throw error;
    if (this.shouldStop) return;
    if (!clean) this.#error = { value: error };
    this.#controller.abort(error ?? new CancelledError("The coordinator was asked to stop"));
  }

  /**
   * Waits for a stop, or so many milliseconds.
   *
   * @returns whether a stop was requested
   */
  async waitForStop(timeoutMs?: number): Promise<boolean> {
    if (this.shouldStop) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this;
    const wake = () => resolve();
    signal.addEventListener("abort", wake, { once: true });
    const timer = timeoutMs === undefined ? undefined : setTimeout(wake, timeoutMs);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
    return signal.aborted;
  }

  /** Forgets the stop, its error, and that threads were joined; new threads may then be started. */
  clearStop(): void {
    this.#joined = false;
    this.#error = undefined;
    if (this.shouldStop) this.#controller = new AbortController();
  }

  /** Adds a thread to those that `join` waits for. */
  registerThread(thread: Thread): void {
    this.#threads.add(thread);
    this.#watch(thread);
  }

  /**
   * Runs a function, and requests a stop with what it throws.
   *
   * @returns its value; undefined if it threw
   */
  async stopOnException<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.requestStop(error);
      return undefined;
    }
  }

  /**
   * Waits until the registered threads and those given have ended, or, from a stop on, no longer than
   * the grace period.
   *
   * @returns the names of the threads that still run, with `ignoreLiveThreads`; else none
   * @throws the error of the first `requestStop`; else an Error that names the threads that still run
   */
  async join(threads: readonly Thread[] = [], options: JoinOptions = {}): Promise<string[]> {
    const { stopGracePeriodMs = 120_000, ignoreLiveThreads = false } = options;
    const joined = [...new Set([...this.#threads, ...threads])];
    for (const thread of joined) this.#watch(thread);
    const ended = Promise.allSettled(joined.map(({ done }) => done));
    await this.#endOrStop(ended);
    await within(ended, stopGracePeriodMs);
    const stragglers = joined.filter((thread) => !this.#ended.has(thread)).map(({ name }) => name);
    this.#joined = true;
    this.#threads = new Set();
    if (this.#error) throw this.#error.value;
    if (stragglers.length > 0 && !ignoreLiveThreads) {
      throw new Error(`Coordinator stopped with threads still running: ${stragglers.join(", ")}`);
    }
    return stragglers;
  }

  #watch(thread: Thread): void {
    if (this.#watched.has(thread)) return;
    this.#watched.add(thread);
    thread.done.then(
      () => this.#ended.add(thread),
      (error) => {
        this.#ended.add(thread);
        // After a stop an error decides nothing any more, and a straggler's must not end the process.
        if (!this.shouldStop) this.requestStop(error);
      },
    );
  }

  async #endOrStop(ended: Promise<unknown>): Promise<void> {
    if (this.shouldStop) return;
    const { signal } = this;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    signal.addEventListener("abort", wake, { once: true });
    await Promise.race([ended, promise]);
    signal.removeEventListener("abort", wake);
  }
}

async function within(ended: Promise<unknown>, milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([ended, promise]);
  clearTimeout(timer);
}
