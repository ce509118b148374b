/** The engines as the benchmarks open them. */
import type { Device } from "../src/engine/device.ts";
import { type DeviceChoice, openDevice } from "../src/train/open_device.ts";
import { DeviceError } from "../src/util/errors.ts";
import { WasmDevice } from "../src/wasm/device.ts";
import { WebGpuDevice } from "../src/webgpu/device.ts";

/** Where to compute; `threads` are the CPU engine's. */
export interface DeviceSettings {
  readonly device: DeviceChoice | "webgpu";
  readonly threads: number;
}

/** A device that is destroyed at the end of its block. */
export interface OpenDevice extends Disposable {
  readonly device: Device;
  /** Why it is this one, in one line. */
  readonly choice: string;
}

/** Opens what training would take, what is named, or with `webgpu` the best adapter that there is. */
export async function open({ device: choice, threads }: DeviceSettings): Promise<OpenDevice> {
  const opened = choice === "webgpu"
    ? { device: await WebGpuDevice.open(), choice: "WebGPU, as asked for" }
    : await openDevice(choice, threads);
  return { ...opened, [Symbol.dispose]: () => opened.device.destroy() };
}

/** `wasm, 2 threads` or `webgpu, subgroup8`. */
export function backendOf(device: Device): string {
  const { target } = device;
  if (target.engine === "webgpu") return `webgpu, ${target.kind}`;
  return device instanceof WasmDevice ? `wasm, ${countThreads(device.threads)}` : target.engine;
}

/** `1 thread`, `2 threads`. */
export function countThreads(threads: number): string {
  return threads === 1 ? "1 thread" : `${threads} threads`;
}

/**
 * The CPU engine for `deno bench`: on all cores where its module may be read, which worker threads need,
 * else on one thread, which needs no permission.
 */
export async function openCpu(): Promise<WasmDevice> {
  const path = new URL("../src/wasm/worker.ts", import.meta.url);
  const { state } = Deno.permissions.querySync({ name: "read", path });
  return await WasmDevice.open({ threads: state === "granted" ? undefined : 1 });
}

/** A WebGPU device, or why there is none. */
export async function tryWebGpu(
  options: Parameters<typeof WebGpuDevice.open>[0],
): Promise<WebGpuDevice | string> {
  try {
    return await WebGpuDevice.open(options);
  } catch (error) {
    if (error instanceof DeviceError) return error.message;
    throw error;
  }
}
