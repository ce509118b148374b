/** The ladders: one problem by each family of kernels, from one thread an output to the best. */
import type { AdapterKind } from "../src/engine/launch.ts";
import { compile } from "../src/tensor/compile.ts";
import { VariableState } from "../src/tensor/state.ts";
import { formatTable } from "../src/util/table.ts";
import { fixed } from "../src/util/units.ts";
import type { AdapterChoice } from "../src/webgpu/adapter.ts";
import { WebGpuDevice } from "../src/webgpu/device.ts";
import { type Budget, createFence, time, type Timing } from "./measure.ts";
import { CONV1, CONV2, convProblem, matmulProblem, type Problem } from "./problems.ts";

/** A family of kernels, by the kind of adapter that it is made for. */
interface Rung {
  readonly name: string;
  readonly kind: AdapterKind;
}

const RUNGS: readonly Rung[] = [
  { name: "naive", kind: "naive" },
  { name: "register", kind: "software" },
  { name: "tiled", kind: "gpu" },
  { name: "subgroup", kind: "subgroup8" },
];

/** One rung of one ladder; without a time if the adapter cannot run it. */
export interface RungResult {
  readonly problem: string;
  readonly rung: string;
  /** Images in the batch; null for a product of matrices. */
  readonly batch: number | null;
  readonly flops?: number;
  /** Seconds of one run. */
  readonly time?: Timing;
  /** Why there is no time. */
  readonly skipped?: string;
}

/** On a processor the naive kernels would take minutes: they get this share of the batch. */
const NAIVE_SHARE = 1 / 16;
const BUDGET: Budget = { warmUps: 1, seconds: 0.5, samples: 3 };

/** The ladder of square products of matrices. */
export function matmulLadder(choice: AdapterChoice): Promise<RungResult[]> {
  return climb([512, 1024].map(matmulProblem), choice);
}

/** The ladders of the reference CNN's convolutions. */
export function convLadder(choice: AdapterChoice, batch: number): Promise<RungResult[]> {
  return climb([
    convProblem(CONV2, "forward", batch),
    convProblem(CONV2, "grad input", batch),
    convProblem(CONV2, "grad weight", batch),
    convProblem(CONV1, "forward", batch),
    convProblem(CONV1, "grad weight", batch),
  ], choice);
}

async function climb(
  problems: readonly Problem[],
  choice: AdapterChoice,
): Promise<RungResult[]> {
  const results: RungResult[] = [];
  for (const { kind, name } of RUNGS) {
    using device = await WebGpuDevice.open({ choice, kind });
    const skipped = reasonToSkip(device);
    for (const problem of problems) {
      const naive = kind === "naive" && device.adapter.isSoftware;
      const share = naive ? NAIVE_SHARE : 1;
      const batch = problem.batch && Math.max(1, Math.round(problem.batch * share));
      const about = { problem: problem.name, rung: name, batch };
      if (skipped !== undefined) results.push({ ...about, skipped });
      else results.push({ ...about, ...await timeProblem(device, { ...problem, batch }, BUDGET) });
    }
  }
  return problems.flatMap(({ name }) => results.filter(({ problem }) => problem === name));
}

/** Times one op on a device, with the kernels of the device's kind. */
export async function timeProblem(
  device: WebGpuDevice,
  problem: Problem,
  budget: Budget,
): Promise<{ flops: number; time: Timing }> {
  using state = new VariableState(device);
  using fence = createFence(device);
  using plan = await compile(state, { outputs: { y: problem.build(problem.batch ?? 1) } });
  const timing = await time({ run: () => plan.run(), finish: () => fence.wait() }, budget);
  return { flops: plan.summary.flops, time: timing };
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

/** The ladders as a table, and what was skipped; `x naive` is how many times more arithmetic a second than the first rung. */
export function formatLadder(results: readonly RungResult[], heading: string): string {
  const rate = ({ flops = 0, time }: RungResult) => time ? flops / time.median / 1e9 : 0;
  const rows = results.map((result) => {
    const { problem, rung, batch, flops = 0, time } = result;
    const first = rung === RUNGS[0].name ? problem : "";
    if (time === undefined) return [first, rung, batch ?? "-", "-", "-", "-", "-"];
    const naive = results.find((other) => other.problem === problem)!;
    return [
      first,
      rung,
      batch ?? "-",
      fixed(time.median * 1e3, 2),
      fixed(rate(result), 1),
      fixed(flops / time.minimum / 1e9, 1),
      fixed(rate(result) / rate(naive), 1),
    ];
  });
  const columns = ["problem", "kernels", "batch", "ms", "GFLOP/s", "best", "x naive"];
  const table = formatTable(rows, { heading, columns, indent: 2, align: "llrrrrr" });
  const skips = results.filter(({ skipped }) => skipped !== undefined)
    .map(({ rung, skipped }) => `  ${rung}: not timed, ${skipped}`);
  return [table, ...new Set(skips)].join("\n");
}
