/** Every op of the training step, timed on its own: by a GPU's clock, or between the CPU engine's barriers. */
import type { Device } from "../src/engine/device.ts";
import type { ProfileRow } from "../src/tensor/compile.ts";
import type { Cost } from "../src/tensor/tensor.ts";
import { formatTable } from "../src/util/table.ts";
import { fixed, formatShare } from "../src/util/units.ts";
import { median } from "./measure.ts";
import type { Net } from "./peers/nets/net.ts";
import { usesWinograd, winogradNote } from "./problems.ts";
import { createStep } from "./training_step.ts";

/** One op of the step. */
export interface OpTime extends Cost {
  readonly label: string;
  readonly kernels: readonly string[];
  readonly seconds: number;
}

const PROFILES = 7;
const LARGEST = 5;

/** The median of several profiles, op by op, in the order in which they run. */
export async function timeKernels(
  device: Device,
  batchSize: number,
  net?: Net,
): Promise<OpTime[]> {
  using step = await createStep(device, batchSize, net);
  const { trainer, batch } = step;
  trainer.run(batch);
  await trainer.losses();
  await trainer.plan.profile();
  const profiles: ProfileRow[][] = [];
  for (let i = 0; i < PROFILES; i++) profiles.push(await trainer.plan.profile());
  return profiles[0].map(({ label, kernels, cost }, row) => ({
    label,
    kernels,
    seconds: median(profiles.map((profile) => profile[row].nanoseconds)) / 1e9,
    ...cost,
  }));
}

/** The ops as a table with a total, and the largest named. */
export function formatKernels(ops: readonly OpTime[], batchSize: number): string {
  const total = ops.reduce(
    (sum, op) => ({
      seconds: sum.seconds + op.seconds,
      flops: sum.flops + op.flops,
      bytes: sum.bytes + op.bytes,
    }),
    { seconds: 0, flops: 0, bytes: 0 },
  );
  const row = (label: string, op: Omit<OpTime, "label" | "kernels">, kernels: string) => [
    label,
    fixed(op.seconds * 1e3, 2),
    formatShare(op.seconds / total.seconds),
    op.flops === 0 ? "-" : fixed(op.flops / op.seconds / 1e9, 1),
    fixed(op.bytes / op.seconds / 1e9, 1),
    kernels,
  ];
  const launches = ops.reduce((sum, op) => sum + op.kernels.length, 0);
  const rows = ops.map((op) => row(op.label, op, counted(op.kernels)));
  rows.push(row("total", total, `${ops.length} ops, ${launches} dispatches`));
  const largest = ops.toSorted((a, b) => b.seconds - a.seconds).slice(0, LARGEST)
    .map((op) => `${op.label} ${formatShare(op.seconds / total.seconds)}`);
  const table = formatTable(rows, {
    heading: `Ops of the training step, batch ${batchSize}`,
    columns: ["op", "ms", "share", "GFLOP/s", "GB/s", "kernels"],
    indent: 2,
    align: "lrrrrl",
  });
  const winograd = ops.filter(({ kernels }) => usesWinograd(kernels)).map(({ label }) => label);
  return `${table}\n  largest: ${largest.join("; ")}${winogradNote(winograd)}`;
}

/** Kernel names, those that follow one another counted: `copy_region x3`. */
function counted(kernels: readonly string[]): string {
  const runs: { name: string; count: number }[] = [];
  for (const name of kernels) {
    const last = runs.at(-1);
    if (last?.name === name) last.count++;
    else runs.push({ name, count: 1 });
  }
  return runs.map(({ name, count }) => count === 1 ? name : `${name} x${count}`).join(", ");
}
