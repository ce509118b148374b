import type { LaunchTime } from "../engine/device.ts";
import { DeviceError } from "../util/errors.ts";
import type { WebGpuDevice } from "./device.ts";
import type { Step } from "./program.ts";

/**
 * Runs every step in a pass of its own between two timestamps.
 * Deno hands out raw ticks; their period is taken to be 1 ns, as on Mesa and NVIDIA.
 */
export async function profileProgram(
  device: WebGpuDevice,
  steps: readonly Step[],
): Promise<LaunchTime[]> {
  const { gpu } = device;
  if (!gpu.features.has("timestamp-query")) {
    throw new DeviceError(`${device.description} has no timestamps, so kernels cannot be timed`);
  }
  device.check();
  const count = steps.length * 2;
  const bytes = Math.max(256, count * 8);
  const querySet = gpu.createQuerySet({ type: "timestamp", count });
  const resolved = gpu.createBuffer({
    size: bytes,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const staging = gpu.createBuffer({
    size: bytes,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = gpu.createCommandEncoder();
  steps.forEach((step, i) => {
    const pass = encoder.beginComputePass({
      timestampWrites: {
        querySet,
        beginningOfPassWriteIndex: 2 * i,
        endOfPassWriteIndex: 2 * i + 1,
      },
    });
    pass.setPipeline(step.pipeline);
    pass.setBindGroup(0, step.bindGroup);
    pass.dispatchWorkgroups(step.grid[0], step.grid[1], step.grid[2]);
    pass.end();
  });
  encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
  gpu.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const ticks = new BigUint64Array(staging.getMappedRange().slice(0));
  staging.unmap();
  for (const resource of [querySet, resolved, staging]) resource.destroy();
  device.check();
  return steps.map(({ label, kernel }, i) => ({
    label,
    kernel,
    nanoseconds: Number(ticks[2 * i + 1] - ticks[2 * i]),
  }));
}
