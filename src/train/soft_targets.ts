import type { Recipe } from "./recipe.ts";

/** What of a recipe shapes the targets. */
export type TargetSettings = Pick<Recipe, "batchSize" | "labelSmoothing" | "classWeights">;

/** Whether a step needs a table of targets, not labels alone. */
export function needsTargets(
  { labelSmoothing, classWeights }: Omit<TargetSettings, "batchSize">,
  mixed: boolean,
): boolean {
  return mixed || labelSmoothing > 0 || classWeights !== null;
}

/**
 * What a batch should give, as a table [N, C] for `softCrossEntropy`: with w the class weights, e the label
 * smoothing and y_i the labels,
 *
 *     t_ic = w_c ((1 - e) [c = y_i] + e / C) / sum_i w_{y_i},
 *
 * so that the losses' sum is the mean of PyTorch's cross_entropy. Of mixed images it is the sum of that of
 * the image's own label and of its partner's, image N - 1 - i, in shares.
 */
export class SoftTargets {
  /** [N, C]; filled anew for each batch. */
  readonly table: Float32Array<ArrayBuffer>;
  readonly #classes: number;
  readonly #weights: Float64Array;
  readonly #smoothing: number;

  constructor(
    { batchSize, labelSmoothing, classWeights }: TargetSettings,
    classes: number,
  ) {
    if (classWeights !== null && classWeights.length !== classes) {
      throw new RangeError(
        `Cannot weigh ${classes} classes with ${classWeights.length} weights: there must be one each`,
      );
    }
    this.table = new Float32Array(batchSize * classes);
    this.#classes = classes;
    this.#weights = Float64Array.from({ length: classes }, (_, c) => classWeights?.[c] ?? 1);
    this.#smoothing = labelSmoothing;
  }

  /**
   * Fills and returns the table. A label that is no class makes it NaN, so that it cannot train silently.
   *
   * @param share of the own labels; the rest is the partners'
   * @throws {RangeError} if the labels are not as many as the batch's images
   */
  fill(labels: Uint32Array<ArrayBufferLike>, share = 1): Float32Array<ArrayBuffer> {
    const weights = this.#weights;
    const [count, classes] = [this.table.length / this.#classes, this.#classes];
    if (labels.length !== count) {
      throw new RangeError(`Cannot make targets of ${count} images: given ${labels.length} labels`);
    }
    let total = 0;
    for (const label of labels) total += weights[label] ?? NaN;
    const spread = weights.map((weight) => weight * this.#smoothing / classes / total);
    for (let i = 0; i < count; i++) this.table.set(spread, i * classes);
    const own = (1 - this.#smoothing) * share / total;
    const partners = (1 - this.#smoothing) * (1 - share) / total;
    labels.forEach((label, i) => {
      this.table[i * classes + label] += weights[label] * own;
      this.table[(count - 1 - i) * classes + label] += weights[label] * partners;
    });
    return this.table;
  }
}
