import type { BoundLaunch, BufferSlice, LaunchTime, Program } from "../engine/device.ts";
import { debug } from "../util/debug.ts";
import { DeviceError } from "../util/errors.ts";
import type { WebGpuDevice } from "./device.ts";
import { firstLines } from "./device.ts";
import type { Pipeline } from "./pipelines.ts";
import { profileProgram } from "./profile.ts";

/** A launch ready to encode. */
export interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly grid: readonly [number, number, number];
  readonly label: string;
  readonly kernel: string;
}

/** WebGPU's largest minUniformBufferOffsetAlignment, good on every adapter. */
const UNIFORM_ALIGNMENT = 256;

/** Compiles the kernels, packs all params into one uniform buffer, and makes the bind groups. */
export async function prepareProgram(
  device: WebGpuDevice,
  launches: readonly BoundLaunch[],
): Promise<Program> {
  const { gpu } = device;
  gpu.pushErrorScope("out-of-memory");
  gpu.pushErrorScope("validation");
  const uniforms = uniformBuffer(gpu, launches);
  const steps: Step[] = [];
  let failed: GPUError | null = null;
  let current = "";
  try {
    for (const [i, bound] of launches.entries()) {
      current = `${bound.label} (${bound.launch.kernel})`;
      let pipeline: Pipeline;
      let bindGroup: GPUBindGroup;
      gpu.pushErrorScope("validation");
      try {
        pipeline = device.pipelines.get(bound.launch);
        bindGroup = bind(device, pipeline, bound, uniforms, i);
      } finally {
        failed = await gpu.popErrorScope();
      }
      if (failed !== null) {
        device.pipelines.forget(bound.launch);
        break;
      }
      const { kernel, grid, overrides, lines } = bound.launch;
      debug(
        2,
        () => `launch ${i}: ${current}, grid ${grid} ${JSON.stringify({ ...overrides, ...lines })}`,
      );
      steps.push({ pipeline: pipeline.pipeline, bindGroup, grid, label: bound.label, kernel });
    }
  } catch (error) {
    uniforms.destroy();
    throw error;
  } finally {
    const [validation, memory] = [await gpu.popErrorScope(), await gpu.popErrorScope()];
    failed ??= validation ?? memory;
  }
  if (failed !== null) {
    uniforms.destroy();
    throw new DeviceError(`Cannot prepare ${current}: ${firstLines(failed.message)}`, {
      hint: "KILN_DEBUG=4 prints the shader; if memory ran out, use a smaller --batch-size",
    });
  }
  return {
    dispatches: steps.length,
    run() {
      device.check();
      const encoder = gpu.createCommandEncoder();
      const pass = encoder.beginComputePass();
      let last: GPUComputePipeline | undefined;
      for (const step of steps) {
        if (step.pipeline !== last) pass.setPipeline(step.pipeline);
        last = step.pipeline;
        pass.setBindGroup(0, step.bindGroup);
        pass.dispatchWorkgroups(step.grid[0], step.grid[1], step.grid[2]);
      }
      pass.end();
      gpu.queue.submit([encoder.finish()]);
    },
    profile(): Promise<LaunchTime[]> {
      return profileProgram(device, steps);
    },
    destroy() {
      uniforms.destroy();
    },
  };
}

function uniformBuffer(gpu: GPUDevice, launches: readonly BoundLaunch[]): GPUBuffer {
  const all = new Uint8Array(Math.max(launches.length, 1) * UNIFORM_ALIGNMENT);
  launches.forEach(({ launch }, i) => all.set(launch.params, i * UNIFORM_ALIGNMENT));
  const buffer = gpu.createBuffer({
    label: "params",
    size: all.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  gpu.queue.writeBuffer(buffer, 0, all);
  return buffer;
}

function bind(
  device: WebGpuDevice,
  { layout, hasParams }: Pipeline,
  { launch, slices }: BoundLaunch,
  uniforms: GPUBuffer,
  position: number,
): GPUBindGroup {
  const entries: GPUBindGroupEntry[] = slices.map((slice, binding) => ({
    binding,
    resource: { buffer: device.resolve(slice.buffer), offset: slice.offset, size: padded(slice) },
  }));
  if (hasParams) {
    // A uniform struct's size is rounded up to 16 bytes.
    const size = Math.ceil(launch.params.byteLength / 16) * 16;
    const offset = position * UNIFORM_ALIGNMENT;
    entries.push({ binding: slices.length, resource: { buffer: uniforms, offset, size } });
  }
  return device.gpu.createBindGroup({ layout, entries });
}

/** Kernels that view a buffer as vec4 need whole ones; every buffer's size is a multiple of 16 bytes. */
function padded(slice: BufferSlice): number {
  return Math.min(Math.ceil(slice.bytes / 16) * 16, slice.buffer.bytes - slice.offset);
}
