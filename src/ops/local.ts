import { defineOp, type Sample } from "../tensor/op.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { bytesOfShapes, checkInputs, checkRank, checkShapes } from "./check.ts";
import { reluGrad } from "./elementwise.ts";
import { reshape } from "./layout.ts";
import { localGradInputLaunches, localGradWeightLaunches, localLaunches } from "./local_kernels.ts";
import { localGradInputWasm, localGradWeightWasm, localWasm } from "./local_wasm.ts";
import type { Activation } from "./matmul.ts";
import { sum } from "./reduce.ts";
import { forEachTap, type WindowAttributes, windowGeometry } from "./window.ts";

const NAME = "locally_connected2d";

interface LocalAttributes extends WindowAttributes {
  readonly activation: Activation;
}

interface LocalGradAttributes extends WindowAttributes {
  /** Shape of the image x, [N, H, W, C]. */
  readonly image: Shape;
}

/** The sizes of the layer of `image` with `o` output channels. */
function problemOf(image: Shape, o: number, window: WindowAttributes) {
  return { geometry: windowGeometry(NAME, image, window), window, o };
}

/** Positions, numbers of a window, output channels. */
function weightShape(image: Shape, o: number, window: WindowAttributes): Shape {
  const { oh, ow, c } = windowGeometry(NAME, image, window);
  return [oh * ow, window.size[0] * window.size[1] * c, o];
}

/** Multiply-adds, counted twice, padding included. */
function flops(image: Shape, o: number, window: WindowAttributes): number {
  return 2 * image[0] * sizeOf(weightShape(image, o, window));
}

const SAMPLES: readonly {
  readonly x: readonly [number, number, number, number];
  readonly o: number;
  readonly window: WindowAttributes;
}[] = [
  { x: [1, 1, 1, 1], o: 1, window: { size: [1, 1], strides: [1, 1], padding: "valid" } },
  { x: [7, 4, 3, 8], o: 12, window: { size: [3, 3], strides: [1, 1], padding: "same" } },
  { x: [3, 5, 4, 3], o: 5, window: { size: [3, 3], strides: [1, 1], padding: "same" } },
  { x: [37, 3, 3, 16], o: 40, window: { size: [3, 3], strides: [1, 1], padding: "same" } },
  { x: [2, 7, 6, 4], o: 9, window: { size: [3, 2], strides: [2, 3], padding: "same" } },
  // The last row and column are in no window.
  { x: [9, 6, 6, 7], o: 6, window: { size: [2, 2], strides: [3, 3], padding: "valid" } },
  { x: [2, 5, 5, 70], o: 33, window: { size: [5, 5], strides: [1, 1], padding: "same" } },
];

const localOp = defineOp<LocalAttributes>({
  name: NAME,
  shape([x, w, bias, ...rest], attributes) {
    const inputs = bias ? [x, w, bias, ...rest] : [x, w];
    checkInputs(NAME, inputs, bias ? ["f32", "f32", "f32"] : ["f32", "f32"]);
    checkRank(NAME, "x", x, 4);
    const [positions, numbers, o] = checkRank(NAME, "the filters", w, 3);
    const wanted = weightShape(x.shape, o, attributes);
    const fits = positions === wanted[0] && numbers === wanted[1];
    checkShapes(NAME, "filters must be [OH OW, KH KW C, O]", fits, w.shape, wanted);
    if (bias) {
      const one = sizeOf(bias.shape) === positions * o;
      checkShapes(NAME, "there must be one bias a position and filter", one, bias.shape, w.shape);
    }
    const { n, oh, ow } = windowGeometry(NAME, x.shape, attributes);
    return { shape: [n, oh, ow, o] };
  },
  launches: {
    webgpu: ({ inputs: [x, w, bias], attributes, kind }) =>
      localLaunches(kind, {
        ...problemOf(x.shape, w.shape[2], attributes),
        hasBias: bias !== undefined,
        activation: attributes.activation,
      }),
    wasm: ({ inputs: [x, w, bias], attributes }) =>
      localWasm({
        ...problemOf(x.shape, w.shape[2], attributes),
        hasBias: bias !== undefined,
        activation: attributes.activation,
      }),
  },
  vjp({ inputs: [x, w, bias], output, attributes: { activation, ...window }, dy }) {
    const dz = activation === "relu" ? reluGrad(output, dy) : dy;
    const attributes = { ...window, image: x.shape };
    const dx = gradInput([dz, w], attributes);
    const dw = gradWeight([x, dz], attributes);
    return bias ? [dx, dw, reshape(sum(dz, { from: 0, to: 1 }), bias.shape)] : [dx, dw];
  },
  reference({ inputs: [x, w], output: { shape }, attributes }, [values, filters, bias]) {
    const c = x.shape[3], [positions, numbers, o] = w.shape;
    const y = new Float64Array(sizeOf(shape));
    if (bias) y.forEach((_, i) => y[i] = bias[i % (positions * o)]);
    forEachTap(windowGeometry(NAME, x.shape, attributes), attributes, (to, from, tap) => {
      const start = (to % positions) * numbers + tap * c;
      for (let i = 0; i < c; i++) {
        for (let j = 0; j < o; j++) {
          y[to * o + j] += values[from * c + i] * filters[(start + i) * o + j];
        }
      }
    });
    return attributes.activation === "relu" ? y.map((v) => (v <= 0 ? 0 : v)) : y;
  },
  cost: ({ inputs, output: { shape }, attributes }) => ({
    flops: flops(inputs[0].shape, shape[3], attributes),
    bytes: bytesOfShapes(...inputs.map((t) => t.shape), shape),
  }),
  samples: SAMPLES.flatMap(({ x, o, window }): Sample<LocalAttributes>[] => {
    const shape = weightShape(x, o, window);
    const inputs = [{ shape: x }, { shape }];
    return [
      { inputs, attributes: { ...window, activation: "none" } },
      {
        inputs: [...inputs, { shape: [shape[0], o] }],
        attributes: { ...window, activation: "relu" },
      },
    ];
  }),
});

/** Shape of the output. */
function outputShape(image: Shape, o: number, window: WindowAttributes): Shape {
  const { n, oh, ow } = windowGeometry(NAME, image, window);
  return [n, oh, ow, o];
}

const gradInput = defineOp<LocalGradAttributes>({
  name: `${NAME}_grad_input`,
  shape([dy, w, ...rest], { image }) {
    checkInputs(`${NAME}_grad_input`, [dy, w, ...rest], ["f32", "f32"]);
    return { shape: image };
  },
  launches: {
    webgpu: ({ inputs: [, w], attributes, kind }) =>
      localGradInputLaunches(kind, problemOf(attributes.image, w.shape[2], attributes)),
    wasm: ({ inputs: [, w], attributes }) =>
      localGradInputWasm(problemOf(attributes.image, w.shape[2], attributes)),
  },
  reference({ inputs: [, w], attributes }, [dy, filters]) {
    const { image } = attributes, c = image[3], [positions, numbers, o] = w.shape;
    const dx = new Float64Array(sizeOf(image));
    forEachTap(windowGeometry(NAME, image, attributes), attributes, (to, from, tap) => {
      const start = (to % positions) * numbers + tap * c;
      for (let i = 0; i < c; i++) {
        for (let j = 0; j < o; j++) {
          dx[from * c + i] += dy[to * o + j] * filters[(start + i) * o + j];
        }
      }
    });
    return dx;
  },
  cost: ({ inputs: [dy, w], attributes }) => ({
    flops: flops(attributes.image, w.shape[2], attributes),
    bytes: bytesOfShapes(dy.shape, w.shape, attributes.image),
  }),
  samples: SAMPLES.map(({ x, o, window }) => ({
    inputs: [{ shape: outputShape(x, o, window) }, { shape: weightShape(x, o, window) }],
    attributes: { ...window, image: x },
  })),
});

const gradWeight = defineOp<LocalGradAttributes>({
  name: `${NAME}_grad_weight`,
  shape([x, dy, ...rest], attributes) {
    checkInputs(`${NAME}_grad_weight`, [x, dy, ...rest], ["f32", "f32"]);
    return { shape: weightShape(attributes.image, dy.shape[3], attributes) };
  },
  launches: {
    webgpu: ({ inputs: [, dy], attributes, kind }) =>
      localGradWeightLaunches(kind, problemOf(attributes.image, dy.shape[3], attributes)),
    wasm: ({ inputs: [, dy], attributes }) =>
      localGradWeightWasm(problemOf(attributes.image, dy.shape[3], attributes)),
  },
  reference({ output: { shape }, attributes }, [values, dy]) {
    const { image } = attributes, c = image[3], [positions, numbers, o] = shape;
    const dw = new Float64Array(sizeOf(shape));
    forEachTap(windowGeometry(NAME, image, attributes), attributes, (to, from, tap) => {
      const start = (to % positions) * numbers + tap * c;
      for (let i = 0; i < c; i++) {
        for (let j = 0; j < o; j++) {
          dw[(start + i) * o + j] += values[from * c + i] * dy[to * o + j];
        }
      }
    });
    return dw;
  },
  cost: ({ inputs: [x, dy], output: { shape }, attributes }) => ({
    flops: flops(attributes.image, dy.shape[3], attributes),
    bytes: bytesOfShapes(x.shape, dy.shape, shape),
  }),
  samples: SAMPLES.map(({ x, o, window }) => ({
    inputs: [{ shape: x }, { shape: outputShape(x, o, window) }],
    attributes: { ...window, image: x },
  })),
});

/** Options of a locally connected layer. */
export interface LocallyConnectedOptions {
  /** Filter height and width, in pixels. */
  readonly size: readonly [number, number];
  /** One number a position and filter, [OH OW, O]. */
  readonly bias?: Tensor;
  readonly activation?: Activation;
  readonly strides?: readonly [number, number];
  readonly padding?: "same" | "valid";
}

/**
 * Convolution without shared filters: activation(sum over tap, c of x[n, pixel of the tap, c] w[position, tap c, o] +
 * bias[position, o]) of x [N, H, W, C] with w [OH OW, KH KW C, O], each output position its own filters: [N, OH, OW, O].
 * It is the local layer of cuda-convnet. Filters are not flipped, as in `conv2d`.
 *
 * @throws {RangeError} if the filters or the bias do not fit the positions
 */
export function locallyConnected2d(
  x: Tensor,
  w: Tensor,
  { size, bias, activation = "none", strides = [1, 1], padding = "same" }: LocallyConnectedOptions,
): Tensor {
  return localOp(bias ? [x, w, bias] : [x, w], { size, strides, padding, activation });
}
