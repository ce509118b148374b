import { foldGrid, input, type LaunchList, output } from "../engine/launch.ts";
import { defineOp, type Op } from "../tensor/op.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { SCRATCH_BYTES } from "../wasm/kernels.ts";
import { launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkInteger, checkShapes } from "./check.ts";

/** Constants of local response normalization, in TensorFlow's convention (alpha is not divided by the window). */
export interface LrnAttributes {
  /** Channels on each side. */
  readonly radius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

/** Channels that one invocation makes. */
const RUN = 8;

/** Pixels of a unit on the CPU: PIXELS of src/wasm/assembly/lrn.ts. */
const WASM_PIXELS = 16;

const SAMPLES: readonly {
  readonly shape: readonly number[];
  readonly attributes: LrnAttributes;
}[] = [
  { shape: [1, 1], attributes: { radius: 4, bias: 1, alpha: 0.5, beta: 0.75 } },
  { shape: [2, 3, 5, 64], attributes: { radius: 4, bias: 1, alpha: 0.001 / 9, beta: 0.75 } },
  { shape: [7, 13], attributes: { radius: 2, bias: 2, alpha: 1, beta: 0.5 } },
  { shape: [5, 3], attributes: { radius: 5, bias: 1, alpha: 0.3, beta: 0.75 } },
];

const lrnOp = defineOp<LrnAttributes>({
  name: "local_response_normalization",
  shape([x, ...rest], { radius }) {
    checkInputs("local_response_normalization", [x, ...rest], ["f32"]);
    checkShapes(
      "local_response_normalization",
      "x must have channels",
      x.shape.length > 0,
      x.shape,
    );
    checkInteger("local_response_normalization", "the radius", radius, 0);
    return { shape: x.shape };
  },
  launches: {
    webgpu({ output: { shape }, attributes: { radius, bias, alpha, beta } }) {
      const c = shape[shape.length - 1];
      const pixels = sizeOf(shape) / c;
      return {
        launches: [launch("lrn", {
          buffers: { x: input(0), y: output },
          overrides: { BETA: beta },
          lines: { RUN, WINDOW: 2 * radius + 1, SPAN: RUN + 2 * radius },
          params: { pixels, c, bias, alpha },
          grid: foldGrid(Math.ceil(pixels * Math.ceil(c / RUN) / 64)),
        })],
      };
    },
    wasm({ output: { shape }, attributes: { radius, bias, alpha, beta } }) {
      const { pixels, c, units } = wasmUnits(shape, radius);
      const params = { pixels, c, bias, alpha, beta, radius };
      return {
        launches: [launchWasm("lrn", { buffers: { x: input(0), y: output }, params, units })],
      };
    },
  },
  vjp: ({ inputs: [x], attributes, dy }) => [lrnGrad([x, dy], { ...attributes, mask: false })],
  reference({ output: { shape }, attributes }, [x]) {
    const s = windowSums(x, shape[shape.length - 1], attributes);
    return x.map((v, i) => v * s[i] ** -attributes.beta);
  },
  cost: ({ output: { shape }, attributes: { radius } }) => ({
    flops: sizeOf(shape) * (2 * radius + 7),
    bytes: bytesOfShapes(shape, shape),
  }),
  samples: SAMPLES.map(({ shape, attributes }) => ({ inputs: [{ shape }], attributes })),
});

/** Pixels, channels and work units of the CPU kernels, which keep three lines a pixel in the scratch area. */
function wasmUnits(shape: Shape, radius: number): { pixels: number; c: number; units: number } {
  const c = shape[shape.length - 1];
  const pixels = sizeOf(shape) / c;
  const lineBytes = (Math.ceil(c / 4) * 4 + 2 * radius + 4) * 4;
  if (3 * WASM_PIXELS * lineBytes > SCRATCH_BYTES) {
    throw new RangeError(
      `Cannot normalize ${c} channels with a radius of ${radius}: the CPU engine holds no such lines`,
    );
  }
  return { pixels, c, units: Math.ceil(pixels / WASM_PIXELS) };
}

/** s = bias + alpha * (sum of squares over the window), for every element. */
function windowSums(
  x: Float64Array,
  c: number,
  { radius, bias, alpha }: LrnAttributes,
): Float64Array {
  return x.map((_, i) => {
    const channel = i % c;
    let sum = 0;
    for (let j = Math.max(0, channel - radius); j <= Math.min(c - 1, channel + radius); j++) {
      sum += x[i - channel + j] ** 2;
    }
    return bias + alpha * sum;
  });
}

interface LrnGradAttributes extends LrnAttributes {
  /** True: x came from a ReLU, whose gradient is folded in. */
  readonly mask: boolean;
}

const lrnGrad: Op<LrnGradAttributes> = defineOp<LrnGradAttributes>({
  name: "local_response_normalization_grad",
  shape([x, dy, ...rest]) {
    checkInputs("local_response_normalization_grad", [x, dy, ...rest], ["f32", "f32"]);
    return { shape: x.shape };
  },
  launches: {
    webgpu({ output: { shape }, attributes: { radius, bias, alpha, beta, mask } }) {
      const c = shape[shape.length - 1];
      const pixels = sizeOf(shape) / c;
      return {
        launches: [launch("lrn_grad", {
          buffers: { x: input(0), dy: input(1), dx: output },
          overrides: { BETA: beta, MASK: mask },
          lines: { RUN, WINDOW: 2 * radius + 1, SPAN: RUN + 2 * radius, WIDE: RUN + 4 * radius },
          params: { pixels, c, bias, alpha },
          grid: foldGrid(Math.ceil(pixels * Math.ceil(c / RUN) / 64)),
        })],
      };
    },
    wasm({ output: { shape }, attributes: { radius, bias, alpha, beta, mask } }): LaunchList {
      const { pixels, c, units } = wasmUnits(shape, radius);
      const params = { pixels, c, bias, alpha, beta, radius, mask: Number(mask) };
      const buffers = { x: input(0), dy: input(1), dx: output };
      return { launches: [launchWasm("lrn_grad", { buffers, params, units })] };
    },
  },
  // Only x itself is at hand to decide.
  masked: ({ inputs: [x, dy], attributes }, y) =>
    x === y ? lrnGrad([x, dy], { ...attributes, mask: true }) : undefined,
  reference({ output: { shape }, attributes }, [x, dy]) {
    const c = shape[shape.length - 1];
    const { radius, alpha, beta, mask } = attributes;
    const s = windowSums(x, c, attributes);
    return x.map((v, i) => {
      if (mask && v <= 0) return 0;
      const channel = i % c;
      let sum = 0;
      for (let j = Math.max(0, channel - radius); j <= Math.min(c - 1, channel + radius); j++) {
        const at = i - channel + j;
        sum += dy[at] * x[at] * s[at] ** (-beta - 1);
      }
      return dy[i] * s[i] ** -beta - 2 * alpha * beta * v * sum;
    });
  },
  cost: ({ output: { shape }, attributes: { radius } }) => ({
    flops: sizeOf(shape) * (4 * radius + 18),
    bytes: bytesOfShapes(shape, shape, shape),
  }),
  samples: SAMPLES.flatMap(({ shape, attributes }) =>
    [false, true].map((mask) => ({
      inputs: [{ shape }, { shape }],
      attributes: { ...attributes, mask },
    }))
  ),
});

/**
 * Local response normalization over the last axis: y = x / (bias + alpha * sum of x^2 over the window)^beta
 * (Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012, 3.3).
 */
export function localResponseNormalization(x: Tensor, attributes: LrnAttributes): Tensor {
  return lrnOp([x], attributes);
}
