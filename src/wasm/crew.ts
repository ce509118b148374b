import { DeviceError } from "../util/errors.ts";
import { CONTROL_END, MESSAGE_LENGTH, TABLE_WORDS, WORD } from "./control.ts";
import { SCRATCH_BYTES } from "./kernels.ts";
import { KERNEL_NAMES } from "./module.gen.ts";

/** How long a thread spins before it sleeps: about what waking a sleeper takes. */
const SPIN_MS = 0.05;

/** How many seconds the main thread waits for a worker before it gives it up. */
const LOST_SECONDS = 60;

type KernelFunction = (block: number, first: number, last: number, scratch: number) => void;

/** A worker's start. */
export interface CrewTask {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** 0 is the main thread. */
  readonly thread: number;
  readonly threads: number;
}

/**
 * One thread's part in running programs. All threads go through the same launches; the units of a launch
 * are handed out by a counter, and a barrier stands between launches. Each thread counts the phases it has
 * seen, so that none is missed however late it looks.
 */
export class CrewMember {
  readonly #kernels: readonly KernelFunction[];
  readonly #threads: number;
  readonly #scratch: number;
  readonly #isMain: boolean;
  readonly #words: Int32Array;
  #phase: number;

  constructor({ module, memory, thread, threads }: CrewTask) {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    this.#kernels = KERNEL_NAMES.map((name) => exports[name] as KernelFunction);
    this.#threads = threads;
    this.#scratch = CONTROL_END + thread * SCRATCH_BYTES;
    this.#isMain = thread === 0;
    this.#words = new Int32Array(memory.buffer);
    this.#phase = Atomics.load(this.#words, WORD.phase);
  }

  /** A worker's life: runs programs until told to quit. */
  serve(): void {
    const words = this.#words;
    for (;;) {
      this.#awaitPhase();
      if (Atomics.load(words, WORD.quit) === 1) break;
      this.#work();
    }
    Atomics.sub(words, WORD.alive, 1);
    Atomics.notify(words, WORD.alive);
  }

  /**
   * Runs a launch table together with the other threads; for the main thread.
   *
   * @throws {DeviceError} if a worker does not come back.
   */
  lead(table: Int32Array): void {
    // Without a barrier at its end a program could be over before the others have seen it begin.
    if (table.length === 0) return;
    const words = this.#words;
    words.set(table, WORD.table);
    words[WORD.launches] = table.length / TABLE_WORDS;
    words[WORD.failed] = 0;
    words[WORD.next] = 0;
    this.#advance();
    this.#work();
  }

  /** Lets the workers end; for the main thread. */
  dismiss(): void {
    Atomics.store(this.#words, WORD.quit, 1);
    this.#advance();
  }

  #work(): void {
    const words = this.#words;
    const launches = words[WORD.launches];
    for (let i = 0; i < launches; i++) {
      const entry = WORD.table + i * TABLE_WORDS;
      this.#launch(i, words[entry], words[entry + 1], words[entry + 2], words[entry + 3]);
      this.#barrier();
    }
  }

  #launch(i: number, kernel: number, units: number, chunk: number, block: number): void {
    const words = this.#words;
    if (words[WORD.failed] !== 0) return;
    const run = this.#kernels[kernel];
    try {
      for (;;) {
        const first = Atomics.add(words, WORD.next, chunk);
        if (first >= units) return;
        run(block, first, Math.min(first + chunk, units), this.#scratch);
      }
    } catch (error) {
      // The barriers go on, so that nobody waits for this thread; the main thread throws at the end.
      if (Atomics.compareExchange(words, WORD.failed, 0, i + 1) === 0) {
        const text = String(error).slice(0, MESSAGE_LENGTH);
        words[WORD.message] = text.length;
        for (let c = 0; c < text.length; c++) words[WORD.message + 1 + c] = text.charCodeAt(c);
      }
    }
  }

  #barrier(): void {
    if (this.#threads === 1) {
      this.#words[WORD.next] = 0;
      return;
    }
    const words = this.#words;
    if (Atomics.add(words, WORD.arrived, 1) === this.#threads - 1) {
      words[WORD.arrived] = 0;
      words[WORD.next] = 0;
      this.#advance();
    } else this.#awaitPhase();
  }

  /** Starts the next phase and wakes whoever sleeps. */
  #advance(): void {
    const words = this.#words;
    this.#phase = (this.#phase + 1) | 0;
    Atomics.store(words, WORD.phase, this.#phase);
    // Who goes to sleep counts itself first and then looks at the phase again, so nobody is missed.
    if (Atomics.load(words, WORD.sleepers) > 0) Atomics.notify(words, WORD.phase);
  }

  #awaitPhase(): void {
    const words = this.#words;
    const old = this.#phase;
    this.#phase = (old + 1) | 0;
    const deadline = performance.now() + SPIN_MS;
    for (let spins = 1; Atomics.load(words, WORD.phase) === old; spins++) {
      if (spins % 64 === 0 && performance.now() >= deadline) return this.#sleep(old);
    }
  }

  #sleep(old: number): void {
    const words = this.#words;
    Atomics.add(words, WORD.sleepers, 1);
    // Second by second: a single long wait would be over at once after the process was stopped and continued.
    for (let seconds = 0; Atomics.load(words, WORD.phase) === old;) {
      if (Atomics.wait(words, WORD.phase, old, this.#isMain ? 1000 : Infinity) === "timed-out") {
        seconds++;
      }
      if (this.#isMain && seconds === LOST_SECONDS) {
        throw new DeviceError(`a worker thread did not finish within ${LOST_SECONDS} s`);
      }
    }
    Atomics.sub(words, WORD.sleepers, 1);
  }
}
