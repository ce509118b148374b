/** `deno task bench`: the engine, the ops of the step, the whole step, its encoding, the ladders. */
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
import { WasmDevice } from "../src/wasm/device.ts";
import { WebGpuDevice } from "../src/webgpu/device.ts";
import { backendOf, countThreads, open } from "./devices.ts";
import { formatInput, timeInput } from "./input.ts";
import { formatKernels, timeKernels } from "./kernels.ts";
import { convLadder, formatLadder, localLadder, matmulLadder } from "./ladder.ts";
import { netOf } from "./peers/nets/nets.ts";
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
  input: async (config) => {
    const json = await timeInput(async () => (await open(config)).device, config.batchSize);
    return { json, text: formatInput(json, config.batchSize) };
  },
  "ladder-matmul": async (config) => {
    const json = await matmulLadder(config);
    return { json, text: formatLadder(json, "Ladder of the matrix product") };
  },
  "ladder-conv": async (config) => {
    const json = await convLadder(config, config.batchSize);
    return { json, text: formatLadder(json, "Ladder of the convolutions") };
  },
  "ladder-local": async (config) => {
    const json = await localLadder(config, config.batchSize);
    return { json, text: formatLadder(json, "Ladder of the locally connected layers") };
  },
};

/** The parts that a net has of its own: the others are of the reference's input and products. */
const OF_A_NET: ReadonlySet<string> = new Set(["kernels", "step", "encode"]);

/** The encoding must stay below this many seconds, so that it never keeps a GPU waiting. */
const ENCODE_TARGET = 0.6e-3;

/**
 * Times kernels, the step and the ladders: `deno task bench`.
 *
 * @throws {ConfigError} if `--only` names no part, or one that `--net` does not reach.
 */
export async function benchCommand(config: BenchConfig): Promise<void> {
  const names = partNames(config);
  const about = await engine(config);
  if (!config.json) console.log(about.text);
  const { batchSize, net } = config;
  const json: Record<string, unknown> = { engine: about.json, batchSize, net };
  for (const name of names) {
    const part = await PARTS[name](about.config);
    json[name] = part.json;
    if (!config.json) console.log(`\n${part.text}`);
  }
  if (config.json) console.log(JSON.stringify(json));
}

function partNames({ only, net }: Pick<BenchConfig, "only" | "net">): string[] {
  const all = Object.keys(PARTS);
  const names = net === "reference" ? all : all.filter((name) => OF_A_NET.has(name));
  if (only === null) return names;
  if (names.includes(only)) return [only];
  if (all.includes(only)) {
    throw new ConfigError(`--net is read by --only ${names.join(", ")}: found --only ${only}`, {
      hint: `leave out --net, or choose --only ${names[0]}`,
    });
  }
  const near = nearest(only, names) ?? names.find((name) => name.endsWith(only));
  throw new ConfigError(
    `--only must be one of ${names.join(", ")}: found ${JSON.stringify(only)}`,
    { hint: near === undefined ? "leave it out to time everything" : `did you mean ${near}?` },
  );
}

/** What is measured; `config` names the engine where it was left to `auto`. */
async function engine(config: BenchConfig): Promise<Part & { readonly config: BenchConfig }> {
  using opened = await open(config);
  const { device, choice } = opened;
  const machine = { cores: navigator.hardwareConcurrency, deno: Deno.version.deno };
  const on = `${machine.cores} cores, deno ${machine.deno}`;
  if (device instanceof WasmDevice) {
    const { description: name, threads } = device;
    const json = { engine: "wasm", name, threads, choice, ...machine };
    const text = `CPU engine, WebAssembly SIMD, ${countThreads(threads)} on ${on}` +
      (config.device === "auto" ? `; ${choice}` : "");
    return { json, text, config: { ...config, device: "cpu" } };
  }
  if (!(device instanceof WebGpuDevice)) throw new Error(`Cannot tell what ${choice} is`);
  const { description: name, kind, adapter: { isSoftware } } = device;
  const timestamps = device.gpu.features.has("timestamp-query");
  const json = { engine: "webgpu", name, kind, isSoftware, timestamps, choice, ...machine };
  const where = isSoftware ? "software" : "hardware";
  const text = `WebGPU, ${name}, ${where}, kernels for ${kind}, ${on}`;
  return { json, text, config };
}

async function kernels(config: BenchConfig): Promise<Part> {
  using opened = await open(config);
  const { device } = opened;
  if (device instanceof WebGpuDevice && !device.gpu.features.has("timestamp-query")) {
    const skipped = `${device.description} has no timestamps`;
    return { json: { skipped }, text: `Ops of the training step: not timed, as ${skipped}` };
  }
  const json = await timeKernels(device, config.batchSize, netOf(config.net));
  return { json, text: formatKernels(json, config.batchSize) };
}

async function step(config: BenchConfig): Promise<Part> {
  using opened = await open(config);
  const json = await timeStep(opened.device, config.batchSize, netOf(config.net));
  return { json, text: formatStep(json, config.batchSize, backendOf(opened.device)) };
}

function formatStep(result: StepResult, batchSize: number, backend: string): string {
  const { time, imagesPerSecond, dispatches, flops, planBytes, unsharedBytes } = result;
  const best = `best ${fixed(batchSize / time.minimum, 1)}`;
  const rows = [
    ["images/s", `${fixed(imagesPerSecond, 1)} (median of ${time.samples}, ${best})`],
    ["a step", `${formatDuration(time.median)}, ${formatFlops(flops)}`],
    ["arithmetic", formatFlopRate(flops / time.median)],
    backend.startsWith("wasm")
      ? ["launches", String(dispatches)]
      : ["dispatches", `${dispatches}, in one submit`],
    ["plan", `${formatBytes(planBytes)}; its intermediates unshared ${formatBytes(unsharedBytes)}`],
    ["memory", `${formatBytes(result.deviceBytes)} with parameters and averages`],
  ];
  const heading = `The whole step, ${backend}, batch ${batchSize}, without making the batch`;
  return formatTable(rows, { heading, indent: 2, align: "ll" });
}

async function encode({ device: choice, batchSize, net }: BenchConfig): Promise<Part> {
  if (choice === "cpu") {
    const skipped = "the CPU engine encodes nothing: a step is one call that computes";
    return { json: { skipped }, text: `JavaScript's time of a step: left out, as ${skipped}` };
  }
  using device = await WebGpuDevice.open({ choice });
  const json = { ...await timeEncode(device, batchSize, netOf(net)), target: ENCODE_TARGET };
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
