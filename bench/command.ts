/** `deno task bench`: the adapter, the ops of the step, the whole step, its encoding, the ladders. */
import type { BenchConfig } from "../src/train/config.ts";
import { ConfigError } from "../src/util/errors.ts";
import { nearest } from "../src/util/suggest.ts";
import { formatTable } from "../src/util/table.ts";
import {
  fixed,
  formatBytes,
  formatDuration,
  formatFlopRate,
  formatFlops,
} from "../src/util/units.ts";
import { WebGpuDevice } from "../src/webgpu/device.ts";
import { formatKernels, timeKernels } from "./kernels.ts";
import { convLadder, formatLadder, matmulLadder } from "./ladder.ts";
import { type EncodeResult, type StepResult, timeEncode, timeStep } from "./training_step.ts";

/** What a part found, for machines and for people. */
interface Part {
  readonly json: unknown;
  readonly text: string;
}

/** Every part in the order in which it is printed; `--only` takes one. */
const PARTS: Readonly<Record<string, (config: BenchConfig) => Promise<Part>>> = {
  kernels,
  step,
  encode,
  "ladder-matmul": async ({ device }) => {
    const json = await matmulLadder(device);
    return { json, text: formatLadder(json, "Ladder of the matrix product") };
  },
  "ladder-conv": async ({ device, batchSize }) => {
    const json = await convLadder(device, batchSize);
    return { json, text: formatLadder(json, "Ladder of the convolutions") };
  },
};

/** The encoding must stay below this many seconds, so that it never keeps a GPU waiting. */
const ENCODE_TARGET = 0.6e-3;

/**
 * Times kernels, the step and the ladders: `deno task bench`.
 *
 * @throws {ConfigError} if `--only` names no part.
 */
export async function benchCommand(config: BenchConfig): Promise<void> {
  const names = partNames(config.only);
  const about = await adapter(config);
  if (!config.json) console.log(about.text);
  const json: Record<string, unknown> = { adapter: about.json, batchSize: config.batchSize };
  for (const name of names) {
    const part = await PARTS[name](config);
    json[name] = part.json;
    if (!config.json) console.log(`\n${part.text}`);
  }
  if (config.json) console.log(JSON.stringify(json));
}

function partNames(only: string | null): string[] {
  const names = Object.keys(PARTS);
  if (only === null) return names;
  if (names.includes(only)) return [only];
  const near = nearest(only, names) ?? names.find((name) => name.endsWith(only));
  throw new ConfigError(
    `--only must be one of ${names.join(", ")}: found ${JSON.stringify(only)}`,
    { hint: near === undefined ? "leave it out to time everything" : `did you mean ${near}?` },
  );
}

async function adapter({ device: choice }: BenchConfig): Promise<Part> {
  using device = await WebGpuDevice.open({ choice });
  const json = {
    name: device.description,
    kind: device.kind,
    isSoftware: device.adapter.isSoftware,
    timestamps: device.gpu.features.has("timestamp-query"),
    cores: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
  };
  const where = json.isSoftware ? `on ${json.cores} cores` : "hardware";
  const text = `${json.name}, ${where}, kernels for ${json.kind}, deno ${json.deno}`;
  return { json, text };
}

async function kernels({ device: choice, batchSize }: BenchConfig): Promise<Part> {
  using device = await WebGpuDevice.open({ choice });
  if (!device.gpu.features.has("timestamp-query")) {
    const skipped = `${device.description} has no timestamps`;
    return { json: { skipped }, text: `Ops of the training step: not timed, as ${skipped}` };
  }
  const json = await timeKernels(device, batchSize);
  return { json, text: formatKernels(json, batchSize) };
}

async function step({ device: choice, batchSize }: BenchConfig): Promise<Part> {
  using device = await WebGpuDevice.open({ choice });
  const json = await timeStep(device, batchSize);
  return { json, text: formatStep(json, batchSize) };
}

function formatStep(result: StepResult, batchSize: number): string {
  const { time, imagesPerSecond, dispatches, flops, planBytes, unsharedBytes } = result;
  const best = `best ${fixed(batchSize / time.minimum, 1)}`;
  const rows = [
    ["images/s", `${fixed(imagesPerSecond, 1)} (median of ${time.samples}, ${best})`],
    ["a step", `${formatDuration(time.median)}, ${formatFlops(flops)}`],
    ["arithmetic", formatFlopRate(flops / time.median)],
    ["dispatches", `${dispatches}, in one submit`],
    ["plan", `${formatBytes(planBytes)}; its intermediates unshared ${formatBytes(unsharedBytes)}`],
    ["device", `${formatBytes(result.deviceBytes)} with parameters and averages`],
  ];
  const heading = `The whole step, batch ${batchSize}, without making the batch`;
  return formatTable(rows, { heading, indent: 2, align: "ll" });
}

async function encode({ device: choice, batchSize }: BenchConfig): Promise<Part> {
  using device = await WebGpuDevice.open({ choice });
  const json = { ...await timeEncode(device, batchSize), target: ENCODE_TARGET };
  return { json, text: formatEncode(json) };
}

function formatEncode({ median, minimum, runs, batch, dispatches }: EncodeResult): string {
  const verdict = median < ENCODE_TARGET ? "below" : "NOT below";
  const rows = [
    ["a step", `${formatDuration(median)} (median of ${runs}, best ${formatDuration(minimum)})`],
    ["a dispatch", formatDuration(median / dispatches)],
    ["target", `${verdict} ${formatDuration(ENCODE_TARGET)}`],
  ];
  const heading = `JavaScript's time to upload, encode and submit, batch ${batch}, ` +
    `${dispatches} dispatches`;
  return formatTable(rows, { heading, indent: 2, align: "ll" });
}
