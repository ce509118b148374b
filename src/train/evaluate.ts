import { evalBatches } from "../data/batches/batches.ts";
import type { AugmentSpec } from "../data/augment/spec.ts";
import type { ImageStore } from "../data/image_store.ts";
import type { Device } from "../engine/device.ts";
import type { Model } from "../nn/model.ts";
import { parameterBlock, type ParameterLayout, parameterLayout } from "../nn/parameters.ts";
import { compile, fitsDevice, type Plan } from "../tensor/compile.ts";
import { VariableState } from "../tensor/state.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { evaluationGraph } from "./training_graph.ts";
import { withFittingBatch } from "./trainer.ts";

/** The outcome of an evaluation. */
export interface Evaluation {
  /** Share of images whose best class is the label. */
  readonly precision: number;
  readonly correct: number;
  readonly images: number;
}

/** Measures precision @ 1 of parameters over a set of images, each image exactly once. */
export class Evaluator {
  readonly layout: ParameterLayout;
  readonly #state: VariableState;
  readonly #block: Tensor;
  readonly #plan: Plan;
  readonly #batchSize: number;

  private constructor(
    state: VariableState,
    layout: ParameterLayout,
    { block, plan, batchSize }: { block: Tensor; plan: Plan; batchSize: number },
  ) {
    this.#state = state;
    this.layout = layout;
    this.#block = block;
    this.#plan = plan;
    this.#batchSize = batchSize;
  }

  /** Compiles the evaluation of a model. @throws {DeviceError} if the batch does not fit. */
  static async create(device: Device, model: Model, batchSize: number): Promise<Evaluator> {
    const layout = parameterLayout(model.parameters);
    const block = parameterBlock("evaluated", layout, new Float32Array(layout.size));
    const state = new VariableState(device);
    const request = (batch: number) => {
      const { correct } = evaluationGraph(model, layout, block, batch);
      return { outputs: { correct } };
    };
    try {
      const plan = await compile(state, request(batchSize));
      return new Evaluator(state, layout, { block, plan, batchSize });
    } catch (error) {
      state.destroy();
      throw withFittingBatch(error, batchSize, (batch) => fitsDevice(device, request(batch)));
    }
  }

  /** Measures a block of parameters on all images. `onBatch` hears of the images done. */
  async run(
    parameters: Float32Array<ArrayBuffer>,
    { store, augment, workers, onBatch }: {
      store: ImageStore;
      /** Its crop and normalization are taken. */
      augment: AugmentSpec;
      workers: number;
      onBatch?: (images: number) => void;
    },
  ): Promise<Evaluation> {
    this.#state.write(this.#block, parameters);
    let correct = 0;
    let images = 0;
    const batchSize = this.#batchSize;
    for await (const batch of evalBatches({ store, augment, batchSize, workers })) {
      this.#plan.run({ images: batch.images, labels: batch.labels });
      const hits = await this.#plan.read("correct");
      for (let i = 0; i < batch.count; i++) correct += hits[i];
      images += batch.count;
      onBatch?.(images);
    }
    return { precision: correct / images, correct, images };
  }

  destroy(): void {
    this.#plan.destroy();
    this.#state.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}
