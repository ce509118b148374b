import { type Views, viewWeight } from "../../data/augment/views.ts";
import { softmax } from "./scores.ts";

/** Averages the scores of several views of the images of a batch, view by view. */
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
   * @returns the probabilities of each image, [batchSize][classes], if that was the last view: the mean of the
   *   views' probabilities, or those of the mean logits, as the views have it; valid until the next call
   */
  add(logits: readonly ArrayLike<number>[], view: number): readonly Float64Array[] | undefined {
    const isLast = view === this.#views - 1;
    const { weight, of } = viewWeight(this.#views, view);
    logits.forEach((scores, image) => {
      const sums = this.#sums[image];
      if (view === 0) sums.fill(0);
      if (of === "probabilities") softmax(scores, this.#view);
      else this.#view.set(scores);
      for (let i = 0; i < sums.length; i++) sums[i] += this.#view[i] * weight;
      if (isLast && of === "logits") softmax(sums, sums);
    });
    return isLast ? this.#sums : undefined;
  }
}
