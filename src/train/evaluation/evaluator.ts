import type { Views } from "../../data/augment/views.ts";
import type { AugmentSpec } from "../../data/augment/spec.ts";
import { evalBatches } from "../../data/batches/batches.ts";
import type { ImageStore } from "../../data/image_store.ts";
import type { Device } from "../../engine/device.ts";
import type { Model } from "../../nn/model.ts";
import type { ParameterLayout } from "../../nn/parameters.ts";
import type { ModelValues } from "../trainer.ts";
import { Scorer } from "./scorer.ts";
import { type Evaluation, Tally } from "./tally.ts";
import { ViewAverage } from "./view_average.ts";

/** What to measure on. */
export interface EvaluateOptions {
  readonly store: ImageStore;
  /** Its crop and normalization are taken. */
  readonly augment: AugmentSpec;
  /** Threads that make the batches. */
  readonly workers: number;
  /** Views of each image whose scores are averaged. Default 1, the central crop. */
  readonly views?: Views;
  /** Whether the probabilities of all images are part of the result: 4 bytes an image and class. */
  readonly keepProbabilities?: boolean;
  /** Hears of the images done. */
  readonly onBatch?: (images: number) => void;
  /** Ends the evaluation between two batches. */
  readonly signal?: AbortSignal;
}

/** Measures parameters over a set of images, each image exactly once. */
export class Evaluator implements Disposable {
  readonly layout: ParameterLayout;
  readonly #scorer: Scorer;

  private constructor(scorer: Scorer) {
    this.layout = scorer.layout;
    this.#scorer = scorer;
  }

  /** Compiles the evaluation of a model. @throws {DeviceError} if the batch does not fit. */
  static async create(device: Device, model: Model, batchSize: number): Promise<Evaluator> {
    return new Evaluator(await Scorer.create(device, model, batchSize));
  }

  /**
   * Measures a model's values on all images.
   *
   * @throws the signal's reason, if it is aborted
   */
  async run(
    values: ModelValues,
    { store, augment, workers, views = 1, keepProbabilities, onBatch, signal }: EvaluateOptions,
  ): Promise<Evaluation> {
    signal?.throwIfAborted();
    const { batchSize, classes } = this.#scorer;
    this.#scorer.load(values);
    const tally = new Tally(classes, store.count, keepProbabilities);
    const average = new ViewAverage(views, classes, batchSize);
    let images = 0;
    for await (const batch of evalBatches({ store, augment, batchSize, workers, views })) {
      signal?.throwIfAborted();
      const logits = await this.#scorer.logits(batch.images);
      if (views === 1) {
        for (let i = 0; i < batch.count; i++) tally.addLogits(logits[i], batch.labels[i]);
      } else {
        const probabilities = average.add(logits, batch.step % views);
        if (probabilities === undefined) continue;
        for (let i = 0; i < batch.count; i++) {
          tally.addProbabilities(probabilities[i], batch.labels[i]);
        }
      }
      images += batch.count;
      onBatch?.(images);
    }
    return tally.result();
  }

  destroy(): void {
    this.#scorer.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}
