import { foldGrid, input, output } from "../engine/launch.ts";
import { defineOp } from "../tensor/op.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { blocks, launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkShapes } from "./check.ts";
import { vectorWidth } from "./vector.ts";

const BUFFERS = {
  w: output,
  first: input(1),
  second: input(2),
  decay: input(3),
  rates: input(4),
};

const adamw = defineOp<Record<string, never>>({
  name: "adamw_update",
  shape(inputs) {
    checkInputs("adamw_update", inputs, ["f32", "f32", "f32", "f32", "f32"]);
    const [w, first, second, decay, rates] = inputs.map(({ shape }) => shape);
    for (const block of [first, second, decay]) {
      const same = sizeOf(block) === sizeOf(w);
      checkShapes("adamw_update", "all blocks must have one size", same, w, block);
    }
    checkShapes("adamw_update", "there must be four rates", sizeOf(rates) === 4, rates);
    return { shape: w };
  },
  storage: () => ({ kind: "in-place" }),
  launches: {
    webgpu({ output: { shape } }) {
      const { width, elem } = vectorWidth(sizeOf(shape));
      const length = sizeOf(shape) / width;
      const grid = foldGrid(Math.ceil(length / 256));
      return {
        launches: [
          launch("adamw_update", { aliases: { elem }, buffers: BUFFERS, params: { length }, grid }),
        ],
      };
    },
    wasm({ output: { shape } }) {
      const length = sizeOf(shape);
      const units = blocks(length);
      return {
        launches: [launchWasm("adamw_update", { buffers: BUFFERS, params: { length }, units })],
      };
    },
  },
  reference(_, [w, first, second, decay, [rate, stepRate, correction, epsilon]]) {
    return w.map((v, i) =>
      v - rate * decay[i] * v -
      stepRate * first[i] / (Math.sqrt(second[i]) * correction + epsilon)
    );
  },
  cost: ({ output: { shape } }) => ({
    flops: 8 * sizeOf(shape),
    bytes: bytesOfShapes(shape, shape, shape, shape, shape),
  }),
  samples: [[1], [5, 67], [3, 64]].map((shape) => ({
    inputs: [
      { shape },
      { shape },
      { shape, fill: "positive" as const },
      { shape },
      { shape: [4], fill: { values: [0.25, 0.5, 1.5, 0.125] } },
    ],
    attributes: {},
  })),
});

/** What `adamwUpdate` reads: blocks of the size of the parameters, and the numbers of the step. */
export interface AdamwInputs {
  /** The average of the gradients. */
  readonly first: Tensor;
  /** The average of their squares; none is negative. */
  readonly second: Tensor;
  /** How much each parameter decays. */
  readonly decay: Tensor;
  /** [4]: rate, rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t), epsilon. */
  readonly rates: Tensor;
}

/**
 * w -= rates[0] decay w + rates[1] first / (sqrt(second) rates[2] + rates[3]), in place; returns the new w:
 * the step of AdamW (Loshchilov and Hutter 2019), whose moments `emaUpdate` keeps.
 */
export function adamwUpdate(w: Tensor, { first, second, decay, rates }: AdamwInputs): Tensor {
  return adamw([w, first, second, decay, rates], {});
}
