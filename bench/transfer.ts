/**
 * What a trained network is worth for other classes: CIFAR-10's classes 0 to 4 are learned, then 5 to 9
 * with 50 images a class, from scratch and from what was learned, and measured on all their test images.
 *
 * ```sh
 * deno run --allow-read --allow-write --allow-run=deno bench/transfer.ts [--steps 1500] [--seeds 1]
 * ```
 */
import { parseArgs } from "node:util";
import { formatTable } from "../src/util/table.ts";
import { fixed } from "../src/util/units.ts";

const { values: given } = parseArgs({
  options: {
    steps: { type: "string", default: "1500" },
    "transfer-steps": { type: "string", default: "300" },
    seeds: { type: "string", default: "1" },
    device: { type: "string", default: "auto" },
    keep: { type: "string" },
  },
});

const NEW_CLASSES = ["--classes", "5,6,7,8,9"];
/** 50 images a class. */
const FEW = [...NEW_CLASSES, "--limit", "250"];
const BATCH = ["--batch-size", "50"];

const root = given.keep ?? await Deno.makeTempDir({ prefix: "kiln-transfer-" });
const device = ["--device", given.device];

/** Runs a command of kiln; returns what it prints, and its seconds. */
async function kiln(...line: string[]): Promise<{ out: string; seconds: number }> {
  const start = performance.now();
  const command = new Deno.Command("deno", {
    args: ["task", "--quiet", ...line, ...device],
    stdout: "piped",
    stderr: "inherit",
  });
  const { code, stdout } = await command.output();
  const out = new TextDecoder().decode(stdout);
  if (code !== 0) throw new Error(`${line.join(" ")} ended with ${code}:\n${out}`);
  return { out, seconds: (performance.now() - start) / 1000 };
}

/** Precision of a run's weights on the new classes' 5,000 test images. */
async function measure(runDir: string): Promise<number> {
  const line = ["eval", "--run", runDir, "--dataset", "cifar10", ...NEW_CLASSES, "--json"];
  return JSON.parse((await kiln(...line, "--no-ema")).out).precision;
}

/** Each way to learn the new classes; returns the precision and the seconds it took. */
const WAYS: Readonly<
  Record<string, (base: string, seed: string) => Promise<{ precision: number; seconds: number }>>
> = {
  "from scratch": (_, seed) => trained("scratch", seed, ["--learning-rate", "0.05"]),
  "all of it, finetuned": (base, seed) =>
    trained("finetuned", seed, [
      ...["--finetune-from", base, "--learning-rate", "0.005", "--head-learning-rate", "0.05"],
    ]),
  "convolutions frozen": (base, seed) =>
    trained("frozen", seed, [
      ...["--finetune-from", base, "--freeze", "conv*"],
      ...["--learning-rate", "0.01", "--head-learning-rate", "0.05"],
    ]),
  "only the head": (base, seed) =>
    trained("head", seed, [
      ...["--finetune-from", base, "--freeze", "conv*,local*", "--learning-rate", "0.05"],
    ]),
  "a head on features of local4": (base, seed) => onFeatures(base, seed, "local4"),
  "a head on features of pool2": (base, seed) => onFeatures(base, seed, "pool2"),
};

async function trained(name: string, seed: string, more: readonly string[]) {
  const runDir = `${root}/${name}-${seed}`;
  const steps = ["--steps", given["transfer-steps"]];
  const line = ["train", ...FEW, ...BATCH, ...steps, "--seed", seed, "--run-dir", runDir];
  const { seconds } = await kiln(...line, "--log-every", "100", ...more);
  return { precision: await measure(runDir), seconds };
}

async function onFeatures(base: string, seed: string, tap: string) {
  const file = (part: string) => `${root}/${tap}-${part}-${seed}.safetensors`;
  const write = (part: string, ...more: string[]) => {
    const what = ["--dataset", "cifar10", ...NEW_CLASSES, "--split", part, "--tap", tap];
    return kiln("features", "--run", base, ...what, "--out", file(part), "--no-ema", ...more);
  };
  const features = await write("train", "--limit", "250");
  await write("test");
  const line = ["--features", file("train"), "--validation-features", file("test"), ...BATCH];
  const steps = ["--steps", given["transfer-steps"], "--learning-rate", "0.01", "--seed", seed];
  const head = await kiln(
    ...["finetune", ...line, ...steps, "--run-dir", `${root}/on-${tap}-${seed}`, "--json"],
  );
  const { precision } = JSON.parse(head.out);
  return { precision, seconds: features.seconds + head.seconds };
}

const base = `${root}/base`;
const known = ["--classes", "0,1,2,3,4", "--steps", given.steps, "--log-every", "500"];
const learned = await kiln("train", ...known, "--learning-rate", "0.1", "--run-dir", base);
const [, before] = /precision @ 1 = ([\d.]+)/.exec(learned.out) ?? [];
console.log(
  `base: classes 0 to 4, ${given.steps} steps, ${
    fixed(learned.seconds, 0)
  } s, precision @ 1 = ${before}`,
);
const rows: string[][] = [];
for (const [name, way] of Object.entries(WAYS)) {
  const found: { precision: number; seconds: number }[] = [];
  for (let seed = 0; seed < Number(given.seeds); seed++) found.push(await way(base, String(seed)));
  const mean = found.reduce((sum, { precision }) => sum + precision, 0) / found.length;
  const least = Math.min(...found.map(({ precision }) => precision));
  const most = Math.max(...found.map(({ precision }) => precision));
  const seconds = found.reduce((sum, { seconds }) => sum + seconds, 0) / found.length;
  rows.push([name, fixed(mean, 4), `${fixed(least, 4)} to ${fixed(most, 4)}`, fixed(seconds, 1)]);
  console.error(`${name}: ${fixed(mean, 4)}`);
}
console.log(formatTable(rows, {
  heading: "classes 5 to 9, 50 images a class, 5,000 test images",
  columns: ["way", "precision @ 1", "least to most", "seconds"],
  align: "lrrr",
}));
if (given.keep === undefined) await Deno.remove(root, { recursive: true });
