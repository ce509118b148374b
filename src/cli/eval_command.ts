import { ensureCifar10 } from "../data/acquire/acquire.ts";
import { loadCifar10 } from "../data/datasets/cifar10.ts";
import { referenceCnn } from "../nn/models/reference.ts";
import { createConsole } from "../report/console.ts";
import { precisionLine, wallClock } from "../report/log_line.ts";
import { newestCheckpoint, readCheckpoint } from "../train/checkpoint.ts";
import type { EvalConfig } from "../train/config.ts";
import { Evaluator } from "../train/evaluate.ts";
import { openDevice } from "../train/open_device.ts";
import { newestRun } from "../train/run_folder.ts";
import { formatCount } from "../util/units.ts";

/** Measures a checkpoint on all test images, once each: `deno task eval`. */
export async function evalCommand(config: EvalConfig): Promise<void> {
  const { dataDir, workers, json } = config;
  const path = config.checkpoint ??
    await newestCheckpoint(config.runDir ?? await newestRun("runs"));
  await ensureCifar10({ dataDir });
  const records = await loadCifar10(dataDir, "test");
  const { device } = await openDevice(config.device, config.threads);
  using _device = { [Symbol.dispose]: () => device.destroy() };
  using evaluator = await Evaluator.create(device, referenceCnn, config.batchSize);
  const { step, parameters, averages } = await readCheckpoint(path, referenceCnn, evaluator.layout);
  using terminal = createConsole();
  const { precision, correct, images } = await evaluator.run(config.ema ? averages : parameters, {
    records,
    workers,
    onBatch: (done) =>
      terminal.status(`evaluating ${formatCount(done)}/${formatCount(records.count)} images`),
  });
  terminal.clear();
  if (json) {
    console.log(
      JSON.stringify({ checkpoint: path, step, ema: config.ema, precision, correct, images }),
    );
    return;
  }
  console.log(
    `${path}, step ${step}, ${config.ema ? "moving averages (EMA)" : "weights as trained"}`,
  );
  console.log(precisionLine(wallClock(), precision));
  console.log(`${formatCount(correct)} of ${formatCount(images)} test images`);
}
