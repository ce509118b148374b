import {
  type CalibrationBin,
  classScores,
  confusionMatrix,
  type Outcomes,
} from "../train/evaluation/metrics.ts";
import type { Evaluation } from "../train/evaluation/tally.ts";
import { type Cell, formatTable } from "../util/table.ts";
import { formatCount, formatShare } from "../util/units.ts";

/** Which weights of a checkpoint, as people know them. */
export interface Weights {
  readonly name: string;
  /** One word. */
  readonly short: string;
}

/** Weights that were measured. */
export interface Measured {
  readonly weights: Weights;
  readonly evaluation: Evaluation;
}

/** Up to so many classes, the confusion matrix is printed. */
const MOST_PRINTED = 20;
/** Of more classes than this, those of the lowest recall are listed alone. */
const MOST_LISTED = 100;
const WORST_LISTED = 20;

/**
 * What was measured, as text: the sums; each class; where there are few classes, what is taken for
 * what; and how far the probabilities can be trusted. Of several weights, the last two are those of the
 * first.
 */
export function evaluationReport(
  measured: readonly Measured[],
  classes: readonly string[],
): string {
  const [{ evaluation, weights }] = measured;
  const whose = measured.length > 1 ? `; ${weights.name}` : "";
  const parts = [sums(measured), classTable(measured, classes)];
  if (classes.length <= MOST_PRINTED) {
    parts.push(
      `confusion: rows are the true classes, columns the predicted${whose}\n` +
        confusionTable(evaluation, classes),
    );
  }
  parts.push(
    `calibration: images by the probability of their predicted class${whose}\n` +
      reliabilityTable(evaluation.calibration.bins),
  );
  const unscored = evaluation.predicted.reduce((sum, label) => sum + (label < 0 ? 1 : 0), 0);
  if (unscored > 0) {
    parts.push(
      `images whose scores are not finite, which count as wrong: ${formatCount(unscored)}`,
    );
  }
  return parts.join("\n\n");
}

function sums(measured: readonly Measured[]): string {
  const row = (name: string, of: (evaluation: Evaluation) => number | null) => [
    name,
    ...measured.map(({ evaluation }) => {
      const value = of(evaluation);
      return value === null ? "-" : value.toFixed(4);
    }),
  ];
  const rows = [
    row("precision @ 1", ({ precision }) => precision),
    ...measured[0].evaluation.precision5 === null
      ? []
      : [row("precision @ 5", ({ precision5 }) => precision5)],
    row("loss (cross-entropy)", ({ loss }) => loss),
    row("calibration error (ECE)", ({ calibration }) => calibration.error),
  ];
  const columns = ["", ...measured.map(({ weights }) => weights.name)];
  return formatTable(rows, {
    columns: measured.length > 1 ? columns : undefined,
    align: `l${"r".repeat(measured.length)}`,
  });
}

function classTable(measured: readonly Measured[], classes: readonly string[]): string {
  const scores = measured.map(({ evaluation }) => classScores(evaluation));
  const labels = classes.map((_, label) => label);
  const shown = classes.length <= MOST_LISTED ? labels : labels
    .sort((a, b) => (scores[0][a].recall ?? 2) - (scores[0][b].recall ?? 2) || a - b)
    .slice(0, WORST_LISTED);
  const rows = shown.map((label): Cell[] => [
    classes[label],
    formatCount(scores[0][label].support),
    ...scores.flatMap((own) => {
      const { precision, recall, confusedWith } = own[label];
      return [share(precision), share(recall), confusion(confusedWith, classes)];
    }),
  ]);
  const columns = measured.flatMap(({ weights: { short } }) => [
    measured.length > 1 ? `${short}: precision` : "precision",
    "recall",
    "most confused with",
  ]);
  const heading = shown.length < classes.length
    ? `the ${shown.length} of ${formatCount(classes.length)} classes with the lowest recall`
    : undefined;
  return formatTable(rows, {
    heading,
    columns: ["class", "images", ...columns],
    align: `lr${"rrl".repeat(measured.length)}`,
  });
}

function confusion(
  confusedWith: ReturnType<typeof classScores>[number]["confusedWith"],
  classes: readonly string[],
): string {
  if (confusedWith === null) return "-";
  return `${classes[confusedWith.label]} (${formatCount(confusedWith.images)})`;
}

function confusionTable(outcomes: Outcomes, classes: readonly string[]): string {
  const rows = confusionMatrix(outcomes).map((row, label): Cell[] => [
    classes[label],
    label,
    ...row.map((images) => images === 0 ? "." : formatCount(images)),
  ]);
  return formatTable(rows, {
    columns: ["", "", ...classes.map((_, label) => String(label))],
    align: `l${"r".repeat(classes.length + 1)}`,
  });
}

function reliabilityTable(bins: readonly CalibrationBin[]): string {
  const rows = bins.flatMap(({ low, high, images, confidence, precision }): Cell[][] =>
    images === 0 ? [] : [[
      `${formatShare(low)} to ${formatShare(high)}`,
      formatCount(images),
      share(confidence),
      share(precision),
    ]]
  );
  return formatTable(rows, {
    columns: ["probability", "images", "mean", "right"],
    align: "rrrr",
  });
}

function share(value: number | null): string {
  return value === null ? "-" : value.toFixed(3);
}
