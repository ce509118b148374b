// What is measured of a classifier, from what it said of each image. Pure functions in float64.

/** What was found for each image. */
export interface Outcomes {
  /** Of how many classes. */
  readonly classes: number;
  /** [images] */
  readonly labels: Uint32Array;
  /** The class of the highest score; the label where it shares the first place; -1: no score. [images] */
  readonly predicted: Int32Array;
  /** Probability of the predicted class; NaN where there is none. [images] */
  readonly confidence: Float64Array;
}

/** Images whose confidence lies in (low, high]; the first bin has 0 too. */
export interface CalibrationBin {
  readonly low: number;
  readonly high: number;
  readonly images: number;
  /** Mean probability of the predicted class; null without images. */
  readonly confidence: number | null;
  /** Share that is right; null without images. */
  readonly precision: number | null;
}

/** How far confidence and precision are apart. */
export interface Calibration {
  /** Expected calibration error: sum over bins of images / all * |precision - confidence|. */
  readonly error: number;
  readonly bins: readonly CalibrationBin[];
}

/** Bins of the expected calibration error, as in Guo et al. */
export const CALIBRATION_BINS = 15;

/**
 * Expected calibration error with bins of equal width, and the bins as a reliability table. Images
 * without a prediction are in no bin. Source: Guo, Pleiss, Sun, Weinberger, "On calibration of modern
 * neural networks", ICML 2017.
 */
export function calibration(
  { labels, predicted, confidence }: Outcomes,
  count: number = CALIBRATION_BINS,
): Calibration {
  const images = new Float64Array(count);
  const right = new Float64Array(count);
  const confident = new Float64Array(count);
  let all = 0;
  for (let i = 0; i < labels.length; i++) {
    if (predicted[i] < 0) continue;
    const bin = Math.max(0, Math.min(count - 1, Math.ceil(confidence[i] * count) - 1));
    all++;
    images[bin]++;
    confident[bin] += confidence[i];
    if (predicted[i] === labels[i]) right[bin]++;
  }
  let error = 0;
  const bins = Array.from({ length: count }, (_, bin): CalibrationBin => {
    const range = { low: bin / count, high: (bin + 1) / count, images: images[bin] };
    if (images[bin] === 0) return { ...range, confidence: null, precision: null };
    error += Math.abs(right[bin] - confident[bin]) / all;
    const [mean, precision] = [confident[bin] / images[bin], right[bin] / images[bin]];
    return { ...range, confidence: mean, precision };
  });
  return { error, bins };
}

/**
 * Images by true and predicted class, `[true][predicted]`. Images without a prediction are in no cell,
 * so a row may hold fewer than its class has.
 */
export function confusionMatrix({ classes, labels, predicted }: Outcomes): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    if (predicted[i] >= 0) matrix[labels[i]][predicted[i]]++;
  }
  return matrix;
}

/** How one class fares. */
export interface ClassScore {
  /** Of the images predicted as the class, the share that is; null if none was predicted so. */
  readonly precision: number | null;
  /** Of the images of the class, the share predicted as it; null if there are none. */
  readonly recall: number | null;
  /** Images of the class. */
  readonly support: number;
  /** The class that its images are most often mistaken for, the first of several; null if for none. */
  readonly confusedWith: { readonly label: number; readonly images: number } | null;
}

/** Precision, recall, support and worst confusion of each class, [classes]. */
export function classScores({ classes, labels, predicted }: Outcomes): ClassScore[] {
  const support = new Float64Array(classes);
  const predictions = new Float64Array(classes);
  const right = new Float64Array(classes);
  // Not the matrix: with many classes it is far larger than the images are many.
  const mistakes = Array.from({ length: classes }, () => new Map<number, number>());
  for (let i = 0; i < labels.length; i++) {
    const [label, found] = [labels[i], predicted[i]];
    support[label]++;
    if (found < 0) continue;
    predictions[found]++;
    if (found === label) right[label]++;
    else mistakes[label].set(found, (mistakes[label].get(found) ?? 0) + 1);
  }
  return mistakes.map((others, label) => ({
    precision: predictions[label] === 0 ? null : right[label] / predictions[label],
    recall: support[label] === 0 ? null : right[label] / support[label],
    support: support[label],
    confusedWith: mostOf(others),
  }));
}

function mostOf(counts: ReadonlyMap<number, number>): ClassScore["confusedWith"] {
  let most: ClassScore["confusedWith"] = null;
  for (const [label, images] of counts) {
    const more = most === null || images > most.images ||
      images === most.images && label < most.label;
    if (more) most = { label, images };
  }
  return most;
}

/** An image that was predicted wrong. */
export interface Mistake {
  /** Its number among those measured. */
  readonly image: number;
  readonly label: number;
  readonly predicted: number;
  /** Probability of the predicted class. */
  readonly probability: number;
}

/** The mistakes that were made with most confidence, most first; of equal ones the first image. */
export function confidentMistakes(
  { labels, predicted, confidence }: Outcomes,
  count: number,
): Mistake[] {
  const wrong: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    if (predicted[i] >= 0 && predicted[i] !== labels[i]) wrong.push(i);
  }
  wrong.sort((a, b) => confidence[b] - confidence[a] || a - b);
  return wrong.slice(0, count).map((image) => ({
    image,
    label: labels[image],
    predicted: predicted[image],
    probability: confidence[image],
  }));
}
