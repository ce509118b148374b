/** What several tests share. */
import assert from "node:assert/strict";
import type { Device } from "../src/engine/device.ts";
import type { AdapterKind } from "../src/engine/launch.ts";
import type { SampleFill } from "../src/tensor/op.ts";
import { type DType, type Shape, sizeOf } from "../src/tensor/shape.ts";
import type { HostArray } from "../src/tensor/tensor.ts";
import { WasmDevice } from "../src/wasm/device.ts";
import { WebGpuDevice } from "../src/webgpu/device.ts";

/** A small generator for test data (Marsaglia's xorshift32), independent of the library's own. */
export function testRandom(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** Fills a sample's input; values are exact in float32. */
export function fillSample(
  shape: Shape,
  how: SampleFill | undefined,
  random: () => number,
): { data: HostArray; dtype: DType } {
  const size = sizeOf(shape);
  if (typeof how === "object" && "values" in how) {
    return { data: Float32Array.from(how.values), dtype: "f32" };
  }
  if (typeof how === "object") {
    const data = Uint32Array.from({ length: size }, () => Math.floor(random() * how.below));
    return { data, dtype: "u32" };
  }
  const make = {
    uniform: () => random() * 2 - 1,
    positive: () => random() + 0.5,
    quarters: () => Math.floor(random() * 8) / 4 - 1,
  }[how ?? "uniform"];
  return { data: Float32Array.from({ length: size }, make), dtype: "f32" };
}

const devices = new Map<string, Promise<WebGpuDevice>>();

/** One device for all tests of a file; kernels of the given kind, by default the adapter's own. */
export function testDevice(kind?: AdapterKind): Promise<WebGpuDevice> {
  const key = kind ?? "own";
  let device = devices.get(key);
  if (device === undefined) {
    device = WebGpuDevice.open({ kind });
    devices.set(key, device);
  }
  return device;
}

/** The kinds of kernels that this adapter can run: those of 8-lane subgroups only if it has them. */
export async function testableKinds(): Promise<AdapterKind[]> {
  const device = await testDevice();
  const kinds: AdapterKind[] = ["naive", "gpu", "software"];
  if (device.adapter.kind === "subgroup8") kinds.push("subgroup8");
  return kinds;
}

let cpu: Promise<WasmDevice> | undefined;

/** One CPU engine for all tests of a file, on two threads whatever the machine has. */
export function testCpu(): Promise<WasmDevice> {
  return cpu ??= WasmDevice.open({ threads: 2 });
}

/** A device to test, and what to call it. */
export interface TestDevice {
  readonly name: string;
  readonly device: Device;
}

/** Both engines, each with the kernels it would take itself. */
export async function testEngines(): Promise<TestDevice[]> {
  return [
    { name: "webgpu", device: await testDevice() },
    { name: "wasm", device: await testCpu() },
  ];
}

/** Every family of kernels that this machine can run: WebGPU's and the CPU engine's. */
export async function testDevices(): Promise<TestDevice[]> {
  const devices: TestDevice[] = [{ name: "wasm", device: await testCpu() }];
  for (const kind of await testableKinds()) {
    devices.push({ name: kind, device: await testDevice(kind) });
  }
  return devices;
}

/** The largest |actual - expected|, relative to the largest |expected| (at least `floor`). */
export function relativeError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  floor = 1e-6,
): number {
  assert.equal(actual.length, expected.length, "lengths differ");
  let worst = 0;
  let largest = floor;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    // NaN must not pass as a small difference.
    if (!(difference <= worst)) worst = difference;
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return worst / largest;
}

/** Asserts that two arrays agree to a relative error. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  const error = relativeError(actual, expected);
  assert.ok(error <= tolerance, `${what}: relative error ${error} exceeds ${tolerance}`);
}
