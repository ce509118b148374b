/** The ladders: one problem by each family of kernels, or on more and more threads, up to the best. */
import type { Device } from "../src/engine/device.ts";
import type { AdapterKind } from "../src/engine/launch.ts";
import { compile } from "../src/tensor/compile.ts";
import { VariableState } from "../src/tensor/state.ts";
import { formatTable } from "../src/util/table.ts";
import { fixed } from "../src/util/units.ts";
import { WasmDevice } from "../src/wasm/device.ts";
import type { AdapterChoice } from "../src/webgpu/adapter.ts";
import { WebGpuDevice } from "../src/webgpu/device.ts";
import { countThreads, tryWebGpu } from "./devices.ts";
import { type Budget, createFence, time, type Timing } from "./measure.ts";
import {
  CONV1,
  CONV2,
  convProblem,
  localProblem,
  matmulProblem,
  type Problem,
  usesWinograd,
  winogradNote,
} from "./problems.ts";

/** Where to climb: on an adapter, or the CPU engine with up to so many threads. */
export interface LadderSettings {
  readonly device: AdapterChoice | "cpu";
  readonly threads: number;
}

/** What a rung computes on, opened when its turn comes. */
interface Rung {
  readonly name: string;
  open(): Promise<OpenRung>;
}

interface OpenRung {
  /** Nothing, if there is no such device. */
  readonly device?: Device;
  /** Another name, if it depends on the device. */
  readonly name?: string;
  /** Why it is not timed. */
  readonly skipped?: string;
  /** The share of the batch that is timed. */
  readonly share?: number;
}

/** The families of WebGPU kernels, by the kind of adapter that each is made for. */
const FAMILIES: readonly { readonly name: string; readonly kind: AdapterKind }[] = [
  { name: "naive", kind: "naive" },
  { name: "register", kind: "software" },
  { name: "tiled", kind: "gpu" },
  { name: "subgroup", kind: "subgroup8" },
];

/** One rung of one ladder; without a time if it cannot run here. */
export interface RungResult {
  readonly problem: string;
  readonly rung: string;
  /** Images in the batch; null for a product of matrices. */
  readonly batch: number | null;
  readonly flops?: number;
  /** Whether it takes fewer multiplications than `flops` counts. */
  readonly winograd?: boolean;
  /** Seconds of one run. */
  readonly time?: Timing;
  /** Why there is no time. */
  readonly skipped?: string;
}

/** On a processor the naive kernels would take minutes: they get this share of the batch. */
const NAIVE_SHARE = 1 / 16;
const BUDGET: Budget = { warmUps: 1, seconds: 0.5, samples: 3 };

/** The ladder of square products of matrices. */
export function matmulLadder(settings: LadderSettings): Promise<RungResult[]> {
  return climb([512, 1024].map(matmulProblem), rungsOf(settings));
}

/** The ladders of the reference CNN's convolutions. */
export function convLadder(settings: LadderSettings, batch: number): Promise<RungResult[]> {
  return climb([
    convProblem(CONV2, "forward", batch),
    convProblem(CONV2, "grad input", batch),
    convProblem(CONV2, "grad weight", batch),
    convProblem(CONV1, "forward", batch),
    convProblem(CONV1, "grad weight", batch),
  ], rungsOf(settings));
}

/** The ladders of cuda-convnet's two locally connected layers. */
export function localLadder(settings: LadderSettings, batch: number): Promise<RungResult[]> {
  const parts = ["forward", "grad input", "grad weight"] as const;
  const problems = [64, 32].flatMap((o) => parts.map((part) => localProblem(o, part, batch)));
  return climb(problems, rungsOf(settings));
}

function rungsOf({ device, threads }: LadderSettings): readonly Rung[] {
  if (device !== "cpu") return FAMILIES.map(({ name, kind }) => webGpuRung(name, kind, device));
  const counts = [...new Set([1, threads])];
  return [...counts.map(cpuRung), comparison()];
}

function cpuRung(threads: number): Rung {
  return {
    name: countThreads(threads),
    open: async () => ({ device: await WasmDevice.open({ threads }) }),
  };
}

/** The software adapter's best, on the same cores. */
function comparison(): Rung {
  const name = "webgpu";
  return {
    name,
    async open() {
      const device = await tryWebGpu({ choice: "software" });
      if (typeof device === "string") return { skipped: device };
      return { device, name: `${name} ${device.kind}` };
    },
  };
}

function webGpuRung(name: string, kind: AdapterKind, choice: AdapterChoice): Rung {
  return {
    name,
    async open() {
      const device = await WebGpuDevice.open({ choice, kind });
      const naive = kind === "naive" && device.adapter.isSoftware;
      return { device, skipped: reasonToSkip(device), share: naive ? NAIVE_SHARE : 1 };
    },
  };
}

function reasonToSkip({ kind, adapter }: WebGpuDevice): string | undefined {
  if (kind !== "subgroup8") return undefined;
  if (!adapter.hasSubgroups) return "the adapter has no subgroups";
  const { subgroupMinSize: low, subgroupMaxSize: high } = adapter.adapter.info;
  if (low === 8 && high === 8) return undefined;
  return `needs subgroups of 8 lanes, the adapter's have ${
    low === high ? low : `${low} to ${high}`
  }`;
}

async function climb(
  problems: readonly Problem[],
  rungs: readonly Rung[],
): Promise<RungResult[]> {
  const results: RungResult[] = [];
  for (const { name, open } of rungs) {
    const { device, name: rung = name, skipped, share = 1 } = await open();
    try {
      for (const problem of problems) {
        const batch = problem.batch && Math.max(1, Math.round(problem.batch * share));
        const about = { problem: problem.name, rung, batch };
        if (device === undefined || skipped !== undefined) results.push({ ...about, skipped });
        else {
          results.push({ ...about, ...await timeProblem(device, { ...problem, batch }, BUDGET) });
        }
      }
    } finally {
      device?.destroy();
    }
  }
  return problems.flatMap(({ name }) => results.filter(({ problem }) => problem === name));
}

/** Times one op on a device, with the kernels that the device chooses. */
export async function timeProblem(
  device: Device,
  problem: Problem,
  budget: Budget,
): Promise<{ flops: number; winograd: boolean; time: Timing }> {
  using state = new VariableState(device);
  using fence = createFence(device);
  using plan = await compile(state, { outputs: { y: problem.build(problem.batch ?? 1) } });
  const timing = await time({ run: () => plan.run(), finish: () => fence.wait() }, budget);
  // Only the CPU engine has such kernels; an adapter may have no timestamps to profile with.
  const winograd = device.target.engine === "wasm" &&
    (await plan.profile()).some(({ kernels }) => usesWinograd(kernels));
  return { flops: plan.summary.flops, winograd, time: timing };
}

/** The ladders as a table, and what was skipped; the last column is how many times more arithmetic a second than the first rung. */
export function formatLadder(results: readonly RungResult[], heading: string): string {
  const rate = ({ flops = 0, time }: RungResult) => time ? flops / time.median / 1e9 : 0;
  const bottom = results[0].rung;
  const rows = results.map((result) => {
    const { problem, rung, batch, flops = 0, time } = result;
    const first = rung === bottom ? problem : "";
    if (time === undefined) return [first, rung, batch ?? "-", "-", "-", "-", "-"];
    const base = results.find((other) => other.problem === problem)!;
    return [
      first,
      rung,
      batch ?? "-",
      fixed(time.median * 1e3, 2),
      fixed(rate(result), 1),
      fixed(flops / time.minimum / 1e9, 1),
      fixed(rate(result) / rate(base), 1),
    ];
  });
  const columns = ["problem", "rung", "batch", "ms", "GFLOP/s", "best", `x ${bottom}`];
  const table = formatTable(rows, { heading, columns, indent: 2, align: "llrrrrr" });
  const skips = results.filter(({ skipped }) => skipped !== undefined)
    .map(({ rung, skipped }) => `  ${rung}: not timed, ${skipped}`);
  const winograd = results.filter(({ winograd }) => winograd).map(({ problem }) => problem);
  return [table, ...new Set(skips)].join("\n") + winogradNote(winograd);
}
