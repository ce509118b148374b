import type { Views } from "../../data/augment/views.ts";
import type { AugmentSpec } from "../../data/augment/spec.ts";
import { createFill } from "../../data/batches/batch_fill.ts";
import type { Slot } from "../../data/batches/batch_ring.ts";
import { imageBytes, type ImageFormat, ImageStore, sharedLabels } from "../../data/image_store.ts";
import type { Device } from "../../engine/device.ts";
import type { Model } from "../../nn/model.ts";
import type { ParameterLayout } from "../../nn/parameters.ts";
import { GRAY_WEIGHTS, MIX_LENGTH } from "../../ops/augment_row.ts";
import type { ModelValues } from "../trainer.ts";
import { Scorer } from "./scorer.ts";
import { ViewAverage } from "./view_average.ts";

/** What is done to images before they are scored. */
export interface PredictorOptions {
  /** Its crop and normalization are taken. */
  readonly augment: AugmentSpec;
  /** How the run's images are stored: those to predict are of its size. */
  readonly format: ImageFormat;
  readonly views: Views;
  /** Images that are scored at once. */
  readonly batchSize: number;
}

/** Scores images on their way through the same store, crop and normalization as an evaluation's. */
export class Predictor implements Disposable {
  readonly layout: ParameterLayout;
  readonly #scorer: Scorer;
  readonly #options: PredictorOptions;
  readonly #slot: Slot;
  readonly #average: ViewAverage;

  private constructor(scorer: Scorer, options: PredictorOptions) {
    this.layout = scorer.layout;
    this.#scorer = scorer;
    this.#options = options;
    const { batchSize, views, augment: { crop: [height, width] } } = options;
    this.#average = new ViewAverage(views, scorer.classes, batchSize);
    const values = height * width * 3;
    const images = new Float32Array(batchSize * values);
    this.#slot = {
      images,
      image: Array.from(
        { length: batchSize },
        (_, i) => images.subarray(i * values, (i + 1) * values),
      ),
      labels: new Uint32Array(batchSize),
      ids: new Uint32Array(batchSize),
      mix: new Float32Array(MIX_LENGTH),
    };
  }

  /** Compiles the model. @throws {DeviceError} if the batch does not fit. */
  static async create(
    device: Device,
    model: Model,
    options: PredictorOptions,
  ): Promise<Predictor> {
    return new Predictor(await Scorer.create(device, model, options.batchSize), options);
  }

  /** Takes the values of the model. */
  load(values: ModelValues): void {
    this.#scorer.load(values);
  }

  /**
   * The probability of each class, [images][classes].
   *
   * @param images planes [3, height, width] of the format's size; at most a batch of them
   * @throws {RangeError} if there are more
   */
  async predict(images: readonly Uint8Array[]): Promise<Float64Array[]> {
    const { augment, format, views, batchSize } = this.#options;
    if (images.length > batchSize) {
      throw new RangeError(
        `Cannot predict more images than a batch holds: expected at most ${batchSize}, found ${images.length}`,
      );
    }
    const store = storeOf(images, format);
    const fill = createFill({ mode: "eval", views }, { store, augment, batchSize });
    for (let view = 0; view < views; view++) {
      fill(view, this.#slot);
      const means = this.#average.add(await this.#scorer.logits(this.#slot.images), view);
      if (means !== undefined) return means.slice(0, images.length).map((mean) => mean.slice());
    }
    throw new Error("no view was the last");
  }

  destroy(): void {
    this.#scorer.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** Images in the store's own order; for a model of gray images they become gray. */
function storeOf(images: readonly Uint8Array[], format: ImageFormat): ImageStore {
  const { height, width, channels } = format;
  const planes: ImageFormat = { height, width, channels, order: "CHW" };
  const recordBytes = imageBytes(planes);
  const bytes = new Uint8Array(new SharedArrayBuffer(images.length * recordBytes));
  images.forEach((image, i) => {
    bytes.set(channels === 3 ? image : grayOf(image), i * recordBytes);
  });
  return new ImageStore({
    format: planes,
    recordBytes,
    pixelOffset: 0,
    source: { kind: "memory", bytes: bytes.buffer },
    labels: sharedLabels(new Uint16Array(images.length)),
  });
}

function grayOf(planes: Uint8Array): Uint8Array {
  const pixels = planes.length / 3;
  const [red, green, blue] = GRAY_WEIGHTS;
  return Uint8Array.from({ length: pixels }, (_, i) =>
    Math.round(
      red * planes[i] + green * planes[pixels + i] + blue * planes[2 * pixels + i],
    ));
}
