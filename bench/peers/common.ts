/**
 * What all peers share besides the nets: flags and the measuring loop. Parameters and batch are the
 * same numbers in every peer (and in `pytorch.py`), so that equal losses prove that the same net is
 * trained.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import type { Net } from "./nets/net.ts";
import { netOf } from "./nets/nets.ts";

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
  /** The loss from before each step, the first one included. */
  readonly losses: readonly number[];
  /** How this peer's program differs, if it does. */
  readonly note?: string;
}

export interface Flags {
  readonly net: Net;
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
 * `--net`, `--batch` (the net's own), `--steps` (after the first), `--seconds` (limit of those), `--threads`, `--variant`; and
 * kiln's `--device` and `--input`.
 */
export function flags(): Flags {
  const { values } = parseArgs({
    options: {
      net: { type: "string", default: "reference" },
      batch: { type: "string" },
      steps: { type: "string", default: "5" },
      seconds: { type: "string", default: "60" },
      variant: { type: "string", default: "" },
      threads: { type: "string", default: String(navigator.hardwareConcurrency) },
      device: { type: "string", default: "auto" },
      input: { type: "boolean", default: false },
    },
  });
  const net = netOf(values.net);
  const number = (name: "batch" | "steps" | "seconds" | "threads") => {
    const value = Number(values[name] ?? net.batch);
    if (!(value > 0)) {
      throw new RangeError(
        `Cannot use --${name} as it is not positive: ${values[name]}`,
      );
    }
    return value;
  };
  return {
    net,
    batch: number("batch"),
    steps: number("steps"),
    seconds: number("seconds"),
    variant: values.variant,
    threads: number("threads"),
    device: values.device,
    input: values.input,
  };
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
  const losses = [first.loss];
  for (let spent = 0; times.length < steps && spent < seconds;) {
    const { loss, time } = await timed();
    times.push(time);
    spent += time;
    losses.push(loss);
  }
  const median = times.toSorted((a, b) => a - b)[times.length >> 1];
  const rounded = losses.map((loss) => Number(loss.toFixed(5)));
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
    loss_first: rounded[0],
    loss_last: rounded[rounded.length - 1],
    losses: rounded,
    ...(about.note ? { note: about.note } : {}),
  };
  console.log(JSON.stringify(result));
}
