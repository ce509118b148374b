/** Puts a problem under `deno bench`. */
import type { Device } from "../src/engine/device.ts";
import { compile } from "../src/tensor/compile.ts";
import { VariableState } from "../src/tensor/state.ts";
import { backendOf, openCpu, tryWebGpu } from "./devices.ts";
import { createFence } from "./measure.ts";
import type { Problem } from "./problems.ts";

/** Few, as a naive kernel on a processor takes a quarter of a second. */
const RUNS = { n: 5, warmup: 1 } as const;

const naive = await tryWebGpu({ kind: "naive" });
const best = await tryWebGpu({});
const cpu = await openCpu();
if (typeof best === "string") console.error(`WebGPU is left out: ${best}`);
const devices: readonly Device[] = [naive, best, cpu].filter((device) =>
  typeof device !== "string"
);

/** Benchmarks in a group: WebGPU's naive kernels (the baseline), the adapter's own, the CPU engine. */
export async function benchProblem(problem: Problem): Promise<void> {
  const group = problem.batch ? `${problem.name}, batch ${problem.batch}` : problem.name;
  for (const device of devices) {
    const state = new VariableState(device);
    const plan = await compile(state, { outputs: { y: problem.build(problem.batch ?? 1) } });
    const fence = createFence(device);
    // Shaders are compiled at their first run, which may take seconds.
    plan.run();
    await fence.wait();
    const flops = (plan.summary.flops / 1e9).toFixed(2);
    const baseline = device === naive;
    const runs = baseline ? RUNS : {};
    const name = `${backendOf(device)}, ${flops} GFLOP`;
    Deno.bench({ name, group, baseline, ...runs }, async () => {
      plan.run();
      await fence.wait();
    });
  }
}
