import type { BoundLaunch, BufferSlice, Device, DeviceBuffer, Program } from "../engine/device.ts";
import { CapacityError } from "../engine/capacity.ts";
import { MemoryLedger } from "../engine/memory.ts";
import { debug } from "../util/debug.ts";
import { DeviceError } from "../util/errors.ts";
import { eventLoopTurn } from "../util/event_loop.ts";
import { CONTROL_END, WORD } from "./control.ts";
import { alignUp, Heap, HEAP_ALIGNMENT } from "./heap.ts";
import { SCRATCH_BYTES } from "./kernels.ts";
import { prepareProgram } from "./program.ts";
import { startThreads, type Threads } from "./threads.ts";

const PAGE = 65536;
/** Pages by which the memory grows: each time all threads are interrupted, and pages cost nothing until written. */
const GROWTH_PAGES = 1024;
/** Pages that the memory may grow to: all that 32-bit addresses reach, less where the system refuses. */
const LARGEST_PAGES = [65536, 49152, 32768, 16384, 8192];

/** How to open the CPU engine. */
export interface WasmOptions {
  /** Threads that compute, the main one included; by default one a core. */
  readonly threads?: number;
  /** The most bytes that may be held at once. */
  readonly memoryBudget?: number;
}

/** The CPU as an engine: WebAssembly SIMD on all cores, buffers in one shared memory. */
export class WasmDevice implements Device {
  readonly description: string;
  readonly target = { engine: "wasm" } as const;
  readonly alignment = HEAP_ALIGNMENT;
  readonly maxBindingBytes: number;
  readonly maxBytes: number;
  readonly memory: MemoryLedger;
  readonly threads: number;
  readonly #threads: Threads;
  readonly #wasm: WebAssembly.Memory;
  readonly #limit: number;
  readonly #heap: Heap;
  readonly #buffers = new Map<DeviceBuffer, number>();
  #bytes: Uint8Array;
  #failure: DeviceError | undefined;
  #destroyed = false;

  private constructor(wasm: WebAssembly.Memory, pages: number, threads: Threads, budget?: number) {
    this.threads = threads.workers.length + 1;
    this.description = `CPU, WebAssembly SIMD on ${this.threads} thread${
      this.threads === 1 ? "" : "s"
    }`;
    this.memory = new MemoryLedger(budget);
    this.#threads = threads;
    this.#wasm = wasm;
    this.#heap = new Heap(CONTROL_END + this.threads * SCRATCH_BYTES);
    this.#limit = pages * PAGE;
    const room = this.#limit - this.#heap.end - HEAP_ALIGNMENT;
    this.maxBindingBytes = Math.min(2 ** 31, room);
    this.maxBytes = Math.min(this.memory.budget, room);
    this.#bytes = new Uint8Array(wasm.buffer);
  }

  /**
   * Starts the threads.
   *
   * @throws {DeviceError} if a thread cannot start.
   * @throws {RangeError} if `threads` is no whole number from 1 to 256.
   */
  static async open({ threads, memoryBudget }: WasmOptions = {}): Promise<WasmDevice> {
    const count = threads ?? navigator.hardwareConcurrency;
    if (!Number.isInteger(count) || count < 1 || count > 256) {
      throw new RangeError(`Cannot run on ${count} threads: it must be a number from 1 to 256`);
    }
    const { memory, pages } = createMemory((CONTROL_END + count * SCRATCH_BYTES) / PAGE);
    const device = new WasmDevice(memory, pages, await startThreads(memory, count), memoryBudget);
    debug(1, () => `engine: ${device.description}, at most ${pages * PAGE} bytes`);
    return device;
  }

  allocate(bytes: number, label: string): DeviceBuffer {
    this.check();
    const size = Math.max(HEAP_ALIGNMENT, alignUp(bytes));
    if (!this.memory.fits(size)) {
      throw new CapacityError(
        `Cannot allocate ${label} as the memory budget is ${this.memory.budget} bytes: ` +
          `${size} bytes are needed beside ${this.memory.used} in use`,
      );
    }
    const used = this.#heap.end;
    // Kernels read whole vectors, beyond the last tensor too.
    this.#reach(this.#heap.endAfter(size) + HEAP_ALIGNMENT, label, size);
    const offset = this.#heap.allocate(size);
    // What was never handed out is zero already, and stays unbacked until it is written.
    if (offset < used) this.#bytes.fill(0, offset, Math.min(offset + size, used));
    const buffer: DeviceBuffer = { bytes: size, label };
    this.#buffers.set(buffer, offset);
    this.memory.add(label, size);
    debug(3, () => `buffer: ${label}, ${size} bytes at ${offset}, ${this.memory.used} in use`);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const offset = this.#buffers.get(buffer);
    if (offset === undefined) return;
    this.#heap.release(offset);
    this.#buffers.delete(buffer);
    this.memory.remove(buffer.label, buffer.bytes);
  }

  /** Where a buffer lies in the shared memory, in bytes. */
  resolve(buffer: DeviceBuffer): number {
    const offset = this.#buffers.get(buffer);
    if (offset === undefined) throw new Error(`Cannot use buffer ${buffer.label} as it was freed`);
    return offset;
  }

  write({ buffer, offset, bytes }: BufferSlice, data: ArrayBufferView<ArrayBufferLike>): void {
    if (data.byteLength > bytes || data.byteLength % 4 !== 0) {
      throw new RangeError(
        `Cannot write ${data.byteLength} bytes to ${buffer.label} as its slice has ${bytes}`,
      );
    }
    const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#bytes.set(source, this.resolve(buffer) + offset);
  }

  async read({ buffer, offset, bytes }: BufferSlice): Promise<ArrayBuffer> {
    this.check();
    const start = this.resolve(buffer) + offset;
    const copy = new Uint8Array(bytes);
    copy.set(this.#bytes.subarray(start, start + bytes));
    // Programs run on this thread, so that this is where signals and timers get their turn.
    await eventLoopTurn();
    return copy.buffer;
  }

  prepare(launches: readonly BoundLaunch[]): Promise<Program> {
    this.check();
    return Promise.resolve(prepareProgram(this, launches));
  }

  /** Runs a launch table; which launch failed and why, if one did. */
  run(table: Int32Array): { readonly launch: number; readonly message: string } | undefined {
    this.check();
    try {
      this.#threads.main.lead(table);
    } catch (error) {
      this.#failure = error as DeviceError;
      throw error;
    }
    const words = new Int32Array(this.#bytes.buffer, 0, CONTROL_END / 4);
    if (words[WORD.failed] === 0) return undefined;
    const length = words[WORD.message];
    const text = words.subarray(WORD.message + 1, WORD.message + 1 + length);
    return { launch: words[WORD.failed] - 1, message: String.fromCharCode(...text) };
  }

  /** Notes a failure, which every later call throws: a trapped kernel leaves its results half written. */
  fail(message: string): DeviceError {
    this.#failure = new DeviceError(message);
    return this.#failure;
  }

  /** Worker threads that have not ended. */
  get aliveWorkers(): number {
    return Atomics.load(new Int32Array(this.#bytes.buffer, 0, CONTROL_END / 4), WORD.alive);
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#destroyed) throw new Error("Cannot use a device after destroy()");
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    for (const buffer of [...this.#buffers.keys()]) this.free(buffer);
    this.#threads.main.dismiss();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Grows the memory up to `end`. */
  #reach(end: number, label: string, size: number): void {
    const missing = end - this.#bytes.byteLength;
    if (missing <= 0) return;
    try {
      if (end > this.#limit) throw new RangeError("the address space is full");
      this.#grow(Math.ceil(missing / PAGE));
    } catch (error) {
      throw new CapacityError(
        `Cannot allocate ${label} as the memory cannot grow beyond ${this.#limit} bytes: ` +
          `${size} bytes are needed beside ${this.memory.used} in use`,
        error,
      );
    }
    this.#bytes = new Uint8Array(this.#wasm.buffer);
  }

  /** Grows by whole steps, or by what is needed where that is too much. */
  #grow(pages: number): void {
    const steps = Math.ceil(pages / GROWTH_PAGES) * GROWTH_PAGES;
    const left = (this.#limit - this.#bytes.byteLength) / PAGE;
    try {
      this.#wasm.grow(Math.min(steps, left));
    } catch {
      this.#wasm.grow(pages);
    }
  }
}

/** A shared memory that may grow as far as the system lets it. */
function createMemory(initial: number): { memory: WebAssembly.Memory; pages: number } {
  for (const pages of LARGEST_PAGES) {
    try {
      return {
        memory: new WebAssembly.Memory({ initial, maximum: pages, shared: true }),
        pages,
      };
    } catch {
      // Address space is reserved up front, and may be limited.
    }
  }
  throw new DeviceError("Cannot reserve address space for the CPU engine", {
    hint: "raise the limit of virtual memory (ulimit -v)",
  });
}
