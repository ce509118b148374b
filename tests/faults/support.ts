/** A small run in processes of its own, and what it must end with whatever happens on the way. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listCheckpoints } from "../../src/train/checkpoints/list_checkpoints.ts";
import { readMetrics } from "../../src/report/metrics.ts";
import { kilnCommand, type Outcome } from "../cli_support.ts";
import { namesIn, sha256 } from "../data/helpers.ts";
import { RECORD_BYTES, writeRecordSet } from "../record_set.ts";
import { waveImages } from "../train/support.ts";

/** Fewer tries of each fault: `deno task test:faults -- --quick`. */
export const QUICK = Deno.args.includes("--quick");

/** Steps of the run; a checkpoint after each, three evaluations on the way. */
export const STEPS = 24;

/** Settings of the run: momentum, so that there is optimizer state; a schedule with a memory. */
const SETTINGS = [
  ...["--steps", `${STEPS}`, "--batch-size", "8", "--seed", "3", "--log-every", "5"],
  ...["--optimizer", "momentum", "--learning-rate", "0.002", "--accumulate", "2"],
  ...["--schedule", "plateau", "--plateau-patience", "1", "--eval-every", "6"],
  ...["--checkpoint-every", "1", "--threads", "2", "--workers", "1"],
];

/** Fields of metrics that say how long something took: no two runs have the same. */
const TIMED = /^(images_per_second|queue_|input_wait_share)/;

/**
 * Writes the data set of the run, 96 images of ten classes, and 32 to measure on; returns its name for
 * `--dataset`.
 */
export async function writeDataset(folder: string): Promise<string> {
  const classes = Array.from({ length: 10 }, (_, i) => `wave ${i}`);
  return await writeRecordSet(folder, { classes, train: waveRecords(96), test: waveRecords(32) });
}

function waveRecords(count: number): Uint8Array<ArrayBuffer> {
  const store = waveImages(count, 5);
  const bytes = new Uint8Array(count * RECORD_BYTES);
  for (let i = 0; i < count; i++) {
    bytes[i * RECORD_BYTES] = store.labels[i];
    bytes.set(store.pixels(i), i * RECORD_BYTES + 1);
  }
  return bytes;
}

/** The command line that starts the run. */
export function startLine(dataset: string, runDir: string, device = "cpu"): string[] {
  const places = ["--dataset", dataset, "--run-dir", runDir, "--device", device];
  return ["train", ...SETTINGS, ...places];
}

/** The command line that goes on with it. */
export function resumeLine(runDir: string): string[] {
  return ["train", "--resume", "--run-dir", runDir, "--workers", "1", "--threads", "2"];
}

/** A process whose output is gathered. */
export interface Running {
  readonly child: Deno.ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** What it has printed so far. */
  out(): string;
}

/** Starts a command line and does not wait for it. */
export function start(line: readonly string[], command = kilnCommand(line)): Running {
  const child = command.spawn();
  let out = "";
  const gather = async (stream: ReadableStream<Uint8Array>, add: (text: string) => void) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) add(decoder.decode(bytes, { stream: true }));
  };
  let err = "";
  const done = Promise.all([
    gather(child.stdout, (text) => out += text),
    gather(child.stderr, (text) => err += text),
    child.status,
  ]);
  return {
    child,
    out: () => out,
    outcome: done.then(([, , { code }]) => ({ code, out, err })),
  };
}

/** Runs a command line to its end. */
export function finish(line: readonly string[]): Promise<Outcome> {
  return start(line).outcome;
}

/** Goes on with a run until it is complete; starts it where it had not got as far as being one. */
export async function complete(
  dataset: string,
  runDir: string,
  device?: string,
): Promise<Outcome> {
  const resumed = await finish(resumeLine(runDir));
  if (!resumed.err.includes("holds no run")) return resumed;
  await Deno.remove(runDir, { recursive: true }).catch(() => {});
  return await finish(startLine(dataset, runDir, device));
}

/** What a run ended with: the sums of the last checkpoint's tensors, and its metrics but for times. */
export interface Result {
  readonly step: number;
  readonly sums: Readonly<Record<string, string>>;
  readonly rows: readonly string[];
}

/** Reads what a run has come to. */
export async function resultOf(runDir: string): Promise<Result> {
  const { path, step } = (await listCheckpoints(runDir)).at(-1) ?? assert.fail("no checkpoint");
  const sums: Record<string, string> = {};
  for (const name of await namesIn(path)) {
    if (name.endsWith(".safetensors")) sums[name] = sha256(await Deno.readFile(join(path, name)));
  }
  const rows = readMetrics(join(runDir, "metrics.jsonl")).map((row) =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(row).filter(([name]) => !TIMED.test(name) && name !== "path"),
      ),
    )
  );
  return { step, sums, rows };
}

/** Rows of training and evaluation: checkpoints that signals caused are not in an uninterrupted run's. */
export function withoutCheckpoints(rows: readonly string[]): string[] {
  return rows.filter((row) => !row.startsWith('{"kind":"checkpoint"'));
}

/** Prints a row of the table of faults. */
export function report(fault: string, tries: number, outcome: string): void {
  console.log(`fault | ${fault} | ${tries} | ${outcome}`);
}
