/**
 * Trains the same net in kiln and in its peers on this machine and prints images/s and the ratios.
 * The programs run one after another, in rounds, so that all meet the same load; a program's figure
 * is its best round.
 *
 *     deno task bench:peers
 *
 * `--net reference|resnet-20|airbench94`, `--rounds 2`, `--steps`, `--seconds`, `--batch` (the net's
 * own) and `--threads` as in common.ts,
 * `--only kiln-cpu,pytorch`, `--all` adds the peers that take minutes a round, `--json` prints the
 * results as one JSON array. Exits with 1 if `kiln-cpu` failed, or if the losses of programs that
 * train on the same batch disagree.
 */

import { parseArgs } from "node:util";
import { formatTable } from "../../src/util/table.ts";
import { disagreements } from "./agreement.ts";
import type { PeerResult } from "./common.ts";
import type { Net } from "./nets/net.ts";
import { netOf } from "./nets/nets.ts";
import { BASE, type Family, PROGRAMS, runProgram } from "./programs.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "2" },
    net: { type: "string", default: "reference" },
    batch: { type: "string" },
    steps: { type: "string", default: "20" },
    seconds: { type: "string", default: "15" },
    threads: { type: "string", default: String(navigator.hardwareConcurrency) },
    only: { type: "string" },
    all: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const net = chosenNet(options.net);
const shared = ["steps", "seconds", "threads"] as const;
const limits = shared.flatMap((name) => [`--${name}`, options[name]])
  .concat("--net", net.name, "--batch", options.batch ?? String(net.batch));

const programs = PROGRAMS.filter(({ only }) => only === undefined || only === net.name);
const wanted = options.only?.split(",");
for (const key of wanted ?? []) {
  if (!programs.some((program) => program.key === key)) {
    const keys = programs.map((program) => program.key).join(", ");
    console.error(`error: Cannot run ${key} as it is none of ${net.name}'s programs: ${keys}`);
    Deno.exit(2);
  }
}
const chosen = programs.filter(({ key, slow }) => wanted?.includes(key) ?? (options.all || !slow));
const best = new Map<string, PeerResult>();
/** Of all rounds, on the batch that they share. */
const comparable: PeerResult[] = [];
const failures = new Map<string, string>();
for (let round = 1; round <= Number(options.rounds); round++) {
  for (const program of chosen.filter(({ key }) => !failures.has(key))) {
    try {
      const result = await runProgram(program, limits);
      console.error(`round ${round}: ${result.peer} ${result.images_per_s} images/s`);
      if (!program.ownBatches) comparable.push(result);
      best.set(program.key, better(best.get(program.key), result));
    } catch (error) {
      failures.set(program.key, (error as Error).message);
    }
  }
}

if (options.json) console.log(JSON.stringify([...best.values()]));
else print();
const differing = new Set(disagreements(comparable));
for (const line of differing) console.error(`error: Losses disagree: ${line}`);
if (failures.has(BASE) || differing.size > 0) Deno.exit(1);

function chosenNet(name: string): Net {
  try {
    return netOf(name);
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    Deno.exit(2);
  }
}

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
