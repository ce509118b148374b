import { interleavedRgb } from "../data/image_store.ts";
import { confusionCsv } from "../report/confusion_csv.ts";
import { confusionSvg } from "../report/confusion_picture.ts";
import { MOST_MATRIX_CLASSES } from "../report/evaluation_json.ts";
import type { Measured } from "../report/evaluation_report.ts";
import { mistakesSvg } from "../report/mistakes_picture.ts";
import { openPainter } from "../report/picture.ts";
import type { EvalConfig } from "../train/config.ts";
import { classScores, confidentMistakes, confusionMatrix } from "../train/evaluation/metrics.ts";
import { writeFileAtomic } from "../util/atomic_file.ts";
import { ConfigError } from "../util/errors.ts";
import { formatCount } from "../util/units.ts";
import type { Measuring } from "./measuring.ts";
import { checkOutputFile } from "./output_file.ts";
import { PROBABILITY_ENDINGS, writeProbabilities } from "./probability_files.ts";

/** The flags that name files. */
export type FilesConfig = Pick<
  EvalConfig,
  "confusionCsv" | "confusionPng" | "mistakes" | "probabilities"
>;

/** Mistakes on the sheet. */
const SHOWN = 40;

/** @throws {UserError} if a file could not be written, before anything is measured */
export async function checkEvaluationFiles(config: FilesConfig): Promise<void> {
  await checkOutputFile("confusion-csv", config.confusionCsv, ".csv");
  await checkOutputFile("confusion-png", config.confusionPng, ".png");
  await checkOutputFile("mistakes", config.mistakes, ".png");
  const example = "--probabilities probabilities.csv";
  await checkOutputFile("probabilities", config.probabilities, PROBABILITY_ENDINGS, example);
}

/** @throws {ConfigError} if a matrix of so many classes would be too large */
export function checkMatrixSize(
  { confusionCsv, confusionPng }: FilesConfig,
  classes: number,
): void {
  if (confusionCsv === null && confusionPng === null || classes <= MOST_MATRIX_CLASSES) return;
  const flag = confusionPng === null ? "confusion-csv" : "confusion-png";
  throw new ConfigError(
    `Cannot write the confusion matrix as it is too large: expected at most ${
      formatCount(MOST_MATRIX_CLASSES)
    } classes, found ${formatCount(classes)}`,
    { hint: `leave --${flag} out` },
  );
}

/** Writes the files that are asked for, of the first of the measured weights. */
export async function writeEvaluationFiles(
  config: FilesConfig,
  [{ weights, evaluation }]: readonly Measured[],
  { measuring, step }: { measuring: Measuring; step: number },
): Promise<void> {
  const { confusionCsv: csv, confusionPng: png, mistakes: sheet } = config;
  const { classes, set, store } = measuring;
  if (config.probabilities !== null) {
    await writeProbabilities(config.probabilities, evaluation, classes);
  }
  const matrix = csv === null && png === null ? [] : confusionMatrix(evaluation);
  if (csv !== null) await writeFileAtomic(csv, confusionCsv(classes, matrix));
  if (png === null && sheet === null) return;
  const painter = await openPainter(classes, (message) => console.error(message));
  const { images, precision } = evaluation;
  const about =
    `step ${formatCount(step)}, ${weights.name}, ${formatCount(images)} ${set} images, ` +
    `precision @ 1 = ${precision.toFixed(3)}`;
  if (png !== null) {
    const precisions = classScores(evaluation).map((score) => score.precision);
    const svg = confusionSvg(painter, { classes, matrix, precisions, about });
    await writeFileAtomic(png, painter.draw(svg));
  }
  if (sheet !== null) {
    const { height, width } = store.format;
    const shown = confidentMistakes(evaluation, SHOWN).map(
      ({ image, label, predicted, probability }) => ({
        tile: { height, width, pixels: interleavedRgb(store.pixels(image), store.format) },
        image,
        label: classes[label],
        predicted: classes[predicted],
        probability,
      }),
    );
    await writeFileAtomic(sheet, painter.draw(mistakesSvg(painter, shown, about)));
  }
}
