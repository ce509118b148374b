/**
 * Trains the same CNN in kiln and in its peers on this machine and prints images/s and the ratios.
 * The programs run one after another, in rounds, so that all meet the same load; a program's figure
 * is its best round.
 *
 *     deno task bench:peers
 *
 * `--rounds 2`, `--steps`, `--seconds`, `--batch` and `--threads` as in common.ts,
 * `--only kiln-cpu,pytorch`, `--all` adds the peers that take minutes a round, `--json` prints the
 * results as one JSON array.
 */

import { parseArgs } from "node:util";
import { formatTable } from "../../src/util/table.ts";
import type { PeerResult } from "./common.ts";
import { BASE, type Family, PROGRAMS, runProgram } from "./programs.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "2" },
    batch: { type: "string", default: "128" },
    steps: { type: "string", default: "20" },
    seconds: { type: "string", default: "15" },
    threads: { type: "string", default: String(navigator.hardwareConcurrency) },
    only: { type: "string" },
    all: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const shared = ["batch", "steps", "seconds", "threads"] as const;
const limits = shared.flatMap((name) => [`--${name}`, options[name]]);

const wanted = options.only?.split(",");
for (const key of wanted ?? []) {
  if (!PROGRAMS.some((program) => program.key === key)) {
    const keys = PROGRAMS.map((program) => program.key).join(", ");
    console.error(`error: Cannot run ${key} as it is none of the programs: ${keys}`);
    Deno.exit(2);
  }
}
const chosen = PROGRAMS.filter(({ key, slow }) => wanted?.includes(key) ?? (options.all || !slow));
const best = new Map<string, PeerResult>();
const failures = new Map<string, string>();
for (let round = 1; round <= Number(options.rounds); round++) {
  for (const program of chosen.filter(({ key }) => !failures.has(key))) {
    try {
      const result = await runProgram(program, limits);
      console.error(`round ${round}: ${result.peer} ${result.images_per_s} images/s`);
      best.set(program.key, better(best.get(program.key), result));
    } catch (error) {
      failures.set(program.key, (error as Error).message);
    }
  }
}

if (options.json) console.log(JSON.stringify([...best.values()]));
else print();
if (failures.has(BASE)) Deno.exit(1);

/** The faster round, with the shorter start and the larger memory of the two. */
function better(before: PeerResult | undefined, result: PeerResult): PeerResult {
  if (before === undefined) return result;
  return {
    ...(result.images_per_s > before.images_per_s ? result : before),
    start_s: Math.min(before.start_s ?? Infinity, result.start_s ?? Infinity),
    rss_mb: Math.max(before.rss_mb, result.rss_mb),
  };
}

function print(): void {
  const own = best.get(BASE);
  const rows = [...best.values()].map((result) => [
    result.peer,
    result.version,
    result.backend,
    result.images_per_s.toFixed(1),
    own?.batch === result.batch ? ratio(own, result) : "-",
    result.step_s_median.toFixed(3),
    result.start_s?.toFixed(2) ?? "-",
    result.first_step_s.toFixed(2),
    String(result.rss_mb),
    result.loss_first.toFixed(4),
    result.loss_last.toFixed(4),
    String(result.batch),
    String(result.steps ?? "-"),
  ]);
  const columns = ["program", "version", "backend", "images/s", "kiln cpu / it", "step s"]
    .concat("start s", "first step s", "MB", "loss first", "loss last", "batch", "steps");
  console.log(formatTable(rows, { columns, align: "lllrrrrrrrrrr" }));
  for (const line of [...summary(), ...notes()]) console.log(line);
}

function ratio(own: PeerResult, other: PeerResult): string {
  return (own.images_per_s / other.images_per_s).toFixed(2);
}

/** What the CPU engine, input included, reaches of the best of the others. */
function summary(): string[] {
  const own = best.get(BASE);
  const groups: readonly { name: string; families: readonly Family[] }[] = [
    { name: "PyTorch, written plainly", families: ["pytorch"] },
    { name: "PyTorch", families: ["pytorch", "pytorch with tricks"] },
    { name: "JavaScript peer", families: ["javascript"] },
  ];
  if (own === undefined) return [];
  return groups.flatMap(({ name, families }) => {
    const others = PROGRAMS.filter(({ family }) => families.includes(family)).map(({ key }) =>
      best.get(key)
    )
      .filter((result) => result !== undefined)
      .toSorted((a, b) => b.images_per_s - a.images_per_s);
    if (others.length === 0) return [`kiln cpu, input / best ${name}: none was measured`];
    const [{ peer }] = others;
    return [`kiln cpu, input / best ${name} (${peer}): ${ratio(own, others[0])}`];
  });
}

function notes(): string[] {
  const said = [...best.values()].filter(({ note }) => note);
  return [
    ...said.map(({ peer, note }) => `${peer}: ${note}`),
    ...[...failures].map(([key, reason]) => `${key}: not measured, ${reason}`),
  ];
}
