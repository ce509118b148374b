import type { Device } from "../../engine/device.ts";
import type { Model } from "../../nn/model.ts";
import {
  parameterBlock,
  type ParameterLayout,
  parameterLayout,
  parameterViews,
} from "../../nn/parameters.ts";
import { compile, fitsDevice, type Plan } from "../../tensor/compile.ts";
import { VariableState } from "../../tensor/state.ts";
import { placeholder, type Tensor } from "../../tensor/tensor.ts";
import { withFittingBatch } from "../trainer.ts";

/** A model ready to score batches of images. */
export class Scorer implements Disposable {
  readonly layout: ParameterLayout;
  readonly batchSize: number;
  readonly classes: number;
  readonly #state: VariableState;
  readonly #block: Tensor;
  readonly #plan: Plan;

  private constructor(
    model: Model,
    batchSize: number,
    parts: { layout: ParameterLayout; state: VariableState; block: Tensor; plan: Plan },
  ) {
    this.batchSize = batchSize;
    this.classes = model.classes;
    this.layout = parts.layout;
    this.#state = parts.state;
    this.#block = parts.block;
    this.#plan = parts.plan;
  }

  /** Compiles the model. @throws {DeviceError} if the batch does not fit. */
  static async create(device: Device, model: Model, batchSize: number): Promise<Scorer> {
    const layout = parameterLayout(model.parameters);
    const block = parameterBlock("evaluated", layout, new Float32Array(layout.size));
    const state = new VariableState(device);
    const request = (batch: number) => {
      const images = placeholder("images", [batch, ...model.image]);
      return { outputs: { logits: model.logits(parameterViews(layout, block), images) } };
    };
    try {
      const plan = await compile(state, request(batchSize));
      return new Scorer(model, batchSize, { layout, state, block, plan });
    } catch (error) {
      state.destroy();
      throw withFittingBatch(error, batchSize, (batch) => fitsDevice(device, request(batch)));
    }
  }

  /** Takes a block of parameters, in the layout. */
  load(parameters: Float32Array<ArrayBuffer>): void {
    this.#state.write(this.#block, parameters);
  }

  /** Images [batchSize, H, W, C] to the logits of each, [batchSize][classes]. */
  async logits(images: Float32Array): Promise<Float32Array[]> {
    const { classes } = this;
    this.#plan.run({ images });
    const all = await this.#plan.read("logits") as Float32Array;
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
