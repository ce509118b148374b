import type { Device } from "../../engine/device.ts";
import type { Model } from "../../nn/model.ts";
import {
  parameterBlock,
  type ParameterLayout,
  parameterLayout,
  parameterViews,
} from "../../nn/parameters.ts";
import { initialStatistics, momentsViews, statisticsLayout } from "../../nn/statistics.ts";
import { compile, fitsDevice, type Plan } from "../../tensor/compile.ts";
import { VariableState } from "../../tensor/state.ts";
import { placeholder, type Tensor, variable } from "../../tensor/tensor.ts";
import { type ModelValues, withFittingBatch } from "../trainer.ts";

/** A model ready to score batches of images. */
export class Scorer implements Disposable {
  readonly layout: ParameterLayout;
  readonly batchSize: number;
  readonly classes: number;
  readonly #state: VariableState;
  readonly #block: Tensor;
  readonly #moments: Tensor | undefined;
  readonly #plan: Plan;

  private constructor(
    model: Model,
    batchSize: number,
    parts: {
      layout: ParameterLayout;
      state: VariableState;
      block: Tensor;
      moments: Tensor | undefined;
      plan: Plan;
    },
  ) {
    this.batchSize = batchSize;
    this.classes = model.classes;
    this.layout = parts.layout;
    this.#state = parts.state;
    this.#block = parts.block;
    this.#moments = parts.moments;
    this.#plan = parts.plan;
  }

  /**
   * Compiles the model, or with `tap` no more of it than the layer of that name takes.
   *
   * @throws {DeviceError} if the batch does not fit.
   */
  static async create(
    device: Device,
    model: Model,
    batchSize: number,
    tap?: string,
  ): Promise<Scorer> {
    const layout = parameterLayout(model.parameters);
    const block = parameterBlock("evaluated", layout, new Float32Array(layout.size));
    const statisticsOf = statisticsLayout(model.statistics);
    const initial = initialStatistics(statisticsOf);
    const moments = statisticsOf.size === 0
      ? undefined
      : variable("evaluated statistics", [statisticsOf.size], initial);
    const state = new VariableState(device);
    const request = (batch: number) => {
      const images = placeholder("images", [batch, ...model.image]);
      const parameters = parameterViews(layout, block);
      const statistics = momentsViews(statisticsOf, moments);
      const { logits, taps } = model.forward({ parameters, images, training: false, statistics });
      return { outputs: { values: tap === undefined ? logits : taps[tap] } };
    };
    try {
      const plan = await compile(state, request(batchSize));
      return new Scorer(model, batchSize, { layout, state, block, moments, plan });
    } catch (error) {
      state.destroy();
      throw withFittingBatch(error, batchSize, (batch) => fitsDevice(device, request(batch)));
    }
  }

  /** Takes a block of parameters in the layout, and the running moments of the batch normalizations. */
  load({ parameters, statistics }: ModelValues): void {
    this.#state.write(this.#block, parameters);
    if (this.#moments === undefined) return;
    if (statistics === undefined) throw new TypeError("Cannot score without the running moments");
    this.#state.write(this.#moments, statistics);
  }

  /** Images [batchSize, H, W, C] to the values [batchSize, …] of the tap, by default the logits. */
  async values(images: Float32Array): Promise<Float32Array<ArrayBuffer>> {
    this.#plan.run({ images });
    return await this.#plan.read("values") as Float32Array<ArrayBuffer>;
  }

  /** Images [batchSize, H, W, C] to the logits of each, [batchSize][classes]. */
  async logits(images: Float32Array): Promise<Float32Array[]> {
    const { classes } = this;
    const all = await this.values(images);
    return Array.from(
      { length: this.batchSize },
      (_, i) => all.subarray(i * classes, (i + 1) * classes),
    );
  }

  destroy(): void {
    this.#plan.destroy();
    this.#state.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}
