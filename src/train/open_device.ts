import type { Device } from "../engine/device.ts";
import { DeviceError } from "../util/errors.ts";
import { findAdapter, type FoundAdapter } from "../webgpu/adapter.ts";
import { WebGpuDevice } from "../webgpu/device.ts";
import { prepareEnvironment } from "../webgpu/environment.ts";
import { WasmDevice } from "../wasm/device.ts";

/** Where to compute: the best there is, a GPU, a software adapter, or the CPU engine. */
export type DeviceChoice = "auto" | "gpu" | "software" | "cpu";

/** A device, and why it is this one. */
export interface OpenedDevice {
  readonly device: Device;
  /** One line: the engine, and with `auto` the reason. */
  readonly choice: string;
}

/**
 * Opens a device. `auto` takes a hardware adapter where there is one, else the CPU engine, which needs no
 * driver and is several times faster than a software adapter on the same cores.
 *
 * @param threads of the CPU engine.
 * @throws {DeviceError} if there is no such device.
 */
export async function openDevice(choice: DeviceChoice, threads: number): Promise<OpenedDevice> {
  if (choice === "cpu") {
    return { device: await WasmDevice.open({ threads }), choice: "the CPU engine, as asked for" };
  }
  if (choice !== "auto") {
    const device = await WebGpuDevice.open({ choice });
    return {
      device,
      choice: `WebGPU on a ${choice === "gpu" ? "GPU" : "software adapter"}, as asked for`,
    };
  }
  const found = await bestAdapter();
  if (found !== undefined && !found.isSoftware) {
    return { device: await WebGpuDevice.open(), choice: "WebGPU: there is a GPU" };
  }
  const reason = found === undefined
    ? "there is no WebGPU adapter"
    : `the only adapter, ${found.description}, is software`;
  return { device: await WasmDevice.open({ threads }), choice: `the CPU engine: ${reason}` };
}

async function bestAdapter(): Promise<FoundAdapter | undefined> {
  prepareEnvironment();
  try {
    return await findAdapter("auto");
  } catch (error) {
    if (error instanceof DeviceError) return undefined;
    throw error;
  }
}

/** What the rounding of a device's results depends on: the engine; on WebGPU adapter and kernels. */
export function deviceIdentity({ target, description }: Device): string {
  return target.engine === "wasm"
    ? "CPU engine"
    : `WebGPU, ${description}, kernels for ${target.kind}`;
}
