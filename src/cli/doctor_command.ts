import { totalmem } from "node:os";
import type { DoctorAdapter, DoctorProblem, DoctorReport } from "../report/doctor.ts";
import { formatDoctorJson, formatDoctorText } from "../report/doctor.ts";
import { matmul } from "../ops/matmul.ts";
import { compile } from "../tensor/compile.ts";
import { VariableState } from "../tensor/state.ts";
import { constant } from "../tensor/tensor.ts";
import type { DoctorConfig } from "../train/config.ts";
import type { Device } from "../engine/device.ts";
import { DeviceError } from "../util/errors.ts";
import { WasmDevice } from "../wasm/device.ts";
import type { AdapterChoice } from "../webgpu/adapter.ts";
import { WebGpuDevice } from "../webgpu/device.ts";

/** Size of the matrices that are multiplied. */
const SIZE = 512;
const MEASURE_MS = 1000;

/** Shows both engines and what they can do: `deno task doctor`. Exits with 1 if a device that was asked for is not there. */
export async function doctorCommand({ json, device, threads }: DoctorConfig): Promise<void> {
  const problems: DoctorProblem[] = [];
  const adapters = device === "cpu" ? [] : await examineAdapter(device, problems);
  using cpu = await WasmDevice.open({ threads });
  const report: DoctorReport = {
    deno: Deno.version.deno,
    os: `${Deno.build.os} ${Deno.build.arch}`,
    cores: navigator.hardwareConcurrency,
    memory: totalmem(),
    cpu: { name: cpu.description, threads: cpu.threads, matmulGflops: await matmulGflops(cpu) },
    adapters,
    problems,
  };
  console.log(json ? formatDoctorJson(report) : formatDoctorText(report));
  const wanted = device === "gpu" || device === "software";
  if (wanted && adapters.length === 0) Deno.exitCode = 1;
}

/** The adapter that WebGPU gives, if any; what is missing is added to the problems. */
async function examineAdapter(
  choice: AdapterChoice,
  problems: DoctorProblem[],
): Promise<DoctorAdapter[]> {
  try {
    using device = await WebGpuDevice.open({ choice });
    const described = describe(device, await matmulGflops(device));
    if (device.adapter.isSoftware) {
      problems.push({
        what: `${device.description} computes on the CPU`,
        fix:
          "if this machine has a GPU, install its Vulkan driver; until then the CPU engine trains",
      });
    }
    if (!device.gpu.features.has("timestamp-query")) {
      problems.push({
        what: "the device has no timestamps",
        fix: "`deno task bench` cannot time single kernels here; all else works",
      });
    }
    return [described];
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    problems.push({ what: error.message, fix: `${error.hint}; until then the CPU engine trains` });
    return [];
  }
}

function describe({ adapter, gpu, kind }: WebGpuDevice, gflops: number): DoctorAdapter {
  const { info, limits, features } = adapter.adapter;
  const names = [...features, ...gpu.features];
  const values: Record<string, number> = {};
  for (const name in limits) {
    const value = limits[name as keyof GPUSupportedLimits];
    if (typeof value === "number") values[name] = value;
  }
  return {
    name: adapter.description,
    vendor: info.vendor,
    driver: driverOf(adapter.description, info),
    kind,
    isFallback: adapter.isSoftware,
    features: [...new Set(names)].sort(),
    limits: values,
    matmulGflops: gflops,
  };
}

/**
 * WebGPU in Deno names the adapter but not its driver; on Linux the Vulkan loader's manifests tell which
 * drivers there are.
 */
function driverOf(description: string, { architecture }: GPUAdapterInfo): string {
  if (/^llvmpipe/.test(description)) return "lavapipe, of Mesa";
  if (architecture !== "") return architecture;
  const names = new Set<string>();
  for (const folder of ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]) {
    try {
      for (const { name } of Deno.readDirSync(folder)) {
        names.add(name.replace(/(_icd.*)?\.json$/, ""));
      }
    } catch {
      // Not there: no Linux, or no driver of that place.
    }
  }
  return names.size === 0
    ? "not told"
    : `one of the Vulkan drivers ${[...names].sort().join(", ")}`;
}

/** The speed of a 512^3 matrix product over about one second, in GFLOP/s. */
async function matmulGflops(device: Device): Promise<number> {
  using state = new VariableState(device);
  const random = () =>
    constant(Float32Array.from({ length: SIZE * SIZE }, Math.random), [SIZE, SIZE]);
  using plan = await compile(state, { outputs: { y: matmul(random(), random()) } });
  const flops = 2 * SIZE ** 3;
  const timed = async (runs: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < runs; i++) plan.run();
    await plan.read("y");
    return performance.now() - start;
  };
  await timed(1);
  let runs = 1;
  let elapsed = await timed(runs);
  while (elapsed < MEASURE_MS / 4 && runs < 1 << 20) elapsed = await timed(runs *= 2);
  runs = Math.max(1, Math.round(runs * MEASURE_MS / elapsed));
  return flops * runs / await timed(runs) / 1e6;
}
