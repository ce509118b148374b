import type { BoundLaunch, BufferSlice, Device, DeviceBuffer, Program } from "../engine/device.ts";
import type { AdapterKind, Target } from "../engine/launch.ts";
import { CapacityError } from "../engine/capacity.ts";
import { MemoryLedger } from "../engine/memory.ts";
import { debug } from "../util/debug.ts";
import { envFlag } from "../util/env.ts";
import { DeviceError, DeviceLostError } from "../util/errors.ts";
import { eventLoopTurn } from "../util/event_loop.ts";
import { type AdapterChoice, findAdapter, type FoundAdapter } from "./adapter.ts";
import { prepareEnvironment } from "./environment.ts";
import { PipelineCache } from "./pipelines.ts";
import { prepareProgram } from "./program.ts";
import { StagingPool } from "./staging.ts";

/** Limits that are raised from WebGPU's small defaults to what the adapter has. */
const RAISED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupStorageSize",
] as const;

/** How to open a device. */
export interface WebGpuOptions {
  readonly choice?: AdapterChoice;
  /** Forces a family of kernels; for tests and comparisons. */
  readonly kind?: AdapterKind;
  /** The most bytes that may be held at once. */
  readonly memoryBudget?: number;
  /** Overrides of limits, for tests. */
  readonly limits?: Partial<Record<(typeof RAISED_LIMITS)[number], number>>;
}

/** Deno's native WebGPU as an engine. */
export class WebGpuDevice implements Device {
  readonly description: string;
  readonly kind: AdapterKind;
  readonly target: Target;
  readonly alignment: number;
  readonly maxBindingBytes: number;
  readonly memory: MemoryLedger;
  readonly adapter: FoundAdapter;
  readonly gpu: GPUDevice;
  readonly pipelines: PipelineCache;
  readonly #maxBufferBytes: number;
  readonly #staging: StagingPool;
  readonly #buffers = new Map<DeviceBuffer, GPUBuffer>();
  #maxBytes: number;
  #failure: DeviceError | undefined;
  #destroyed = false;

  private constructor(found: FoundAdapter, gpu: GPUDevice, options: WebGpuOptions) {
    this.adapter = found;
    this.gpu = gpu;
    this.description = found.description;
    this.kind = options.kind ?? forcedKind() ?? found.kind;
    this.target = { engine: "webgpu", kind: this.kind };
    this.alignment = gpu.limits.minStorageBufferOffsetAlignment;
    // WebGPU grants no less than its defaults: lower limits are kept here.
    const { maxBufferSize = Infinity, maxStorageBufferBindingSize = Infinity } = options.limits ??
      {};
    this.maxBindingBytes = Math.min(
      gpu.limits.maxStorageBufferBindingSize,
      maxStorageBufferBindingSize,
    );
    this.#maxBufferBytes = Math.min(gpu.limits.maxBufferSize, maxBufferSize);
    this.memory = new MemoryLedger(options.memoryBudget);
    this.#maxBytes = this.memory.budget;
    this.pipelines = new PipelineCache(gpu);
    this.#staging = new StagingPool(gpu);
    // Without a listener every error is silent and results are plausible zeros.
    gpu.addEventListener("uncapturederror", (event) => {
      event.preventDefault?.();
      const { error } = event as GPUUncapturedErrorEvent;
      this.#failure ??= new DeviceError(`the device reported: ${firstLines(error.message)}`, {
        hint: "see KILN_DEBUG=2 for the launches; if memory ran out, use a smaller --batch-size",
      });
    });
    gpu.lost.then((info) => {
      if (this.#destroyed) return;
      // More telling than what failed because of it.
      this.#failure = new DeviceLostError(`the device was lost: ${info.message || info.reason}`, {
        hint:
          "checkpoints that were written are intact: check the driver's log, then go on with --resume",
      });
    });
  }

  /**
   * Opens an adapter and a device on it.
   *
   * @throws {DeviceError} if there is no such adapter.
   */
  static async open(options: WebGpuOptions = {}): Promise<WebGpuDevice> {
    prepareEnvironment();
    const found = await findAdapter(options.choice ?? "auto");
    const requiredLimits: Record<string, number> = {};
    for (const name of RAISED_LIMITS) {
      requiredLimits[name] = options.limits?.[name] ?? found.adapter.limits[name];
    }
    const requiredFeatures: GPUFeatureName[] = [];
    if (found.adapter.features.has("timestamp-query")) requiredFeatures.push("timestamp-query");
    if (found.hasSubgroups) requiredFeatures.push("subgroups" as GPUFeatureName);
    const gpu = await found.adapter.requestDevice({ requiredFeatures, requiredLimits });
    const device = new WebGpuDevice(found, gpu, options);
    if (device.kind === "subgroup8" && found.kind !== "subgroup8") {
      device.destroy();
      // Its broadcasts would read lanes that do not exist, and give numbers all the same.
      throw new DeviceError(
        `Cannot use kernels for subgroups of 8 lanes: ${found.description} does not have exactly 8`,
        { hint: "unset KILN_ADAPTER" },
      );
    }
    debug(
      1,
      () =>
        `adapter: ${device.description}, kernels for ${device.kind}, features: ${[
          ...gpu.features,
        ]}`,
    );
    return device;
  }

  allocate(bytes: number, label: string): DeviceBuffer {
    this.check();
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const limit = this.#maxBufferBytes;
    if (size > limit || !this.memory.fits(size)) {
      throw new CapacityError(
        `Cannot allocate ${label} as the ${
          size > limit ? "adapter's buffer limit" : "memory budget"
        } is ` +
          `${size > limit ? limit : this.memory.budget} bytes: ${size} bytes are needed` +
          (size > limit ? "" : ` beside ${this.memory.used} in use`),
      );
    }
    const buffer: DeviceBuffer = { bytes: size, label };
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    this.gpu.pushErrorScope("out-of-memory");
    this.#buffers.set(buffer, this.gpu.createBuffer({ label, size, usage }));
    const { used } = this.memory;
    this.gpu.popErrorScope().then((error) => error && this.#runOut(buffer, used));
    this.memory.add(label, size);
    debug(3, () => `buffer: ${label}, ${size} bytes, ${this.memory.used} in use`);
    return buffer;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** WebGPU does not tell how much memory there is: what was held when it ran out is what fits. */
  #runOut({ bytes, label }: DeviceBuffer, used: number): void {
    this.#maxBytes = Math.min(this.#maxBytes, used);
    this.#failure ??= new CapacityError(
      `Cannot allocate ${label} as the device is out of memory: ` +
        `${bytes} bytes are needed beside ${used} in use`,
    );
  }

  free(buffer: DeviceBuffer): void {
    const real = this.#buffers.get(buffer);
    if (real === undefined) return;
    // Not left to the garbage collector, which does not see device memory.
    real.destroy();
    this.#buffers.delete(buffer);
    this.memory.remove(buffer.label, buffer.bytes);
  }

  /** The WebGPU buffer behind a handle. */
  resolve(buffer: DeviceBuffer): GPUBuffer {
    const real = this.#buffers.get(buffer);
    if (real === undefined) throw new Error(`Cannot use buffer ${buffer.label} as it was freed`);
    return real;
  }

  write(slice: BufferSlice, data: ArrayBufferView<ArrayBufferLike>): void {
    if (data.byteLength > slice.bytes || data.byteLength % 4 !== 0) {
      throw new RangeError(
        `Cannot write ${data.byteLength} bytes to ${slice.buffer.label} as its slice has ${slice.bytes}`,
      );
    }
    this.gpu.queue.writeBuffer(
      this.resolve(slice.buffer),
      slice.offset,
      // Deno's types leave out shared memory, which it takes.
      data as ArrayBufferView<ArrayBuffer>,
    );
  }

  async read(slice: BufferSlice): Promise<ArrayBuffer> {
    this.check();
    let copy: ArrayBuffer;
    try {
      copy = await this.#staging.read(this.resolve(slice.buffer), slice.offset, slice.bytes);
    } catch (error) {
      await eventLoopTurn();
      this.check();
      throw new DeviceError(`Cannot read ${slice.buffer.label}: ${firstLines(String(error))}`, {
        cause: error,
      });
    }
    // A loop of reads alone never lets the event loop turn, and errors would wait for ever.
    await eventLoopTurn();
    this.check();
    return copy;
  }

  async prepare(launches: readonly BoundLaunch[]): Promise<Program> {
    // Allocations that failed are told as events, and are the cause of whatever fails here.
    await eventLoopTurn();
    this.check();
    const program = await prepareProgram(this, launches);
    await eventLoopTurn();
    this.check();
    return program;
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#destroyed) throw new Error("Cannot use a device after destroy()");
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    for (const buffer of [...this.#buffers.keys()]) this.free(buffer);
    this.#staging.destroy();
    this.gpu.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

function forcedKind(): AdapterKind | undefined {
  const kind = envFlag("KILN_ADAPTER");
  return kind === "auto" ? undefined : kind;
}

/** The start of a validation message on one line: wgpu's messages are trees over many lines. */
export function firstLines(message: string): string {
  return message.split("\n").map((line) => line.trim()).filter((line) => line !== "").slice(0, 6)
    .join(" ");
}
