/**
 * What all peers share: flags, the reference CNN's shapes, one fixed batch, one initialization and
 * the measuring loop. Parameters and batch are the same numbers in every peer (and in
 * `pytorch.py`), so that equal losses prove that the same net is trained.
 */

import process from "node:process";
import { parseArgs } from "node:util";

export const LEARNING_RATE = 0.1;
export const WEIGHT_DECAY = 0.004;
export const CLASSES = 10;

/** Name: shape, standard deviation of the truncated normal, or the constant of a bias. */
export const PARAMETERS = {
  "conv1/weights": { shape: [5, 5, 3, 64], deviation: 0.05 },
  "conv1/biases": { shape: [64], constant: 0 },
  "conv2/weights": { shape: [5, 5, 64, 64], deviation: 0.05 },
  "conv2/biases": { shape: [64], constant: 0.1 },
  "local3/weights": { shape: [2304, 384], deviation: 0.04 },
  "local3/biases": { shape: [384], constant: 0.1 },
  "local4/weights": { shape: [384, 192], deviation: 0.04 },
  "local4/biases": { shape: [192], constant: 0.1 },
  "softmax_linear/weights": { shape: [192, 10], deviation: 1 / 192 },
  "softmax_linear/biases": { shape: [10], constant: 0 },
} as const;

export type ParameterName = keyof typeof PARAMETERS;
export const PARAMETER_NAMES = Object.keys(PARAMETERS) as ParameterName[];

/** The one line that a peer prints. */
export interface PeerResult {
  readonly peer: string;
  readonly version: string;
  readonly backend: string;
  readonly batch: number;
  /** Steps timed after the first. */
  readonly steps?: number;
  /** Seconds of the first step, with every compilation that it needs. */
  readonly first_step_s: number;
  /** When the first step was finished, in milliseconds since 1970; `run.ts` subtracts the start. */
  readonly first_step_at: number;
  /** Seconds from the start of the process to the end of the first step; added by `run.ts`. */
  readonly start_s?: number;
  /** The most memory that was resident, in MB of 1e6 bytes. */
  readonly rss_mb: number;
  readonly step_s_median: number;
  readonly images_per_s: number;
  readonly loss_first: number;
  readonly loss_last: number;
  /** How this peer's program differs, if it does. */
  readonly note?: string;
}

export interface Flags {
  readonly batch: number;
  readonly steps: number;
  readonly seconds: number;
  readonly variant: string;
  /** Of programs that compute on the CPU. */
  readonly threads: number;
  /** kiln's. */
  readonly device: string;
  /** Whether kiln makes its batches. */
  readonly input: boolean;
}

/**
 * `--batch`, `--steps` (after the first), `--seconds` (limit of those), `--threads`, `--variant`; and
 * kiln's `--device` and `--input`.
 */
export function flags(): Flags {
  const { values } = parseArgs({
    options: {
      batch: { type: "string", default: "128" },
      steps: { type: "string", default: "5" },
      seconds: { type: "string", default: "60" },
      variant: { type: "string", default: "" },
      threads: { type: "string", default: String(navigator.hardwareConcurrency) },
      device: { type: "string", default: "auto" },
      input: { type: "boolean", default: false },
    },
  });
  const number = (name: "batch" | "steps" | "seconds" | "threads") => {
    const value = Number(values[name]);
    if (!(value > 0)) {
      throw new RangeError(
        `Cannot use --${name} as it is not positive: ${values[name]}`,
      );
    }
    return value;
  };
  return {
    batch: number("batch"),
    steps: number("steps"),
    seconds: number("seconds"),
    variant: values.variant,
    threads: number("threads"),
    device: values.device,
    input: values.input,
  };
}

/** Standard normal numbers, redrawn beyond `limit`: Box-Muller on hashes of (stream, counter). */
export function normals(
  stream: number,
  count: number,
  limit = Infinity,
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let n = 0, counter = 0; n < count; counter++) {
    const radius = Math.sqrt(-2 * Math.log(uniform(2 * stream, counter)));
    const z = radius * Math.cos(2 * Math.PI * uniform(2 * stream + 1, counter));
    if (Math.abs(z) <= limit) values[n++] = z;
  }
  return values;
}

/** A number in (0, 1): the hash "lowbias32" of a counter below 2^22. */
function uniform(stream: number, counter: number): number {
  let x = stream * 2 ** 22 + counter;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  x ^= x >>> 16;
  return ((x >>> 0) + 0.5) / 2 ** 32;
}

/** The initial values of a parameter. */
export function initial(name: ParameterName): Float32Array<ArrayBuffer> {
  const parameter = PARAMETERS[name];
  const count = parameter.shape.reduce((a: number, b: number) => a * b, 1);
  if ("constant" in parameter) {
    return new Float32Array(count).fill(parameter.constant);
  }
  const stream = 1 + PARAMETER_NAMES.indexOf(name);
  return normals(stream, count, 2).map((value) => value * parameter.deviation);
}

/** NHWC images like standardized ones, and their labels. */
export function batchOf(
  size: number,
): { images: Float32Array<ArrayBuffer>; labels: Int32Array } {
  return {
    images: normals(0, size * 24 * 24 * 3),
    labels: Int32Array.from({ length: size }, (_, n) => (3 * n) % CLASSES),
  };
}

/** One-hot rows of labels. */
export function oneHot(labels: Int32Array): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(labels.length * CLASSES);
  labels.forEach((label, n) => rows[n * CLASSES + label] = 1);
  return rows;
}

/** Times `step`, which trains once and gives the loss from before its update, and prints. */
export async function measure(
  about: Pick<PeerResult, "peer" | "version" | "backend" | "note">,
  step: () => Promise<number>,
): Promise<void> {
  const { batch, steps, seconds } = flags();
  const timed = async () => {
    const start = performance.now();
    const loss = await step();
    return { loss, time: (performance.now() - start) / 1000 };
  };
  const first = await timed();
  const firstStepAt = Date.now();
  const times: number[] = [];
  let last = first.loss;
  for (let spent = 0; times.length < steps && spent < seconds;) {
    const { loss, time } = await timed();
    times.push(time);
    spent += time;
    last = loss;
  }
  const median = times.toSorted((a, b) => a - b)[times.length >> 1];
  const result: PeerResult = {
    peer: about.peer,
    version: about.version,
    backend: about.backend,
    batch,
    steps: times.length,
    first_step_s: Number(first.time.toFixed(3)),
    first_step_at: firstStepAt,
    rss_mb: Math.round(process.resourceUsage().maxRSS * 1024 / 1e6),
    step_s_median: Number(median.toPrecision(4)),
    images_per_s: Number((batch / median).toPrecision(4)),
    loss_first: Number(first.loss.toFixed(5)),
    loss_last: Number(last.toFixed(5)),
    ...(about.note ? { note: about.note } : {}),
  };
  console.log(JSON.stringify(result));
}
