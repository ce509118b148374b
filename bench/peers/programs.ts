/** The programs that are compared, and how one is run. */
import { fileURLToPath } from "node:url";
import type { PeerResult } from "./common.ts";
import type { NetName } from "./nets/net.ts";

/** Whose program it is; `run.ts` sums up by these. */
export type Family = "kiln" | "javascript" | "pytorch" | "pytorch with tricks";

/** A program that trains a net and prints a `PeerResult`. */
export interface Program {
  readonly key: string;
  readonly family: Family;
  /** The command without the limits that all programs take. */
  readonly command: () => Promise<readonly string[]>;
  /** Takes minutes a round: only with `--all` or `--only`. */
  readonly slow?: boolean;
  /** The one net that it can train. */
  readonly only?: NetName;
  /** Whether its batches, and so its losses, are its own. */
  readonly ownBatches?: boolean;
}

/** The row that all others are compared with: the CPU engine, which makes its batches too. */
export const BASE = "kiln-cpu";

export const PROGRAMS: readonly Program[] = [
  {
    key: BASE,
    family: "kiln",
    command: () => kiln("--device", "cpu", "--input"),
    ownBatches: true,
  },
  { key: "kiln-cpu-fixed", family: "kiln", command: () => kiln("--device", "cpu") },
  { key: "kiln-webgpu", family: "kiln", command: () => kiln("--device", "webgpu") },
  { key: "tfjs-webgpu", family: "javascript", command: () => peer("tfjs_webgpu.ts") },
  { key: "tfjs-wasm", family: "javascript", command: () => peer("tfjs_wasm.ts") },
  { key: "jax-js-webgpu", family: "javascript", command: () => peer("jax_js.ts") },
  { key: "pytorch", family: "pytorch", command: () => pytorch("plain") },
  { key: "pytorch-channels-last", family: "pytorch", command: () => pytorch("channels-last") },
  {
    key: "pytorch-tricks",
    family: "pytorch with tricks",
    command: () => pytorch("tricks"),
    only: "reference",
  },
  {
    key: "tfjs-webgpu-stock",
    family: "javascript",
    command: () => peer("tfjs_webgpu.ts", "--variant", "stock"),
    slow: true,
  },
  {
    key: "jax-js-wasm",
    family: "javascript",
    command: () => peer("jax_js.ts", "--variant", "wasm"),
    slow: true,
  },
];

const LIMIT_S = 900;
const PYTHONS = ["python3", "/usr/bin/python3"];
const VARIABLES = "KILN_DEBUG,KILN_ADAPTER,NO_COLOR,XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND";
const RUN = ["deno", "run", "--quiet", "--no-prompt"];

function here(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

/** A Deno peer: the environment and files to read, nothing else; the pinned versions of deno.lock. */
function peer(file: string, ...flags: string[]): Promise<string[]> {
  const run = [...RUN, "--frozen", "--config", here("deno.json"), "--allow-env", "--allow-read"];
  return Promise.resolve([...run, here(file), ...flags]);
}

/** kiln itself, with the variables that it knows and the files of its threads. */
function kiln(...flags: string[]): Promise<string[]> {
  const allowed = [`--allow-env=${VARIABLES}`, `--allow-read=${here("../../src")}`];
  return Promise.resolve([...RUN, ...allowed, here("../step.ts"), ...flags]);
}

async function pytorch(variant: string): Promise<string[]> {
  for (const python of PYTHONS) {
    const { success } = await execute([python, "-c", "import torch"]).catch(
      () => ({ success: false }),
    );
    if (success) return [python, here("pytorch.py"), "--variant", variant];
  }
  throw new Error("no python3 with PyTorch here (Debian: apt install python3-torch)");
}

function execute([command, ...args]: readonly string[]): Promise<Deno.CommandOutput> {
  const signal = AbortSignal.timeout(LIMIT_S * 1000);
  return new Deno.Command(command, { args, signal, stdout: "piped", stderr: "piped" }).output();
}

/** Runs a program once with the limits that all share; throws with the reason if it cannot. */
export async function runProgram(
  program: Program,
  limits: readonly string[],
): Promise<PeerResult> {
  const command = await program.command();
  const start = Date.now();
  const { code, signal, stdout, stderr } = await execute([...command, ...limits]);
  if (signal === "SIGTERM") throw new Error(`stopped after ${LIMIT_S} s`);
  const line = new TextDecoder().decode(stdout).split("\n").find((text) => text.startsWith("{"));
  if (code !== 0 || line === undefined) {
    // deno-lint-ignore no-control-regex
    const text = new TextDecoder().decode(stderr).replace(/\x1b\[[\d;]*m/g, "");
    const reason = text.split("\n").find((line) => /error:?\s/i.test(line) && !/XDG/.test(line));
    throw new Error(`exit code ${code}: ${reason?.trim() ?? "no result printed"}`);
  }
  const result: PeerResult = JSON.parse(line);
  return { ...result, start_s: (result.first_step_at - start) / 1000 };
}
