import { createConsole } from "../report/console.ts";
import { evaluationReport } from "../report/evaluation_report.ts";
import type { EvalConfig } from "../train/config.ts";
import { chooseCheckpoint } from "./checkpoint_source.ts";
import { checkEvaluationFiles, checkMatrixSize, writeEvaluationFiles } from "./evaluation_files.ts";
import { evaluatingText, jsonText, linesOf } from "./evaluation_texts.ts";
import { openMeasuring } from "./measuring.ts";
import { watchCheckpoints } from "./watch_checkpoints.ts";
import { parseSavedRun } from "../train/saved_run.ts";

/** Measures checkpoints on images of their run's data set or of another: `deno task eval`. */
export async function evalCommand(config: EvalConfig): Promise<void> {
  await checkEvaluationFiles(config);
  if (config.watch !== null) return await watchCheckpoints(config, config.watch);
  const checkpoint = await chooseCheckpoint(config);
  const { step } = checkpoint.manifest;
  const run = parseSavedRun(checkpoint.manifest.run, checkpoint.path);
  checkMatrixSize(config, run.data.classes.length);
  using measuring = await openMeasuring(config, run);
  using terminal = createConsole();
  const measured = await measuring.measure(checkpoint, {
    onBatch: (done, images) => terminal.status(evaluatingText(done, images)),
  });
  terminal.clear();
  const told = { path: checkpoint.path, step, measuring };
  if (config.json) console.log(jsonText(measured, told));
  else {console.log(
      `${linesOf(measured, told)}\n\n${evaluationReport(measured, measuring.classes)}`,
    );}
  await writeEvaluationFiles(config, measured, told);
}
