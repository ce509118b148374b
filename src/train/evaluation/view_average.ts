import type { Views } from "../../data/augment/draw.ts";
import { softmax } from "./scores.ts";

/** Averages the probabilities of several views of the images of a batch, view by view. */
export class ViewAverage {
  readonly #views: Views;
  readonly #sums: Float64Array[];
  readonly #view: Float64Array;

  constructor(views: Views, classes: number, batchSize: number) {
    this.#views = views;
    this.#sums = Array.from({ length: batchSize }, () => new Float64Array(classes));
    this.#view = new Float64Array(classes);
  }

  /**
   * Adds view `view` of the images, by their logits; the first view begins new images.
   *
   * @returns the probabilities of each image, [batchSize][classes], if that was the last view; they are
   *   valid until the next call
   */
  add(logits: readonly ArrayLike<number>[], view: number): readonly Float64Array[] | undefined {
    const isLast = view === this.#views - 1;
    logits.forEach((scores, image) => {
      const sums = this.#sums[image];
      if (view === 0) sums.fill(0);
      softmax(scores, this.#view);
      for (let i = 0; i < sums.length; i++) sums[i] += this.#view[i];
      if (isLast) { for (let i = 0; i < sums.length; i++) sums[i] /= this.#views; }
    });
    return isLast ? this.#sums : undefined;
  }
}
