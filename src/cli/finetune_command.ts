import { join } from "node:path";
import { parameterLayout } from "../nn/parameters.ts";
import { createConsole } from "../report/console.ts";
import { evaluationReport } from "../report/evaluation_report.ts";
import { precisionLine, wallClock } from "../report/log_line.ts";
import { openMetrics } from "../report/metrics.ts";
import { FRESH_LOOP } from "../train/checkpoints/loop_state.ts";
import { sha256Of } from "../train/checkpoints/manifest.ts";
import { writeCheckpoint } from "../train/checkpoints/write_checkpoint.ts";
import type { FinetuneConfig } from "../train/config.ts";
import type { Evaluation } from "../train/evaluation/tally.ts";
import { deviceIdentity, openDevice } from "../train/open_device.ts";
import { type Recipe, REFERENCE_RECIPE } from "../train/recipe.ts";
import { lockRunFolder, METRICS_FILE, refuseRun, saveConfig } from "../train/run_folder.ts";
import { checkSame, headModel, measureHead, readFeatures, trainHead } from "../train/train_head.ts";
import { formatCount } from "../util/units.ts";
import { VERSION } from "../util/version.ts";
import { WEIGHTS } from "./measuring.ts";

/** Trains a small head on stored features and measures it: `deno task finetune`. */
export async function finetuneCommand(config: FinetuneConfig): Promise<void> {
  const { runDir, hidden, validationFeatures, steps } = config;
  const table = await readFeatures(config.features);
  const validation = validationFeatures === null
    ? undefined
    : await readFeatures(validationFeatures);
  if (validation !== undefined) checkSame(table, validation);
  const { classes, width, source } = table;
  using _lock = await lockRunFolder(runDir);
  await refuseRun(runDir);
  const model = headModel(width, classes.length, hidden);
  const { device } = await openDevice(config.device, config.threads);
  using _device = { [Symbol.dispose]: () => device.destroy() };
  const machine = { kiln: VERSION, deno: Deno.version.deno, device: deviceIdentity(device) };
  const run = { command: "finetune", ...config, source, classes, machine };
  await saveConfig(runDir, run);
  using terminal = createConsole();
  using metrics = openMetrics(join(runDir, METRICS_FILE));
  const state = await trainHead({
    device,
    model,
    table,
    recipe: recipeOf(config),
    onLoss(step, loss) {
      metrics.write({ kind: "train", step, loss });
      terminal.status(
        `step ${formatCount(step + 1)}/${formatCount(steps)}, loss ${loss.toFixed(4)}`,
      );
    },
  });
  let evaluation: Evaluation | undefined;
  if (validation !== undefined) {
    const { parameters } = state;
    const { batchSize } = config;
    evaluation = await measureHead(device, model, { parameters, table: validation, batchSize });
    const { precision, loss, images } = evaluation;
    metrics.write({ kind: "eval", step: state.step, set: "validation", precision, loss, images });
  }
  const metricsBytes = metrics.sync();
  const { path } = await writeCheckpoint(runDir, parameterLayout(model.parameters), {
    state,
    draft: {
      model: model.name,
      number: 1,
      configHash: sha256Of(JSON.stringify(run)),
      metrics: {
        loss: state.lossAverage,
        set: evaluation ? "validation" : null,
        precision: evaluation?.precision ?? null,
        precisionEma: null,
      },
      loop: { ...FRESH_LOOP, lossAverage: state.lossAverage, metricsBytes },
      run,
    },
  });
  terminal.clear();
  if (config.json) {
    const { precision = null, loss = null, images = 0 } = evaluation ?? {};
    console.log(JSON.stringify({ checkpoint: path, step: state.step, precision, loss, images }));
    return;
  }
  console.log(`${path}, step ${state.step}: ${model.name} on ${width} values of ${source}`);
  if (evaluation === undefined) return;
  console.log(precisionLine(wallClock(), evaluation.precision));
  const report = evaluationReport([{ weights: WEIGHTS.trained, evaluation }], classes);
  console.log(
    `${formatCount(evaluation.correct)} of ${formatCount(evaluation.images)}\n\n${report}`,
  );
}

/** Momentum on a cosine: what a small convex problem takes. */
function recipeOf(config: FinetuneConfig): Recipe {
  const { batchSize, seed, steps, learningRate, weightDecay } = config;
  return {
    ...REFERENCE_RECIPE,
    ...{ batchSize, seed, learningRate, weightDecay, totalSteps: steps },
    ...{ optimizer: "momentum", momentum: 0.9, schedule: "cosine", finalLearningRate: 0 },
  };
}
