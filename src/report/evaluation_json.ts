import { classScores, confidentMistakes, confusionMatrix } from "../train/evaluation/metrics.ts";
import type { Evaluation } from "../train/evaluation/tally.ts";
import type { MetricsRecord } from "./metrics.ts";

/** Mistakes that are listed. */
const MISTAKES = 50;
/** With more classes there is no matrix: it would be larger than all else by far. */
export const MOST_MATRIX_CLASSES = 1000;

/** An evaluation as JSON, with the names of the classes. */
export function evaluationJson(evaluation: Evaluation, classes: readonly string[]) {
  const { precision, precision5, loss, calibration, correct, images } = evaluation;
  return {
    precision,
    precision5,
    loss,
    calibrationError: calibration.error,
    correct,
    images,
    classes: classScores(evaluation).map(({ confusedWith, ...score }, label) => ({
      name: classes[label],
      ...score,
      confusedWith: confusedWith &&
        { name: classes[confusedWith.label], images: confusedWith.images },
    })),
    confusion: classes.length > MOST_MATRIX_CLASSES ? null : confusionMatrix(evaluation),
    calibration: calibration.bins,
    mistakes: confidentMistakes(evaluation, MISTAKES).map((
      { image, label, predicted, probability },
    ) => ({ image, label: classes[label], predicted: classes[predicted], probability })),
  };
}

/** An evaluation as a line of `eval.jsonl`, in the names of `metrics.jsonl`. */
export function evaluationRecord(
  { precision, precision5, loss, calibration, correct, images }: Evaluation,
  about: MetricsRecord,
): MetricsRecord {
  return {
    kind: "eval",
    ...about,
    precision,
    precision_5: precision5,
    loss,
    calibration_error: calibration.error,
    correct,
    images,
  };
}
