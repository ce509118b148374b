import type { Launch, Target } from "./launch.ts";
import type { MemoryLedger } from "./memory.ts";

/** A block of device memory. Freed by `Device.free`, never by the garbage collector. */
export interface DeviceBuffer {
  readonly bytes: number;
  readonly label: string;
}

/** A range of a buffer, in bytes; `offset` is a multiple of `Device.alignment`. */
export interface BufferSlice {
  readonly buffer: DeviceBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** A launch with its operands replaced by real memory. */
export interface BoundLaunch {
  readonly launch: Launch;
  readonly slices: readonly BufferSlice[];
  /** The op and the tensor it makes, for profiles and error messages. */
  readonly label: string;
}

/** The time that one launch took on the device. */
export interface LaunchTime {
  readonly label: string;
  readonly kernel: string;
  readonly nanoseconds: number;
}

/** A fixed list of launches, made once and replayed. */
export interface Program {
  readonly dispatches: number;
  /** Queues one replay; need not wait for it. */
  run(): void;
  /** Runs once with a timestamp around every launch. Throws `DeviceError` if the device has no timestamps. */
  profile(): Promise<LaunchTime[]>;
  destroy(): void;
}

/** An engine: allocates memory, moves data, replays programs. Errors of the device are thrown at the next call. */
export interface Device {
  /** Adapter name as its driver gives it. */
  readonly description: string;
  /** What ops choose their kernels by. */
  readonly target: Target;
  /** Offsets of slices are multiples of this many bytes. */
  readonly alignment: number;
  /** The largest slice that a launch can bind, in bytes. */
  readonly maxBindingBytes: number;
  /** The most bytes that may be held at once; Infinity if only the driver knows. */
  readonly maxBytes: number;
  readonly memory: MemoryLedger;
  /** Zero-filled memory. Throws `CapacityError` if it exceeds a limit or the budget. */
  allocate(bytes: number, label: string): DeviceBuffer;
  free(buffer: DeviceBuffer): void;
  write(slice: BufferSlice, data: ArrayBufferView<ArrayBufferLike>): void;
  /** Copies a slice to the host after everything queued so far has run. */
  read(slice: BufferSlice): Promise<ArrayBuffer>;
  /** Compiles kernels and binds buffers. Throws `DeviceError` with the shader's message. */
  prepare(launches: readonly BoundLaunch[]): Promise<Program>;
  /** Throws what the device reported since the last call, if anything. */
  check(): void;
  destroy(): void;
}
