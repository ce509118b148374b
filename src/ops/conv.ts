import { foldGrid, input, output } from "../engine/launch.ts";
import { defineOp, type Sample } from "../tensor/op.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkRank, checkShapes } from "./check.ts";
import { convGradInputLaunches, convGradWeightLaunches, convLaunches } from "./conv_kernels.ts";
import { convGradInputWasm, convGradWeightWasm, convWasm } from "./conv_wasm.ts";
import { reluGrad } from "./elementwise.ts";
import { reshape } from "./layout.ts";
import type { Activation } from "./matmul.ts";
import { windowWasm } from "./pool_wasm.ts";
import { sum } from "./reduce.ts";
import {
  forEachTap,
  type WindowAttributes,
  windowGeometry,
  windowOverrides,
  windowParams,
} from "./window.ts";

interface ConvAttributes extends WindowAttributes {
  readonly activation: Activation;
}

interface ConvGradAttributes extends WindowAttributes {
  /** Shape of the image x, [N, H, W, C]. */
  readonly image: Shape;
}

/** Multiply-adds of a convolution, counted twice, padding included. */
function convFlops(image: Shape, channels: number, window: WindowAttributes): number {
  const { n, oh, ow, c } = windowGeometry("conv2d", image, window);
  return 2 * n * oh * ow * c * channels * window.size[0] * window.size[1];
}

interface ConvSample {
  readonly x: readonly [number, number, number, number];
  readonly o: number;
  readonly window: WindowAttributes;
}

const SAMPLES: readonly ConvSample[] = [
  { x: [1, 1, 1, 1], o: 1, window: { size: [1, 1], strides: [1, 1], padding: "valid" } },
  { x: [2, 6, 5, 3], o: 7, window: { size: [5, 5], strides: [1, 1], padding: "same" } },
  { x: [2, 12, 12, 3], o: 64, window: { size: [5, 5], strides: [1, 1], padding: "same" } },
  { x: [1, 7, 9, 16], o: 33, window: { size: [5, 5], strides: [1, 1], padding: "same" } },
  { x: [3, 4, 4, 64], o: 64, window: { size: [3, 3], strides: [1, 1], padding: "same" } },
  { x: [1, 9, 8, 5], o: 6, window: { size: [3, 2], strides: [2, 3], padding: "same" } },
  { x: [2, 8, 8, 8], o: 12, window: { size: [3, 3], strides: [2, 2], padding: "valid" } },
  { x: [2, 5, 6, 13], o: 17, window: { size: [1, 1], strides: [1, 1], padding: "same" } },
  { x: [1, 8, 7, 9], o: 8, window: { size: [3, 3], strides: [1, 1], padding: "valid" } },
  { x: [2, 8, 7, 16], o: 20, window: { size: [5, 5], strides: [1, 1], padding: "same" } },
  { x: [2, 11, 12, 20], o: 16, window: { size: [5, 5], strides: [1, 1], padding: "valid" } },
  { x: [1, 12, 12, 64], o: 64, window: { size: [5, 5], strides: [1, 1], padding: "same" } },
  { x: [2, 5, 4, 260], o: 9, window: { size: [3, 3], strides: [1, 1], padding: "same" } },
  { x: [3, 7, 6, 20], o: 28, window: { size: [3, 3], strides: [1, 1], padding: "same" } },
  { x: [2, 11, 10, 12], o: 16, window: { size: [3, 3], strides: [1, 1], padding: "valid" } },
  { x: [13, 3, 3, 256], o: 136, window: { size: [3, 3], strides: [1, 1], padding: "same" } },
  { x: [3, 11, 8, 12], o: 20, window: { size: [3, 3], strides: [2, 2], padding: "same" } },
  { x: [3, 10, 9, 16], o: 12, window: { size: [5, 5], strides: [3, 2], padding: "valid" } },
];

function filterShape({ x, o, window }: ConvSample): number[] {
  return [...window.size, x[3], o];
}

function outputShape({ x, o, window }: ConvSample): number[] {
  const { n, oh, ow } = windowGeometry("conv2d", x, window);
  return [n, oh, ow, o];
}

const convOp = defineOp<ConvAttributes>({
  name: "conv2d",
  shape([x, w, bias], attributes) {
    checkInputs(
      "conv2d",
      bias ? [x, w, bias] : [x, w],
      bias ? ["f32", "f32", "f32"] : ["f32", "f32"],
    );
    checkRank("conv2d", "x", x, 4);
    const [kh, kw, c, o] = checkRank("conv2d", "the filters", w, 4);
    checkShapes("conv2d", "channels must agree", c === x.shape[3], x.shape, w.shape);
    const sized = kh === attributes.size[0] && kw === attributes.size[1];
    checkShapes(
      "conv2d",
      "the filters must have the window's size",
      sized,
      w.shape,
      attributes.size,
    );
    if (bias) {
      checkShapes(
        "conv2d",
        "there must be one bias a filter",
        sizeOf(bias.shape) === o,
        bias.shape,
        w.shape,
      );
    }
    const { n, oh, ow } = windowGeometry("conv2d", x.shape, attributes);
    return { shape: [n, oh, ow, o] };
  },
  launches: {
    webgpu({ inputs: [x, w, bias], attributes, kind }) {
      const geometry = windowGeometry("conv2d", x.shape, attributes);
      const { activation } = attributes;
      return convLaunches(kind, {
        geometry,
        window: attributes,
        o: w.shape[3],
        hasBias: bias !== undefined,
        activation,
      });
    },
    wasm: ({ inputs: [x, w, bias], attributes }) =>
      convWasm({
        geometry: windowGeometry("conv2d", x.shape, attributes),
        window: attributes,
        o: w.shape[3],
        hasBias: bias !== undefined,
        activation: attributes.activation,
      }),
  },
  vjp({ inputs: [x, w, bias], output, attributes: { activation, ...window }, dy }) {
    const dz = activation === "relu" ? reluGrad(output, dy) : dy;
    const attributes = { ...window, image: x.shape };
    const dx = gradInput([dz, w], attributes);
    const dw = gradWeight([x, dz], attributes);
    if (!bias) return [dx, dw];
    const o = w.shape[3];
    return [dx, dw, sum(reshape(dz, [sizeOf(dz.shape) / o, o]), { from: 0, to: 1 })];
  },
  reference({ inputs: [x, w], output: { shape }, attributes }, [values, filters, bias]) {
    const c = x.shape[3], o = w.shape[3];
    const y = new Float64Array(sizeOf(shape));
    if (bias) y.forEach((_, i) => y[i] = bias[i % o]);
    forEachTap(windowGeometry("conv2d", x.shape, attributes), attributes, (to, from, tap) => {
      for (let i = 0; i < c; i++) {
        for (let j = 0; j < o; j++) {
          y[to * o + j] += values[from * c + i] * filters[(tap * c + i) * o + j];
        }
      }
    });
    return attributes.activation === "relu" ? y.map((v) => (v <= 0 ? 0 : v)) : y;
  },
  cost: ({ inputs, output: { shape }, attributes }) => ({
    flops: convFlops(inputs[0].shape, shape[3], attributes),
    bytes: bytesOfShapes(...inputs.map((t) => t.shape), shape),
  }),
  samples: SAMPLES.flatMap((sample): Sample<ConvAttributes>[] => {
    const inputs = [{ shape: sample.x }, { shape: filterShape(sample) }];
    return [
      { inputs, attributes: { ...sample.window, activation: "none" } },
      {
        inputs: [...inputs, { shape: [sample.o] }],
        attributes: { ...sample.window, activation: "relu" },
      },
    ];
  }),
});

const gradInput = defineOp<ConvGradAttributes>({
  name: "conv2d_grad_input",
  shape([dy, w, ...rest], { image }) {
    checkInputs("conv2d_grad_input", [dy, w, ...rest], ["f32", "f32"]);
    return { shape: image };
  },
  launches: {
    webgpu: ({ inputs: [, w], attributes, kind }) =>
      convGradInputLaunches(kind, {
        geometry: windowGeometry("conv2d", attributes.image, attributes),
        window: attributes,
        o: w.shape[3],
      }),
    wasm: ({ inputs: [, w], attributes }) =>
      convGradInputWasm({
        geometry: windowGeometry("conv2d", attributes.image, attributes),
        window: attributes,
        o: w.shape[3],
      }),
  },
  reference({ inputs: [, w], attributes }, [dy, filters]) {
    const c = w.shape[2], o = w.shape[3];
    const dx = new Float64Array(sizeOf(attributes.image));
    forEachTap(
      windowGeometry("conv2d", attributes.image, attributes),
      attributes,
      (to, from, tap) => {
        for (let i = 0; i < c; i++) {
          for (let j = 0; j < o; j++) {
            dx[from * c + i] += dy[to * o + j] * filters[(tap * c + i) * o + j];
          }
        }
      },
    );
    return dx;
  },
  cost: ({ inputs: [dy, w], attributes }) => ({
    flops: convFlops(attributes.image, w.shape[3], attributes),
    bytes: bytesOfShapes(dy.shape, w.shape, attributes.image),
  }),
  samples: SAMPLES.map((sample) => ({
    inputs: [{ shape: outputShape(sample) }, { shape: filterShape(sample) }],
    attributes: { ...sample.window, image: sample.x },
  })),
});

const gradWeight = defineOp<ConvGradAttributes>({
  name: "conv2d_grad_weight",
  shape([x, dy, ...rest], { size }) {
    checkInputs("conv2d_grad_weight", [x, dy, ...rest], ["f32", "f32"]);
    return { shape: [...size, x.shape[3], dy.shape[3]] };
  },
  launches: {
    webgpu: ({ inputs: [, dy], attributes, kind }) =>
      convGradWeightLaunches(kind, {
        geometry: windowGeometry("conv2d", attributes.image, attributes),
        window: attributes,
        o: dy.shape[3],
      }),
    wasm: ({ inputs: [, dy], attributes }) =>
      convGradWeightWasm({
        geometry: windowGeometry("conv2d", attributes.image, attributes),
        window: attributes,
        o: dy.shape[3],
      }),
  },
  reference({ inputs: [x, { shape: [, , , o] }], output: { shape }, attributes }, [values, dy]) {
    const c = x.shape[3];
    const dw = new Float64Array(sizeOf(shape));
    forEachTap(
      windowGeometry("conv2d", attributes.image, attributes),
      attributes,
      (to, from, tap) => {
        for (let i = 0; i < c; i++) {
          for (let j = 0; j < o; j++) {
            dw[(tap * c + i) * o + j] += values[from * c + i] * dy[to * o + j];
          }
        }
      },
    );
    return dw;
  },
  cost: ({ inputs: [x, dy], output: { shape }, attributes }) => ({
    flops: convFlops(attributes.image, dy.shape[3], attributes),
    bytes: bytesOfShapes(x.shape, dy.shape, shape),
  }),
  samples: SAMPLES.map((sample) => ({
    inputs: [{ shape: sample.x }, { shape: outputShape(sample) }],
    attributes: { ...sample.window, image: sample.x },
  })),
});

/** Options of a convolution. */
export interface ConvOptions {
  /** One number a filter, [O]. */
  readonly bias?: Tensor;
  readonly activation?: Activation;
  readonly strides?: readonly [number, number];
  readonly padding?: "same" | "valid";
}

/**
 * activation(convolution of x [N, H, W, C] with filters w [KH, KW, C, O] + bias): [N, OH, OW, O].
 * As usual in the field this is a correlation: filters are not flipped.
 */
export function conv2d(x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor {
  const { bias, activation = "none", strides = [1, 1], padding = "same" } = options;
  const [kh, kw] = checkRank("conv2d", "the filters", w, 4);
  return convOp(bias ? [x, w, bias] : [x, w], { size: [kh, kw], strides, padding, activation });
}

const im2colOp = defineOp<WindowAttributes>({
  name: "im2col",
  shape([x, ...rest], attributes) {
    checkInputs("im2col", [x, ...rest], ["f32"]);
    checkRank("im2col", "x", x, 4);
    const { n, oh, ow, c } = windowGeometry("im2col", x.shape, attributes);
    return { shape: [n * oh * ow, attributes.size[0] * attributes.size[1] * c] };
  },
  launches: {
    webgpu({ inputs: [x], output: { shape }, attributes }) {
      const geometry = windowGeometry("im2col", x.shape, attributes);
      return {
        launches: [launch("im2col", {
          buffers: { x: input(0), columns: output },
          overrides: windowOverrides(attributes),
          params: { n: geometry.n, ...windowParams(geometry) },
          grid: foldGrid(Math.ceil(sizeOf(shape) / 64)),
        })],
      };
    },
    wasm({ inputs: [x], attributes }) {
      const geometry = windowGeometry("im2col", x.shape, attributes);
      return {
        launches: [launchWasm("im2col", {
          buffers: { x: input(0), columns: output },
          params: windowWasm(geometry, attributes),
          units: geometry.n * geometry.oh,
        })],
      };
    },
  },
  reference({ inputs: [x], output: { shape }, attributes }, [values]) {
    const c = x.shape[3];
    const columns = new Float64Array(sizeOf(shape));
    forEachTap(windowGeometry("im2col", x.shape, attributes), attributes, (to, from, tap) => {
      columns.set(values.subarray(from * c, (from + 1) * c), to * shape[1] + tap * c);
    });
    return columns;
  },
  cost: ({ inputs: [x], output: { shape } }) => ({
    flops: 0,
    bytes: bytesOfShapes(x.shape, shape),
  }),
  samples: SAMPLES.map(({ x, window }) => ({ inputs: [{ shape: x }], attributes: window })),
});

/**
 * The patches that a convolution multiplies, written out: [N OH OW, KH KW C] of x [N, H, W, C]
 * (Chellapilla et al. 2006). `conv2d` folds this into its loads; this one is its oracle.
 */
export function im2col(x: Tensor, attributes: WindowAttributes): Tensor {
  return im2colOp([x], attributes);
}
