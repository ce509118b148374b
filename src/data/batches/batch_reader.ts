// Takes the batches off the ring in order, and looks after the worker threads that fill it.

import { UserError } from "../../util/errors.ts";
import type { AugmentSpec } from "../augment/spec.ts";
import type { ImageStore } from "../image_store.ts";
import { Coordinator } from "../queues/coordinator.ts";
import {
  type BatchWork,
  CLOSED,
  COUNTERS,
  type Ring,
  ringBytes,
  type RingShape,
  viewRing,
  type WorkerMessage,
  type WorkerTask,
} from "./batch_ring.ts";
import { type Batch, SlotBatch } from "./slot_batch.ts";

/** What batches to make, and how. */
export interface BatchOptions {
  readonly store: ImageStore;
  readonly augment: AugmentSpec;
  readonly batchSize: number;
  /** Threads; by default one less than the cores, from 1 to 16. */
  readonly workers?: number;
  /** Batches kept ready or in work; by default two a worker and two more. */
  readonly slots?: number;
  /** After so long without the next batch, ms, the workers count as dead. Default 60,000. */
  readonly stallMs?: number;
  /** How long workers may take to end when the reader is closed, ms. Default 2,000. */
  readonly graceMs?: number;
  /** Another worker module, for tests. */
  readonly workerModule?: URL;
}

/** What went through the queue of batches so far. */
export interface QueueStats {
  /** Batches that the queue holds at most. */
  readonly capacity: number;
  /** Batches made by the workers, and taken by the reader. */
  readonly made: number;
  readonly taken: number;
  /** Over all batches taken, the sum of the batches that were ready at that moment. */
  readonly readySum: number;
  /** Time that the reader has waited, ms, and for how many batches. */
  readonly waitedMs: number;
  readonly notReady: number;
}

/** The default number of worker threads: one core is left to the main thread. */
export function defaultWorkers(cores: number = navigator.hardwareConcurrency): number {
  return Math.max(1, Math.min(cores - 1, 16));
}

/** A worker thread, and the promise of its end. */
interface WorkerThread {
  readonly name: string;
  readonly worker: Worker;
  readonly done: Promise<void>;
}

/** Starts the workers on a ring and takes the batches off it in order; of training or evaluation alike. */
export class RingReader {
  readonly #ring: Ring;
  readonly #batches: readonly SlotBatch[];
  readonly #coordinator = new Coordinator();
  readonly #threads: readonly WorkerThread[];
  readonly #firstBatch: number;
  readonly #stallMs: number;
  readonly #graceMs: number;
  #index = 0;
  #failure: Error | undefined;
  #interrupt: (() => void) | undefined;
  #waitedMs = 0;
  #notReady = 0;
  #readySum = 0;

  constructor(options: BatchOptions, work: BatchWork) {
    const { store, augment, batchSize, workers = defaultWorkers() } = options;
    const slots = options.slots ?? 2 * workers + 2;
    requireInteger("batchSize", batchSize, 1);
    requireInteger("workers", workers, 1);
    requireInteger("slots", slots, 1);
    requireInteger("number of images", store.count, 1);
    const shape: RingShape = { slots, batchSize, image: augment.crop, workers };
    const ring = new SharedArrayBuffer(ringBytes(shape));
    this.#ring = viewRing(ring, shape);
    const [limit, views] = work.mode === "eval" ? [store.count, work.views] : [Infinity, 1];
    this.#batches = this.#ring.slots.map((_, slot) =>
      new SlotBatch(this.#ring, slot, { limit, views })
    );
    this.#firstBatch = work.mode === "train" ? work.firstBatch : 0;
    this.#stallMs = options.stallMs ?? 60_000;
    this.#graceMs = options.graceMs ?? 2_000;
    const module = options.workerModule ?? new URL("./batch_worker.ts", import.meta.url);
    this.#threads = Array.from(
      { length: workers },
      (_, worker) => this.#start(module, { work, store: store.data, augment, ring, shape, worker }),
    );
  }

  #start(module: URL, task: WorkerTask): WorkerThread {
    const name = `input worker ${task.worker}`;
    const worker = new Worker(module, { type: "module", name });
    const done = new Promise<void>((resolve) => {
      worker.addEventListener("message", ({ data }: MessageEvent<WorkerMessage>) => {
        if (data.kind === "error") this.#fail(workerError(name, data));
        resolve();
      });
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        this.#fail(workerError(name, event));
        resolve();
      });
    });
    this.#coordinator.registerThread({ name, done });
    worker.postMessage(task);
    return { name, worker, done };
  }

  tryNext(): Batch | undefined {
    if (this.#failure) throw this.#failure;
    const slots = this.#batches.length;
    const slot = this.#index % slots;
    const filled = 2 * Math.floor(this.#index / slots) + 1;
    if (this.#batches[slot].held) {
      throw new Error(
        `Cannot take another batch as all ${slots} slots are in use: release a batch first`,
      );
    }
    if (Atomics.load(this.#ring.phases, slot) !== filled) return undefined;
    this.#readySum += this.#made() - this.#index;
    return this.#batches[slot].take(this.#firstBatch + this.#index++);
  }

  async next(): Promise<Batch> {
    const ready = this.tryNext();
    if (ready) return ready;
    this.#notReady++;
    const start = performance.now();
    // The timer also keeps the process alive while it waits: Atomics.waitAsync alone does not.
    const timer = setTimeout(() => this.#fail(this.#stalled()), this.#stallMs);
    try {
      return await this.#wait();
    } finally {
      clearTimeout(timer);
      this.#waitedMs += performance.now() - start;
    }
  }

  async #wait(): Promise<Batch> {
    const slot = this.#index % this.#batches.length;
    const empty = 2 * Math.floor(this.#index / this.#batches.length);
    while (true) {
      const waiting = Atomics.waitAsync(this.#ring.phases, slot, empty);
      if (waiting.async) await Promise.race([waiting.value, this.#interruption()]);
      const batch = this.tryNext();
      if (batch) return batch;
    }
  }

  /** Ends at a stop. One promise a wait: racing with one for life would grow its list of reactions. */
  #interruption(): Promise<void> {
    return new Promise((resolve) => this.#interrupt = resolve);
  }

  #made(): number {
    return Atomics.load(this.#ring.counters, COUNTERS.made);
  }

  #stalled(): Error {
    const batch = this.#index;
    const stuck = this.#threads.filter((_, i) => Atomics.load(this.#ring.working, i) === batch);
    const who = stuck.length === 1 ? stuck[0].name : "the worker threads";
    return new Error(
      `Cannot make batch ${this.#firstBatch + batch} as ${who} stood still for ${
        this.#stallMs / 1000
      } s`,
    );
  }

  stats(): QueueStats {
    return {
      capacity: this.#batches.length,
      made: this.#made(),
      taken: this.#index,
      readySum: this.#readySum,
      waitedMs: this.#waitedMs,
      notReady: this.#notReady,
    };
  }

  /** The first failure is the one that everybody hears of. */
  #fail(error: Error): void {
    this.#failure ??= error;
    this.#stop();
  }

  /** Stops the workers and waits for their end; those that do not end in time are terminated. */
  async close(): Promise<void> {
    this.#failure ??= new Error("Cannot take a batch as the loader is closed");
    this.#stop();
    try {
      await this.#coordinator.join([], {
        stopGracePeriodMs: this.#graceMs,
        ignoreLiveThreads: true,
      });
    } finally {
      for (const { worker } of this.#threads) worker.terminate();
    }
  }

  /** A closed phase ends the waiting of workers and reader alike. */
  #stop(): void {
    this.#coordinator.requestStop();
    const { phases } = this.#ring;
    for (let slot = 0; slot < phases.length; slot++) {
      Atomics.store(phases, slot, CLOSED);
      Atomics.notify(phases, slot);
    }
    this.#interrupt?.();
  }
}

function workerError(name: string, { message, hint }: { message: string; hint?: string }): Error {
  return hint === undefined
    ? new Error(`Cannot make batches as ${name} failed: ${message}`)
    : new UserError(message, { hint });
}

/** @throws {RangeError} unless the value is a safe integer of at least `minimum` */
export function requireInteger(name: string, value: number, minimum: number): void {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new RangeError(
      `Cannot make batches as ${name} must be an integer of at least ${minimum}: current value is ${value}`,
    );
  }
}
