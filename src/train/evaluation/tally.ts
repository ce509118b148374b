import { type Calibration, calibration, type Outcomes } from "./metrics.ts";
import { bestClass, crossEntropy, labelRank, softmax } from "./scores.ts";

/** The outcome of an evaluation. */
export interface Evaluation extends Outcomes {
  /** Share of images whose best class is the label; ties count as right. */
  readonly precision: number;
  /** Share of images whose label is among the five best; null with fewer than five classes. */
  readonly precision5: number | null;
  /** Mean of -log of the label's probability, natural logarithm; NaN if any score is not finite. */
  readonly loss: number;
  readonly calibration: Calibration;
  readonly correct: number;
  readonly images: number;
  /** The softmax of each image, [images, classes], if it was kept; NaN where a score is not finite. */
  readonly probabilities?: Float32Array<ArrayBuffer>;
}

const FIVE = 5;

/** Adds up what a model said of one image after the other. */
export class Tally {
  readonly #classes: number;
  readonly #labels: Uint32Array;
  readonly #predicted: Int32Array;
  readonly #confidence: Float64Array;
  readonly #probabilities: Float64Array;
  readonly #kept: Float32Array<ArrayBuffer> | undefined;
  #images = 0;
  #correct = 0;
  #correct5 = 0;
  #loss = 0;

  /**
   * @param images how many there will be at most
   * @param keepsProbabilities whether all of them are part of the result
   */
  constructor(classes: number, images: number, keepsProbabilities = false) {
    this.#classes = classes;
    this.#labels = new Uint32Array(images);
    this.#predicted = new Int32Array(images);
    this.#confidence = new Float64Array(images);
    this.#probabilities = new Float64Array(classes);
    this.#kept = keepsProbabilities ? new Float32Array(images * classes) : undefined;
  }

  /** The next image, by its logits [classes]. */
  addLogits(logits: ArrayLike<number>, label: number): void {
    softmax(logits, this.#probabilities);
    // Ranked by the logits: different ones may have the same probability.
    this.#add(logits, label, crossEntropy(logits, label));
  }

  /** The next image, by its probabilities [classes]. */
  addProbabilities(probabilities: Float64Array, label: number): void {
    this.#probabilities.set(probabilities);
    this.#add(probabilities, label, -Math.log(probabilities[label]));
  }

  #add(scores: ArrayLike<number>, label: number, loss: number): void {
    const image = this.#images++;
    const rank = labelRank(scores, label);
    const predicted = rank === 0 ? label : bestClass(scores);
    this.#labels[image] = label;
    this.#predicted[image] = predicted;
    this.#confidence[image] = predicted < 0 ? NaN : this.#probabilities[predicted];
    this.#kept?.set(this.#probabilities, image * this.#classes);
    if (rank < 1) this.#correct++;
    if (rank < FIVE) this.#correct5++;
    this.#loss += predicted < 0 ? NaN : loss;
  }

  /** What was found of the images so far. */
  result(): Evaluation {
    const images = this.#images;
    const outcomes: Outcomes = {
      classes: this.#classes,
      labels: this.#labels.slice(0, images),
      predicted: this.#predicted.slice(0, images),
      confidence: this.#confidence.slice(0, images),
    };
    return {
      ...outcomes,
      precision: this.#correct / images,
      precision5: this.#classes < FIVE ? null : this.#correct5 / images,
      loss: this.#loss / images,
      calibration: calibration(outcomes),
      correct: this.#correct,
      images,
      ...this.#kept && { probabilities: this.#kept.slice(0, images * this.#classes) },
    };
  }
}
