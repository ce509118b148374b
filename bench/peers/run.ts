/**
 * Trains the same CNN in kiln and in its peers on this machine and prints images/s and the ratio.
 * The programs run one after another, in rounds, so that all meet the same load; a program's figure
 * is its best round.
 *
 *     deno task bench:peers
 *
 * `--rounds 2`, `--steps`, `--seconds` and `--batch` as in common.ts, `--only kiln,pytorch`, `--all`
 * adds the peers that take minutes a round, `--json` prints the results as one JSON array.
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatTable } from "../../src/util/table.ts";
import type { PeerResult } from "./common.ts";

interface Program {
  readonly key: string;
  readonly command: () => Promise<readonly string[]>;
  /** Takes minutes a round: only with `--all` or `--only`. */
  readonly slow?: boolean;
}

const LIMIT_S = 900;
const PYTHONS = ["python3", "/usr/bin/python3"];
const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "2" },
    batch: { type: "string", default: "128" },
    steps: { type: "string", default: "5" },
    seconds: { type: "string", default: "60" },
    only: { type: "string" },
    all: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const shared = ["batch", "steps", "seconds"] as const;
const limits = shared.flatMap((name) => [`--${name}`, options[name]]);

const PROGRAMS: readonly Program[] = [
  { key: "kiln", command: kiln },
  { key: "tfjs-webgpu", command: () => peer("tfjs_webgpu.ts") },
  { key: "tfjs-wasm", command: () => peer("tfjs_wasm.ts") },
  { key: "jax-js-webgpu", command: () => peer("jax_js.ts") },
  { key: "pytorch", command: pytorch },
  {
    key: "tfjs-webgpu-stock",
    command: () => peer("tfjs_webgpu.ts", "--variant", "stock"),
    slow: true,
  },
  {
    key: "jax-js-wasm",
    command: () => peer("jax_js.ts", "--variant", "wasm"),
    slow: true,
  },
];

function here(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

/** A Deno peer: the environment and files to read, nothing else; the pinned versions of deno.lock. */
function peer(file: string, ...flags: string[]): Promise<string[]> {
  const run = [
    "deno",
    "run",
    "--quiet",
    "--no-prompt",
    "--frozen",
    "--config",
    here("deno.json"),
  ];
  return Promise.resolve([
    ...run,
    "--allow-env",
    "--allow-read",
    here(file),
    ...limits,
    ...flags,
  ]);
}

/** kiln itself, with the variables that it knows. */
function kiln(): Promise<string[]> {
  const variables = "KILN_DEBUG,KILN_ADAPTER,NO_COLOR,XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND";
  const run = ["deno", "run", "--quiet", "--no-prompt", `--allow-env=${variables}`];
  return Promise.resolve([...run, here("../step.ts"), ...limits]);
}

async function pytorch(): Promise<string[]> {
  for (const python of PYTHONS) {
    const { success } = await execute([python, "-c", "import torch"]).catch(
      () => ({ success: false }),
    );
    if (success) return [python, here("pytorch.py"), ...limits];
  }
  throw new Error(
    "no python3 with PyTorch here (Debian: apt install python3-torch)",
  );
}

function execute(
  [command, ...args]: readonly string[],
): Promise<Deno.CommandOutput> {
  const signal = AbortSignal.timeout(LIMIT_S * 1000);
  return new Deno.Command(command, {
    args,
    signal,
    stdout: "piped",
    stderr: "piped",
  }).output();
}

/** Runs a program once; throws with the reason if it cannot. */
async function measure(program: Program): Promise<PeerResult> {
  const { code, signal, stdout, stderr } = await execute(
    await program.command(),
  );
  if (signal === "SIGTERM") throw new Error(`stopped after ${LIMIT_S} s`);
  const line = new TextDecoder().decode(stdout).split("\n").find((text) => text.startsWith("{"));
  if (code !== 0 || line === undefined) {
    // deno-lint-ignore no-control-regex
    const text = new TextDecoder().decode(stderr).replace(/\x1b\[[\d;]*m/g, "");
    const reason = text.split("\n").find((line) => /error:?\s/i.test(line) && !/XDG/.test(line));
    throw new Error(
      `exit code ${code}: ${reason?.trim() ?? "no result printed"}`,
    );
  }
  return JSON.parse(line);
}

const wanted = options.only?.split(",");
for (const key of wanted ?? []) {
  if (!PROGRAMS.some((program) => program.key === key)) {
    const keys = PROGRAMS.map((program) => program.key).join(", ");
    console.error(
      `error: Cannot run ${key} as it is none of the programs: ${keys}`,
    );
    Deno.exit(2);
  }
}
const chosen = PROGRAMS.filter(({ key, slow }) => wanted?.includes(key) ?? (options.all || !slow));
const best = new Map<string, PeerResult>();
const failures = new Map<string, string>();
for (let round = 1; round <= Number(options.rounds); round++) {
  for (const program of chosen.filter(({ key }) => !failures.has(key))) {
    try {
      const result = await measure(program);
      console.error(
        `round ${round}: ${result.peer} ${result.images_per_s} images/s`,
      );
      const before = best.get(program.key);
      if (!before || result.images_per_s > before.images_per_s) {
        best.set(program.key, result);
      }
    } catch (error) {
      failures.set(program.key, (error as Error).message);
    }
  }
}

if (options.json) console.log(JSON.stringify([...best.values()]));
else print();
if (failures.has("kiln")) Deno.exit(1);

function print(): void {
  const own = best.get("kiln");
  const rows = [...best.values()].map((result) => [
    result.peer,
    result.version,
    result.backend,
    result.images_per_s.toFixed(1),
    own?.batch === result.batch ? (own.images_per_s / result.images_per_s).toFixed(2) : "-",
    result.step_s_median.toFixed(3),
    result.first_step_s.toFixed(2),
    result.loss_first.toFixed(4),
    result.loss_last.toFixed(4),
    String(result.batch),
    String(result.steps ?? "-"),
  ]);
  const columns = ["program", "version", "backend", "images/s", "kiln / it", "step s"]
    .concat("first step s", "loss first", "loss last", "batch", "steps");
  console.log(formatTable(rows, { columns, align: "lllrrrrrrrr" }));
  for (const { peer, note } of best.values()) {
    if (note) console.log(`${peer}: ${note}`);
  }
  for (const [key, reason] of failures) {
    console.log(`${key}: not measured, ${reason}`);
  }
}
