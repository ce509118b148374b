// What a training run says while it goes on: to the terminal and to metrics.jsonl.

import type { Console } from "../report/console.ts";
import { logLine, wallClock } from "../report/log_line.ts";
import type { MetricsWriter } from "../report/metrics.ts";
import type { TrainConfig } from "../train/config.ts";
import type { InputSummary } from "../train/input_summary.ts";
import type { EvaluationEvent, LogEvent, TrainEvents } from "../train/train.ts";
import { formatCount } from "../util/units.ts";

/** Log lines, the progress line and the metrics of a run. */
export function trainEvents({ config, steps, terminal, metrics }: {
  config: TrainConfig;
  /** Of the whole run. */
  steps: number;
  terminal: Console;
  metrics: MetricsWriter;
}): TrainEvents {
  const stepImages = config.batchSize * config.accumulate;
  let trainedSteps = 0;
  let trainedSeconds = 0;
  return {
    onLog(event: LogEvent) {
      const { step, losses, seconds, learningRate } = event;
      const last = losses[losses.length - 1];
      const imagesPerSec = losses.length * stepImages / seconds;
      trainedSteps += losses.length;
      trainedSeconds += seconds;
      terminal.log(logLine({
        time: wallClock(),
        step,
        loss: last.total,
        examplesPerSec: imagesPerSec,
        secPerBatch: seconds / losses.length,
      }));
      terminal.progress({
        step: step + 1,
        totalSteps: steps,
        loss: last.total,
        learningRate,
        imagesPerSec,
        secondsLeft: trainedSeconds / trainedSteps * (steps - step - 1),
      });
      metrics.write({
        kind: "train",
        step,
        loss: last.total,
        ...last.terms,
        mean_loss: event.meanLoss,
        averaged_loss: last.average,
        gradient_norm: last.gradientNorm,
        learning_rate: learningRate,
        images_per_second: imagesPerSec,
        ...(event.input && inputMetrics(event.input)),
      });
    },
    onCheckpoint(path, step) {
      terminal.log(`step ${step}: checkpoint ${path}`);
    },
    onDiskFull({ message }, step, last) {
      const good = last === undefined ? "there is none yet" : `that of step ${last} is safe`;
      terminal.log(`warning: step ${step}: no checkpoint: ${message}; ${good}, training goes on`);
    },
    onEvaluating(done, images) {
      terminal.status(`evaluating ${formatCount(done)}/${formatCount(images)} images`);
    },
    onEvaluation(event) {
      terminal.log(precisionText(event));
      const { set, step, weights, averages } = event;
      metrics.write({
        kind: "eval",
        set,
        step,
        precision: weights.precision,
        precision_ema: averages.precision,
        loss: weights.loss,
        loss_ema: averages.loss,
      });
    },
    onWarning(text) {
      terminal.log(`warning: ${text}`);
    },
    onRebuilt({ message }, step) {
      terminal.log(`warning: ${message}; opened it again, going on at step ${step}`);
    },
  };
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
