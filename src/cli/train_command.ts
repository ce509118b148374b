import type { Device } from "../engine/device.ts";
import { ensureCifar10 } from "../data/acquire/acquire.ts";
import { loadCifar10 } from "../data/datasets/cifar10.ts";
import { countParameters } from "../nn/parameters.ts";
import { referenceCnn } from "../nn/models/reference.ts";
import { createConsole, formatSections } from "../report/console.ts";
import { logLine, wallClock } from "../report/log_line.ts";
import { openMetrics } from "../report/metrics.ts";
import type { PlanSummary } from "../tensor/compile.ts";
import { totalSteps, type TrainConfig } from "../train/config.ts";
import { openDevice } from "../train/open_device.ts";
import { claimRunFolder, saveConfig } from "../train/run_folder.ts";
import { type EvaluationEvent, type LogEvent, train } from "../train/train.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFlops,
  formatShare,
} from "../util/units.ts";
import { VERSION } from "../util/version.ts";
import { join } from "node:path";

/** Trains the reference CNN and measures it: `deno task train`. */
export async function trainCommand(config: TrainConfig): Promise<void> {
  const { runDir, dataDir, batchSize, workers } = config;
  await claimRunFolder(runDir);
  await ensureCifar10({ dataDir, url: config.dataUrl ?? undefined });
  const training = await loadCifar10(dataDir, "train");
  const { device, choice } = await openDevice(config.device, config.threads);
  using _device = { [Symbol.dispose]: () => device.destroy() };
  const steps = totalSteps(config, training.count);
  using console = createConsole();
  using metrics = openMetrics(join(runDir, "metrics.jsonl"));
  const rate = (event: LogEvent) => event.losses.length * batchSize / event.seconds;
  let trained = 0;
  const result = await train(
    {
      device,
      model: referenceCnn,
      recipe: config,
      train: training,
      test: () => loadCifar10(dataDir, "test"),
      runDir,
      steps,
      workers,
      logEvery: config.logEvery,
      checkpointEvery: config.checkpointEvery,
      evalEvery: config.evalEvery,
    },
    {
      async onStart(summary) {
        // Not before: a run that does not start leaves its folder free for the next try.
        await saveConfig(runDir, {
          ...config,
          model: referenceCnn.name,
          kiln: VERSION,
          deno: Deno.version.deno,
          engine: device.target.engine,
          adapter: device.description,
        });
        console.log(startTable(config, { steps, device, choice, summary }));
        console.log("");
      },
      onLog(event) {
        const last = event.losses[event.losses.length - 1];
        trained += event.seconds;
        const secPerBatch = event.seconds / event.losses.length;
        console.log(logLine({
          time: wallClock(),
          step: event.step,
          loss: last.total,
          examplesPerSec: rate(event),
          secPerBatch,
        }));
        console.progress({
          step: event.step + 1,
          totalSteps: steps,
          loss: last.total,
          learningRate: event.learningRate,
          imagesPerSec: rate(event),
          secondsLeft: trained / (event.step + 1) * (steps - event.step - 1),
        });
        metrics.write({
          kind: "train",
          step: event.step,
          loss: last.total,
          ...last.terms,
          mean_loss: event.losses.reduce((sum, { total }) => sum + total, 0) / event.losses.length,
          averaged_loss: last.total,
          learning_rate: event.learningRate,
          images_per_second: rate(event),
        });
      },
      onCheckpoint(path, step) {
        console.log(`step ${step}: checkpoint ${path}`);
        metrics.write({ kind: "checkpoint", step, path });
      },
      onEvaluating(done, images) {
        console.status(`evaluating ${formatCount(done)}/${formatCount(images)} images`);
      },
      onEvaluation(event) {
        console.log(precisionText(event));
        metrics.write({
          kind: "eval",
          step: event.step,
          precision: event.weights.precision,
          precision_ema: event.averages.precision,
        });
      },
    },
  );
  console.clear();
  const images = steps * batchSize;
  console.log(
    `trained ${formatCount(images)} images in ${formatDuration(result.seconds)}: ` +
      `${(images / result.seconds).toFixed(1)} images/s, ${
        formatShare(result.waitShare)
      } of the time waiting for input`,
  );
}

function precisionText({ step, weights, averages }: EvaluationEvent): string {
  return `step ${step}: precision @ 1 = ${weights.precision.toFixed(4)}, ` +
    `with EMA ${averages.precision.toFixed(4)} (${formatCount(weights.images)} test images)`;
}

function startTable(
  config: TrainConfig,
  { steps, device, choice, summary }: {
    steps: number;
    device: Device;
    choice: string;
    summary: PlanSummary;
  },
): string {
  const { memory } = device;
  return formatSections([
    {
      heading: "Model",
      rows: [
        ["model", referenceCnn.name],
        ["parameters", formatCount(countParameters(referenceCnn.parameters))],
        ["arithmetic", `${formatFlops(summary.flops)} a step`],
        ["dispatches", `${summary.dispatches} a step`],
      ],
    },
    {
      heading: "Device",
      rows: [
        ["device", device.description],
        ["chosen", choice],
        ["memory", `${formatBytes(memory.used)} in ${memory.buffers} buffers`],
        [
          "step memory",
          `${formatBytes(summary.bytes)} (intermediates unshared: ${
            formatBytes(summary.unsharedBytes)
          })`,
        ],
      ],
    },
    {
      heading: "Run",
      rows: [
        ["run folder", config.runDir],
        ["data folder", config.dataDir],
        ["steps", `${formatCount(steps)} of ${config.batchSize} images`],
        ["seed", config.seed],
        [
          "learning rate",
          `${config.learningRate}, times ${config.decayFactor} every ${config.epochsPerDecay} epochs`,
        ],
        ["weight decay", config.weightDecay],
        ["EMA decay", `${config.emaDecay} of the weights, ${config.lossAverageDecay} of the loss`],
        ["input workers", config.workers],
      ],
    },
  ]);
}
