/** SIGINT and SIGTERM in every phase of a run: the documented exit code, and nothing lost. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { temporaryFolder } from "../data/helpers.ts";
import {
  complete,
  finish,
  QUICK,
  report,
  resultOf,
  type Running,
  start,
  startLine,
  withoutCheckpoints,
  writeDataset,
} from "./support.ts";

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** When a signal comes: after the first output that matches, and so much later. */
const PHASES: readonly { name: string; after: RegExp | undefined; milliseconds: number }[] = [
  { name: "before anything is printed", after: undefined, milliseconds: 150 },
  { name: "while compiling", after: undefined, milliseconds: 450 },
  { name: "at the start of training", after: /step 0, loss/, milliseconds: 0 },
  { name: "while training and saving", after: /step 3: checkpoint/, milliseconds: 15 },
  { name: "at an evaluation", after: /step 5: checkpoint/, milliseconds: 40 },
  { name: "while evaluating", after: /step 11: checkpoint/, milliseconds: 70 },
  { name: "at the end", after: /step 24: checkpoint/, milliseconds: 0 },
  { name: "in the last evaluation", after: /step 24: checkpoint/, milliseconds: 60 },
];

Deno.test("the first signal saves and ends, the second ends at once; both can be resumed", async () => {
  await using folder = await temporaryFolder();
  const dataset = await writeDataset(folder.path);
  const untouched = join(folder.path, "untouched");
  assert.equal((await finish(startLine(dataset, untouched))).code, 0);
  const expected = await resultOf(untouched);
  let tries = 0;
  let saved = 0;
  const signals = Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[];
  for (const signal of QUICK ? signals.slice(0, 1) : signals) {
    for (const { name, after, milliseconds } of PHASES) {
      for (const times of [1, 2]) {
        const what = `${times} ${signal} ${name}`;
        const runDir = join(folder.path, `run-${tries++}`);
        const running = start(startLine(dataset, runDir));
        await reached(running, after);
        await pause(milliseconds);
        for (let i = 0; i < times; i++) send(running, signal);
        const { code, out, err } = await running.outcome;
        // A run that is over before the signal comes has nothing to be interrupted.
        const isOver = code === 0 && /best precision/.test(out);
        assert.ok(code === EXIT_CODES[signal] || isOver, `${what}: code ${code}\n${out}${err}`);
        assert.doesNotMatch(err, /error:|Uncaught|\bat /, what);
        if (/to go on: deno task train --resume --run-dir/.test(out)) saved++;
        const ended = await complete(dataset, runDir);
        assert.equal(ended.code, 0, `${what}: ${ended.err}`);
        const actual = await resultOf(runDir);
        assert.deepEqual(actual.sums, expected.sums, what);
        assert.deepEqual(
          withoutCheckpoints(actual.rows),
          withoutCheckpoints(expected.rows),
          what,
        );
        await Deno.remove(runDir, { recursive: true });
      }
    }
  }
  assert.ok(saved >= (QUICK ? 1 : 10), `only ${saved} runs were saved at a signal`);
  report(
    "SIGINT and SIGTERM, once and twice, in eight phases",
    tries,
    `exit codes 130 and 143; ${saved} saved at the signal; all resumed to equal weights`,
  );
});

async function reached(running: Running, after: RegExp | undefined): Promise<void> {
  const end = Date.now() + 60_000;
  while (after !== undefined && !after.test(running.out())) {
    assert.ok(Date.now() < end, `${after} was never printed: ${running.out()}`);
    await pause(2);
  }
}

function send({ child }: Running, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // It may have ended meanwhile.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
