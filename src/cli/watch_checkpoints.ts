import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createConsole } from "../report/console.ts";
import { evaluationRecord } from "../report/evaluation_json.ts";
import type { Measured } from "../report/evaluation_report.ts";
import { type MetricsWriter, openMetrics } from "../report/metrics.ts";
import { type CheckpointFolder, listCheckpoints } from "../train/checkpoints/list_checkpoints.ts";
import { type VerifiedCheckpoint, verifyCheckpoint } from "../train/checkpoints/load_checkpoint.ts";
import type { EvalConfig } from "../train/config.ts";
import { listenForInterrupts } from "../train/interrupt.ts";
import { isAtEnd } from "../train/resume.ts";
import { newestRun } from "../train/run_folder.ts";
import { parseSavedRun } from "../train/saved_run.ts";
import { UserError } from "../util/errors.ts";
import { checkMatrixSize, writeEvaluationFiles } from "./evaluation_files.ts";
import { evaluatingText, jsonText, linesOf } from "./evaluation_texts.ts";
import { type Measuring, openMeasuring, WEIGHTS } from "./measuring.ts";

/** Records of what `--watch` has measured, in the run's folder. */
export const EVAL_FILE = "eval.jsonl";

/**
 * Measures each checkpoint of a run once, those that are there and those that appear, until that of the
 * run's last step, as the tutorial's `cifar10_eval.py` does. An interruption ends it with its exit code.
 */
export async function watchCheckpoints(config: EvalConfig, seconds: number): Promise<void> {
  const runDir = config.runDir ?? await newestRun("runs");
  // There is nothing to save: a signal ends it at once, with its exit code.
  using _interrupts = listenForInterrupts(() => {});
  using stack = new DisposableStack();
  let opened: { measuring: Measuring; metrics: MetricsWriter } | undefined;
  for await (const checkpoint of appearing(runDir, seconds)) {
    const { manifest, path } = checkpoint;
    const { step } = manifest;
    const run = parseSavedRun(manifest.run, path);
    checkMatrixSize(config, run.data.classes.length);
    opened ??= {
      measuring: stack.use(await openMeasuring(config, run)),
      metrics: stack.use(openMetrics(join(runDir, EVAL_FILE))),
    };
    const { measuring, metrics } = opened;
    const measured = await measure(checkpoint, measuring);
    const told = { path, step, measuring };
    console.log(config.json ? jsonText(measured, told) : linesOf(measured, told));
    for (const { weights, evaluation } of measured) {
      metrics.write(evaluationRecord(evaluation, {
        step,
        set: measuring.set,
        dataset: config.dataset ?? run.config.dataset,
        ema: weights === WEIGHTS.ema,
        views: Number(config.views),
      }));
    }
    await writeEvaluationFiles(config, measured, told);
    const { trainingImages } = measuring;
    const known = run.config.epochs === null || trainingImages !== undefined;
    if (known && isAtEnd(manifest, run.config, trainingImages ?? 1)) return;
  }
}

async function measure(
  checkpoint: VerifiedCheckpoint,
  measuring: Measuring,
): Promise<readonly Measured[]> {
  using terminal = createConsole();
  return await measuring.measure(checkpoint, {
    onBatch: (done, images) => terminal.status(evaluatingText(done, images)),
  });
}

/** The checkpoints of a run, each once, rising by step; looks for new ones every so many seconds. */
async function* appearing(
  runDir: string,
  seconds: number,
): AsyncGenerator<VerifiedCheckpoint> {
  const seen = new Set<number>();
  let hasWaited = false;
  while (true) {
    for (const folder of await listCheckpoints(runDir)) {
      if (seen.has(folder.step)) continue;
      seen.add(folder.step);
      const checkpoint = await verified(folder);
      if (checkpoint !== undefined) yield checkpoint;
    }
    if (seen.size === 0 && !hasWaited) {
      console.error(`waiting for the first checkpoint of ${runDir}`);
      hasWaited = true;
    }
    await sleep(seconds * 1000);
  }
}

/** A checkpoint that is whole; a damaged one is told, one that the run has meanwhile removed is not. */
async function verified({ path }: CheckpointFolder): Promise<VerifiedCheckpoint | undefined> {
  try {
    return await verifyCheckpoint(path);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const isThere = await Deno.stat(path).then(() => true, () => false);
    if (isThere) console.error(`${error.message}; it is left out`);
    return undefined;
  }
}
