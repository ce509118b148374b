// Takes the batches off the ring in order, and looks after the worker threads that fill it.

import {
  type BatchMode,
  CLOSED,
  type Ring,
  ringBytes,
  viewRing,
  type WorkerTask,
} from "./batch_ring.ts";
import type { Records } from "../records.ts";

/** One batch in shared memory. It is valid until it is released; its memory is then used again. */
export interface Batch {
  /** Standardized floats, [B, 24, 24, 3]. */
  readonly images: Float32Array;
  /** [B] */
  readonly labels: Uint32Array;
  /** Index of each image in the records, [B]. */
  readonly ids: Uint32Array;
  /** The number of the batch, from 0: in training, the step it is for. */
  readonly step: number;
  /** How many of the B images count: all, except in the last batch of an evaluation (the rest is zero). */
  readonly count: number;
  /** Gives the memory back. `using batch = …` does it at the end of the block. */
  release(): void;
  [Symbol.dispose](): void;
}

/** What batches to make, and how. */
export interface BatchOptions {
  readonly records: Records;
  readonly batchSize: number;
  /** Threads; by default one less than the cores, from 1 to 16. */
  readonly workers?: number;
  /** Batches kept ready or in work; by default two a worker and two more. */
  readonly slots?: number;
  /** After so long without the next batch, ms, the workers count as dead. Default 60,000. */
  readonly stallMs?: number;
  /** Another worker module, for tests. */
  readonly workerModule?: URL;
}

/** The default number of worker threads: one core is left to the main thread. */
export function defaultWorkers(cores: number = navigator.hardwareConcurrency): number {
  return Math.max(1, Math.min(cores - 1, 16));
}

/** What the workers of one reader shall make. */
export interface Work {
  readonly mode: BatchMode;
  readonly seed: number;
  readonly firstBatch: number;
  readonly batches: number;
}

/** Starts the workers on a ring and takes the batches off it in order; of training or evaluation alike. */
export class RingReader {
  readonly #ring: Ring;
  readonly #batches: readonly SlotBatch[];
  readonly #workers: readonly Worker[];
  readonly #firstBatch: number;
  readonly #stallMs: number;
  #index = 0;
  #failure: Error | undefined;
  #interrupt: (() => void) | undefined;
  waitedMs = 0;
  notReady = 0;

  constructor(options: BatchOptions, work: Work) {
    const { records, batchSize, workers = defaultWorkers(), stallMs = 60_000 } = options;
    const slots = options.slots ?? 2 * workers + 2;
    requireInteger("batchSize", batchSize, 1);
    requireInteger("workers", workers, 1);
    requireInteger("slots", slots, 1);
    requireInteger("number of records", records.count, 1);
    const buffer = new SharedArrayBuffer(ringBytes(slots, batchSize));
    this.#ring = viewRing(buffer, slots, batchSize);
    const limit = work.mode === "eval" ? records.count : Infinity;
    this.#batches = this.#ring.slots.map((_, slot) => new SlotBatch(this.#ring, slot, limit));
    this.#firstBatch = work.firstBatch;
    this.#stallMs = stallMs;
    const task: WorkerTask = { ...work, records: records.buffer, ring: buffer, slots, batchSize };
    const module = options.workerModule ?? new URL("./batch_worker.ts", import.meta.url);
    this.#workers = Array.from({ length: workers }, () => this.#start(module, task));
  }

  #start(module: URL, task: WorkerTask): Worker {
    const worker = new Worker(module, { type: "module" });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#fail(new Error(`Cannot make batches as a worker thread failed: ${event.message}`));
    });
    worker.postMessage(task);
    return worker;
  }

  tryNext(): Batch | undefined {
    if (this.#failure) throw this.#failure;
    const slot = this.#index % this.#batches.length;
    const filled = 2 * Math.floor(this.#index / this.#batches.length) + 1;
    if (this.#batches[slot].held) {
      throw new Error(
        `Cannot take another batch as all ${this.#batches.length} slots are in use: release a batch first`,
      );
    }
    if (Atomics.load(this.#ring.phases, slot) !== filled) return undefined;
    return this.#batches[slot].take(this.#firstBatch + this.#index++);
  }

  async next(): Promise<Batch> {
    const ready = this.tryNext();
    if (ready) return ready;
    this.notReady++;
    const start = performance.now();
    // The timer also keeps the process alive while it waits: Atomics.waitAsync alone does not.
    const timer = setTimeout(() => {
      this.#fail(new Error("Cannot make batches as the worker threads stand still"));
    }, this.#stallMs);
    try {
      return await this.#wait();
    } finally {
      clearTimeout(timer);
      this.waitedMs += performance.now() - start;
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

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#stop();
  }

  close(): void {
    this.#failure ??= new Error("Cannot take a batch as the loader is closed");
    this.#stop();
  }

  /** A closed phase ends the waiting of workers and reader alike. */
  #stop(): void {
    const { phases } = this.#ring;
    for (let slot = 0; slot < phases.length; slot++) {
      Atomics.store(phases, slot, CLOSED);
      Atomics.notify(phases, slot);
    }
    for (const worker of this.#workers) worker.terminate();
    this.#interrupt?.();
  }
}

/** The batch in one slot; made once, used again in every round. */
class SlotBatch implements Batch {
  readonly images: Float32Array;
  readonly labels: Uint32Array;
  readonly ids: Uint32Array;
  readonly #phases: Int32Array;
  readonly #slot: number;
  readonly #limit: number;
  step = 0;
  count = 0;
  held = false;

  constructor(ring: Ring, slot: number, limit: number) {
    ({ images: this.images, labels: this.labels, ids: this.ids } = ring.slots[slot]);
    this.#phases = ring.phases;
    this.#slot = slot;
    this.#limit = limit;
  }

  take(step: number): this {
    const batchSize = this.ids.length;
    this.step = step;
    this.count = Math.min(batchSize, this.#limit - step * batchSize);
    this.held = true;
    return this;
  }

  release(): void {
    if (!this.held) return;
    this.held = false;
    const filled = Atomics.load(this.#phases, this.#slot);
    if (filled === CLOSED) return;
    Atomics.store(this.#phases, this.#slot, filled + 1);
    Atomics.notify(this.#phases, this.#slot);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** @throws {RangeError} unless the value is a safe integer of at least `minimum` */
export function requireInteger(name: string, value: number, minimum: number): void {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new RangeError(
      `Cannot make batches as ${name} must be an integer of at least ${minimum}: current value is ${value}`,
    );
  }
}
