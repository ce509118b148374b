/** Puts a problem under `deno bench`. */
import { compile } from "../src/tensor/compile.ts";
import { VariableState } from "../src/tensor/state.ts";
import { WebGpuDevice } from "../src/webgpu/device.ts";
import { createFence } from "./measure.ts";
import type { Problem } from "./problems.ts";

/** Few, as a naive kernel on a processor takes a quarter of a second. */
const RUNS = { n: 5, warmup: 1 } as const;

const best = await WebGpuDevice.open();
const naive = await WebGpuDevice.open({ kind: "naive" });

/** Two benchmarks in a group: the naive kernels, which are its baseline, and the adapter's own. */
export async function benchProblem(problem: Problem): Promise<void> {
  const group = problem.batch ? `${problem.name}, batch ${problem.batch}` : problem.name;
  for (const device of [naive, best]) {
    const state = new VariableState(device);
    const plan = await compile(state, { outputs: { y: problem.build(problem.batch ?? 1) } });
    const fence = createFence(device);
    // Shaders are compiled at their first run, which may take seconds.
    plan.run();
    await fence.wait();
    const flops = (plan.summary.flops / 1e9).toFixed(2);
    const baseline = device === naive;
    const runs = baseline ? RUNS : {};
    Deno.bench({ name: `${device.kind}, ${flops} GFLOP`, group, baseline, ...runs }, async () => {
      plan.run();
      await fence.wait();
    });
  }
}
