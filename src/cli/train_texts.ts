// The texts of a run's start and end.

import type { Device } from "../engine/device.ts";
import type { Model } from "../nn/model.ts";
import { countParameters } from "../nn/parameters.ts";
import { formatSections } from "../report/console.ts";
import type { PlanSummary } from "../tensor/compile.ts";
import type { InputChoice } from "../train/choose_input.ts";
import type { TrainConfig } from "../train/config.ts";
import type { InputSummary } from "../train/input_summary.ts";
import type { RunData } from "../train/run_data.ts";
import type { TrainResult } from "../train/train.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFlops,
  formatShare,
} from "../util/units.ts";

/** Waiting for more than this share of the time is worth a word. */
const MOST_WAITING = 0.02;

/** What a start is told by. */
export interface StartFacts {
  readonly config: TrainConfig;
  readonly data: RunData;
  readonly model: Model;
  readonly steps: number;
  readonly device: Device;
  readonly choice: string;
  readonly input: InputChoice;
  readonly summary: PlanSummary;
  /** The checkpoint that it goes on from. */
  readonly from: string | undefined;
}

/** The table that is printed when a run starts. */
export function startTable(
  { config, data, model, steps, device, choice, input, summary, from }: StartFacts,
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
        ...(from === undefined ? [] : [["resumed from", from]]),
        ["steps", `${formatCount(steps)} of ${imagesText(config)}`],
        ["seed", config.seed],
        ["optimizer", optimizerText(config)],
        ["learning rate", learningRateText(config)],
        ["weight decay", config.weightDecay],
        ["EMA decay", `${config.emaDecay} of the weights, ${config.lossAverageDecay} of the loss`],
      ],
    },
  ]);
}

function imagesText({ batchSize, accumulate }: TrainConfig): string {
  return accumulate === 1 ? `${batchSize} images` : `${accumulate} times ${batchSize} images`;
}

function optimizerText(
  { optimizer, momentum, muonMomentum, clipNorm, lookahead }: TrainConfig,
): string {
  const factor = optimizer === "momentum" || optimizer === "nesterov"
    ? ` ${momentum}`
    : optimizer === "muon"
    ? ` ${muonMomentum}, else nesterov ${momentum}`
    : "";
  const slow = lookahead > 0 ? `, lookahead every ${lookahead} steps` : "";
  return `${optimizer}${factor}${clipNorm > 0 ? `, gradients clipped at ${clipNorm}` : ""}${slow}`;
}

function learningRateText(config: TrainConfig): string {
  const { learningRate, schedule, decayFactor, warmupSteps } = config;
  const course: Record<TrainConfig["schedule"], string> = {
    step: `times ${decayFactor} ${
      config.milestones === null
        ? `every ${config.epochsPerDecay} epochs`
        : `at steps ${config.milestones}`
    }`,
    exponential: `falling to ${decayFactor} of it every ${config.epochsPerDecay} epochs`,
    cosine: `falling to ${config.finalLearningRate} as a cosine`,
    linear: `falling to ${config.finalLearningRate} in a line`,
    triangle:
      `from ${config.startLearningRate} after ${config.peak} of the steps, then falling to ` +
      `${config.finalLearningRate}`,
    constant: "constant",
    plateau:
      `times ${decayFactor} after ${config.plateauPatience} evaluations without a better one`,
  };
  const warmUp = warmupSteps > 0 ? `, after ${formatCount(warmupSteps)} steps of warm-up` : "";
  return `${learningRate}, ${course[schedule]}${warmUp}`;
}

/** What is said when a run ends, or is interrupted. */
export function endText(
  { end, step, steps, seconds, input, best, checkpoint }: TrainResult,
  { config, runDir }: { config: TrainConfig; runDir: string },
): string[] {
  const images = steps * config.batchSize * config.accumulate;
  const lines: string[] = [];
  if (steps > 0) {
    lines.push(
      `trained ${formatCount(images)} images in ${formatDuration(seconds)}: ` +
        `${(images / seconds).toFixed(1)} images/s`,
    );
  }
  if (input && steps > 0) lines.push(inputLine(input, config.workers));
  if (best !== null && config.evalEvery > 0) {
    lines.push(`best precision @ 1 with EMA: ${best.precision.toFixed(4)} at step ${best.step}`);
  }
  if (end === "stopped") {
    lines.push(`stopped at step ${step}: no better precision in ${config.patience} evaluations`);
  } else if (end === "interrupted") {
    lines.push(`interrupted at step ${step}: all is saved in ${checkpoint}`);
    lines.push(`to go on: deno task train --resume --run-dir ${runDir}`);
  }
  return lines;
}

/** How a complete run can be trained on. */
export function trainOnText(
  { epochs }: TrainConfig,
  { runDir, step, steps }: { runDir: string; step: number; steps: number },
): string {
  const [change, name] = step < steps
    ? ["--patience 0", "patience"]
    : epochs === null
    ? [`--steps ${2 * steps}`, "steps"]
    : [`--epochs ${2 * epochs}`, "epochs"];
  return `to train on: deno task train --resume --run-dir ${runDir} ${change} --allow-change ${name}`;
}

/** What the queue of batches did, and the fix if it kept the step waiting. */
function inputLine({ capacity, fill, waitShare }: InputSummary, workers: number): string {
  const line = `input: the queue of ${capacity} batches was ${formatShare(fill)} full, ` +
    `${formatShare(waitShare)} of the time was spent waiting for it`;
  return waitShare < MOST_WAITING
    ? line
    : `${line}; try more than ${workers} --workers, or --input device`;
}
