import type { Device } from "../engine/device.ts";
import { createReporter } from "../data/acquire/progress.ts";
import { parseDatasetName } from "../data/datasets/dataset_name.ts";
import { countParameters } from "../nn/parameters.ts";
import type { Model } from "../nn/model.ts";
import { referenceModel } from "../nn/models/reference.ts";
import { createConsole, formatSections } from "../report/console.ts";
import { logLine, wallClock } from "../report/log_line.ts";
import { openMetrics } from "../report/metrics.ts";
import type { PlanSummary } from "../tensor/compile.ts";
import { chooseInput, type InputChoice } from "../train/choose_input.ts";
import { totalSteps, type TrainConfig } from "../train/config.ts";
import type { InputSummary } from "../train/input_summary.ts";
import { openDevice } from "../train/open_device.ts";
import {
  augmentOf,
  dataDirOf,
  normalizationOf,
  openSource,
  type RunData,
  selectData,
} from "../train/run_data.ts";
import { claimRunFolder, saveConfig } from "../train/run_folder.ts";
import type { SavedData } from "../train/saved_run.ts";
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

/** Waiting for more than this share of the time is worth a word. */
const MOST_WAITING = 0.02;

/** Trains the reference CNN and measures it: `deno task train`. */
export async function trainCommand(config: TrainConfig): Promise<void> {
  const { runDir, batchSize, workers } = config;
  parseDatasetName(config.dataset);
  await claimRunFolder(runDir);
  const data = await selectData(await openSource(config, createReporter()), config);
  const { train: training, dataset } = data;
  const model = referenceModel(dataset.classes.length);
  const [height, width] = model.image;
  const normalization = normalizationOf(config, training);
  const augment = augmentOf(config, { crop: [height, width], normalization }, training.format);
  const { device, choice } = await openDevice(config.device, config.threads);
  using _device = { [Symbol.dispose]: () => device.destroy() };
  const input = chooseInput(config.input, device, training);
  const steps = totalSteps(config, training.count);
  using console = createConsole();
  using metrics = openMetrics(join(runDir, "metrics.jsonl"));
  const rate = (event: LogEvent) => event.losses.length * batchSize / event.seconds;
  let trained = 0;
  const result = await train(
    {
      device,
      model,
      recipe: config,
      train: training,
      augment,
      shuffle: config.shuffle,
      input: input.input,
      evaluations: data.evaluations,
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
          dataDir: dataDirOf(config),
          model: model.name,
          data: { classes: dataset.classes, normalization } satisfies SavedData,
          kiln: VERSION,
          deno: Deno.version.deno,
          engine: device.target.engine,
          adapter: device.description,
        });
        console.log(startTable({ config, data, model, steps, device, choice, input, summary }));
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
          ...(event.input && inputMetrics(event.input)),
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
          set: event.set,
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
      `${(images / result.seconds).toFixed(1)} images/s`,
  );
  if (result.input) console.log(inputLine(result.input, workers));
}

/** What the queue of batches did, and the fix if it kept the step waiting. */
function inputLine({ capacity, fill, waitShare }: InputSummary, workers: number): string {
  const line = `input: the queue of ${capacity} batches was ${formatShare(fill)} full, ` +
    `${formatShare(waitShare)} of the time was spent waiting for it`;
  return waitShare < MOST_WAITING
    ? line
    : `${line}; try more than ${workers} --workers, or --input device`;
}

/** The queue summaries of the reference: how full it is, what goes in and out, who waits. */
function inputMetrics({ capacity, fill, produced, consumed, waitShare }: InputSummary) {
  return {
    queue_capacity: capacity,
    queue_fill: fill,
    images_per_second_produced: produced,
    images_per_second_consumed: consumed,
    input_wait_share: waitShare,
  };
}

function precisionText({ set, step, weights, averages }: EvaluationEvent): string {
  return `step ${step}: precision @ 1 = ${weights.precision.toFixed(4)}, ` +
    `with EMA ${averages.precision.toFixed(4)} (${formatCount(weights.images)} ${set} images)`;
}

/** What a start is told by. */
interface Start {
  readonly config: TrainConfig;
  readonly data: RunData;
  readonly model: Model;
  readonly steps: number;
  readonly device: Device;
  readonly choice: string;
  readonly input: InputChoice;
  readonly summary: PlanSummary;
}

function startTable(
  { config, data, model, steps, device, choice, input, summary }: Start,
): string {
  const { memory } = device;
  return formatSections([
    {
      heading: "Model",
      rows: [
        ["model", model.name],
        ["parameters", formatCount(countParameters(model.parameters))],
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
      heading: "Data",
      rows: [
        ["data set", `${data.dataset.name}, ${data.dataset.origin}`],
        ["classes", formatCount(data.dataset.classes.length)],
        [
          "images",
          Object.entries(data.counts).map(([set, n]) => `${formatCount(n)} ${set}`).join(", "),
        ],
        ["made by", input.input === "host" ? `${input.reason} (${config.workers})` : input.reason],
      ],
    },
    {
      heading: "Run",
      rows: [
        ["run folder", config.runDir],
        ["steps", `${formatCount(steps)} of ${config.batchSize} images`],
        ["seed", config.seed],
        [
          "learning rate",
          `${config.learningRate}, times ${config.decayFactor} every ${config.epochsPerDecay} epochs`,
        ],
        ["weight decay", config.weightDecay],
        ["EMA decay", `${config.emaDecay} of the weights, ${config.lossAverageDecay} of the loss`],
      ],
    },
  ]);
}
