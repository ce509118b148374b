/** `kill -9` at random moments, then --resume: always the weights of the run that nobody killed. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { namesIn, temporaryFolder } from "../data/helpers.ts";
import { testRandom } from "../support.ts";
import {
  complete,
  finish,
  QUICK,
  report,
  type Result,
  resultOf,
  resumeLine,
  start,
  startLine,
  STEPS,
  writeDataset,
} from "./support.ts";

/** Tries by engine: the CPU's, and WebGPU on a software adapter. */
const TRIES: Readonly<Record<string, number>> = QUICK
  ? { cpu: 8, software: 1 }
  : { cpu: 100, software: 10 };
/** A run may be killed again while it goes on. */
const AGAIN = 0.3;

for (const [device, tries] of Object.entries(TRIES)) {
  Deno.test(`kill -9 at ${tries} random moments, --device ${device}`, async () => {
    await using folder = await temporaryFolder();
    const dataset = await writeDataset(folder.path);
    const untouched = join(folder.path, "untouched");
    const began = performance.now();
    const { code, err } = await finish(startLine(dataset, untouched, device));
    assert.equal(code, 0, err);
    const duration = performance.now() - began;
    const expected = await resultOf(untouched);
    assert.equal(expected.step, STEPS);
    assert.deepEqual(Object.keys(expected.sums), [
      "ema.safetensors",
      "model.safetensors",
      "optimizer.safetensors",
    ]);

    const random = testRandom(11);
    const counts = { kills: 0, unstarted: 0, withoutCheckpoint: 0, writing: 0, ended: 0 };
    for (let attempt = 0; attempt < tries; attempt++) {
      const runDir = join(folder.path, `run-${attempt}`);
      let line = startLine(dataset, runDir, device);
      do {
        const killed = await killAfter(line, random() * duration * 1.05);
        if (killed) counts.kills++;
        else counts.ended++;
        const names = await namesIn(runDir).catch((): string[] => []);
        const checkpoints = await namesIn(join(runDir, "checkpoints")).catch((): string[] => []);
        if (!names.includes("config.json")) counts.unstarted++;
        else if (checkpoints.length === 0) counts.withoutCheckpoint++;
        if (checkpoints.some((name) => name.endsWith(".tmp"))) counts.writing++;
        if (!names.includes("config.json")) break;
        line = resumeLine(runDir);
      } while (random() < AGAIN);
      const ended = await complete(dataset, runDir, device);
      assert.equal(ended.code, 0, `try ${attempt}: ${ended.err}`);
      assertSame(await resultOf(runDir), expected, `try ${attempt}`);
      await Deno.remove(runDir, { recursive: true });
    }
    assert.ok(tries < 100 || counts.writing > 0, "no kill fell into the writing of a checkpoint");
    report(
      `kill -9 at a random moment, then --resume, --device ${device}`,
      tries,
      `${tries} equal weights, optimizer, EMA and metrics rows; ${JSON.stringify(counts)}`,
    );
  });
}

/** True if the process was still running after so many milliseconds, and was killed. */
async function killAfter(line: readonly string[], milliseconds: number): Promise<boolean> {
  const running = start(line);
  const timer = setTimeout(() => running.child.kill("SIGKILL"), milliseconds);
  const { code } = await running.outcome;
  clearTimeout(timer);
  assert.ok(code === 0 || code === 137, `${line.join(" ")}: exit code ${code}`);
  return code === 137;
}

function assertSame(actual: Result, expected: Result, what: string): void {
  assert.deepEqual(actual.sums, expected.sums, `${what}: other tensors`);
  assert.deepEqual(actual.rows, expected.rows, `${what}: other metrics`);
}
