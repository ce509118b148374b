import { defineOp, type Op } from "../tensor/op.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  gradInputLaunches,
  gradSumsLaunches,
  momentsLaunches,
  normalizeLaunches,
  type NormalizeSettings,
} from "./batch_norm_kernels.ts";
import { gradInputWasm, gradSumsWasm, momentsWasm, normalizeWasm } from "./batch_norm_wasm.ts";
import { bytesOfShapes, checkInputs, checkShapes } from "./check.ts";
import { add, multiply, scale, subtract } from "./elementwise.ts";
import { reshape, slice } from "./layout.ts";

/** Edge sizes: one row, one channel, channels that are not whole vectors, more than a workgroup or a part has. */
const SHAPES: readonly Shape[] = [
  [1, 1],
  [7, 3],
  [2, 3, 5, 8],
  [3, 5, 7, 13],
  [2, 33, 31, 16],
  [19, 20],
  [37, 160],
  [5, 1028],
];

function channelsOf(op: string, { shape }: Tensor): number {
  checkShapes(op, "x must have channels", shape.length > 0, shape);
  return shape[shape.length - 1];
}

/** Row `i` of [2, C], as [C]. */
function rowOf(pair: Tensor, i: 0 | 1): Tensor {
  return reshape(slice(pair, [i, 0], [1, -1]), [pair.shape[1]]);
}

const momentsOp = defineOp<Record<string, never>>({
  name: "moments",
  shape([x, ...rest]) {
    checkInputs("moments", [x, ...rest], ["f32"]);
    return { shape: [2, channelsOf("moments", x)] };
  },
  launches: {
    webgpu: ({ inputs: [x], kind }) => momentsLaunches(kind, x.shape),
    wasm: ({ inputs: [x] }) => momentsWasm(x.shape),
  },
  vjp({ inputs: [x], output, dy }) {
    const rows = sizeOf(x.shape) / output.shape[1];
    const differences = subtract(x, rowOf(output, 0));
    const slant = scale(rowOf(dy, 1), 2 / rows);
    return [add(multiply(differences, slant), scale(rowOf(dy, 0), 1 / rows))];
  },
  reference({ output: { shape: [, c] } }, [x]) {
    const rows = x.length / c;
    const y = new Float64Array(2 * c);
    x.forEach((v, i) => y[i % c] += v / rows);
    x.forEach((v, i) => y[c + i % c] += (v - y[i % c]) ** 2 / rows);
    return y;
  },
  cost: ({ inputs: [x], output: { shape } }) => ({
    flops: 4 * sizeOf(x.shape),
    bytes: bytesOfShapes(x.shape, shape),
  }),
  samples: SHAPES.map((shape) => ({ inputs: [{ shape }], attributes: {} })),
});

/**
 * Means and biased variances of the channels of x [..., C] over all other axes: [2, C]. Sound however far a mean
 * is from zero: all is counted from a channel's first number on, parts have their differences from their own mean
 * squared, and are merged as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
 * sample variances", 1979.
 */
export function moments(x: Tensor): Tensor {
  return momentsOp([x], {});
}

interface NormalizeAttributes extends NormalizeSettings {
  /** True: the moments are those of x, and the gradient goes through them. */
  readonly training: boolean;
}

function checkNormalize(op: string, inputs: readonly Tensor[], settings: NormalizeSettings): void {
  checkInputs(op, inputs, inputs.map(() => "f32"));
  const [x, gamma, beta, pair] = inputs;
  const c = channelsOf(op, x);
  for (const { shape } of [gamma, beta]) {
    checkShapes(op, "there must be one number a channel", sizeOf(shape) === c, x.shape, shape);
  }
  const paired = pair.shape.length === 2 && pair.shape[0] === 2 && pair.shape[1] === c;
  checkShapes(op, "moments must be [2, C]", paired, x.shape, pair.shape);
  for (const name of ["epsilon", "slope"] as const) {
    if (!(settings[name] >= 0 && settings[name] < Infinity)) {
      throw new RangeError(
        `Cannot apply ${op} as ${name} must be a number of at least 0: current value is ${
          settings[name]
        }`,
      );
    }
  }
}

/** What the references of the gradient share: n of each element, and dz. */
function normalized(
  c: number,
  [dy, x, gamma, beta, pair]: readonly Float64Array[],
  { epsilon, slope }: NormalizeSettings,
): { normal: Float64Array; dz: Float64Array } {
  const normal = x.map((v, i) => (v - pair[i % c]) / Math.sqrt(pair[c + i % c] + epsilon));
  const dz = dy.map((d, i) => gamma[i % c] * normal[i] + beta[i % c] <= 0 ? slope * d : d);
  return { normal, dz };
}

const normalizeOp = defineOp<NormalizeAttributes>({
  name: "normalize_channels",
  title: ({ training }) => (training ? "batch_norm" : "normalize_channels"),
  shape(inputs, attributes) {
    checkNormalize(attributes.training ? "batch_norm" : "normalize_channels", inputs, attributes);
    return { shape: inputs[0].shape };
  },
  launches: {
    webgpu: ({ output: { shape }, attributes }) => normalizeLaunches(shape, attributes),
    wasm: ({ output: { shape }, attributes }) => normalizeWasm(shape, attributes),
  },
  vjp({ inputs: [x, gamma, beta, pair], attributes, dy }) {
    const inputs = [dy, x, gamma, beta, pair];
    const sums = gradSums(inputs, attributes);
    const dx = gradInput(attributes.training ? [...inputs, sums] : inputs, attributes);
    return [dx, reshape(rowOf(sums, 1), gamma.shape), reshape(rowOf(sums, 0), beta.shape), null];
  },
  reference({ output: { shape }, attributes: { epsilon, slope } }, [x, gamma, beta, pair]) {
    const c = shape[shape.length - 1];
    return x.map((v, i) => {
      const channel = i % c;
      const normal = (v - pair[channel]) / Math.sqrt(pair[c + channel] + epsilon);
      const z = gamma[channel] * normal + beta[channel];
      return z <= 0 ? slope * z : z;
    });
  },
  cost: ({ output: { shape } }) => ({
    flops: 4 * sizeOf(shape),
    bytes: bytesOfShapes(shape, shape),
  }),
  // Not in training: the moments of a sample are not those of its x.
  samples: SHAPES.flatMap((shape) => {
    const c = shape[shape.length - 1];
    return [1, 0, 0.1].map((slope) => ({
      inputs: [{ shape }, { shape: [c] }, { shape: [c] }, {
        shape: [2, c],
        fill: "positive" as const,
      }],
      attributes: { epsilon: 1e-3, slope, training: false },
    }));
  }),
});

const gradSums: Op<NormalizeSettings> = defineOp<NormalizeSettings>({
  name: "batch_norm_grad_sums",
  shape([dy, ...inputs], attributes) {
    checkNormalize("batch_norm_grad_sums", inputs, attributes);
    checkInputs("batch_norm_grad_sums", [dy], ["f32"]);
    return { shape: [2, channelsOf("batch_norm_grad_sums", dy)] };
  },
  launches: {
    webgpu: ({ inputs: [dy], attributes, kind }) => gradSumsLaunches(kind, dy.shape, attributes),
    wasm: ({ inputs: [dy], attributes }) => gradSumsWasm(dy.shape, attributes),
  },
  reference({ output: { shape: [, c] }, attributes }, values) {
    const { normal, dz } = normalized(c, values, attributes);
    const y = new Float64Array(2 * c);
    dz.forEach((d, i) => {
      y[i % c] += d;
      y[c + i % c] += d * normal[i];
    });
    return y;
  },
  cost: ({ inputs: [dy] }) => ({
    flops: 6 * sizeOf(dy.shape),
    bytes: bytesOfShapes(dy.shape, dy.shape),
  }),
  samples: SHAPES.flatMap((shape) => {
    const c = shape[shape.length - 1];
    return [1, 0, 0.1].map((slope) => ({
      inputs: [{ shape }, { shape }, { shape: [c] }, { shape: [c] }, {
        shape: [2, c],
        fill: "positive" as const,
      }],
      attributes: { epsilon: 1e-3, slope },
    }));
  }),
});

const gradInput: Op<NormalizeAttributes> = defineOp<NormalizeAttributes>({
  name: "batch_norm_grad_input",
  shape([dy, ...inputs], { training, ...settings }) {
    checkNormalize("batch_norm_grad_input", inputs, settings);
    checkInputs("batch_norm_grad_input", inputs.slice(4), training ? ["f32"] : []);
    return { shape: dy.shape };
  },
  launches: {
    webgpu: ({ output: { shape }, attributes }) => gradInputLaunches(shape, attributes),
    wasm: ({ output: { shape }, attributes }) => gradInputWasm(shape, attributes),
  },
  reference({ output: { shape }, attributes }, values) {
    const c = shape[shape.length - 1], rows = sizeOf(shape) / c;
    const { normal, dz } = normalized(c, values, attributes);
    const [, , gamma, , pair, sums] = values;
    return dz.map((d, i) => {
      const channel = i % c;
      const factor = gamma[channel] / Math.sqrt(pair[c + channel] + attributes.epsilon);
      if (!attributes.training) return factor * d;
      return factor * (d - sums[channel] / rows - normal[i] * sums[c + channel] / rows);
    });
  },
  cost: ({ output: { shape } }) => ({
    flops: 8 * sizeOf(shape),
    bytes: bytesOfShapes(shape, shape, shape),
  }),
  samples: SHAPES.flatMap((shape) => {
    const c = shape[shape.length - 1];
    return [1, 0, 0.1].flatMap((slope) =>
      [false, true].map((training) => ({
        inputs: [
          { shape },
          { shape },
          { shape: [c] },
          { shape: [c] },
          { shape: [2, c], fill: "positive" as const },
          ...(training ? [{ shape: [2, c] }] : []),
        ],
        attributes: { epsilon: 1e-3, slope, training },
      }))
    );
  }),
});

/** Settings of a normalization by channel. */
export interface BatchNormOptions {
  /** Added to the variance; default 1e-3. */
  readonly epsilon?: number;
  /**
   * Of a leaky ReLU behind it, in the same pass and with its gradient folded in: y = z where z > 0, else slope z.
   * 0 is a ReLU, 1 (the default) no activation.
   */
  readonly slope?: number;
}

/** What `batchNorm` gives. */
export interface BatchNormResult {
  /** Of x's shape. */
  readonly y: Tensor;
  /** Of the batch, [2, C]: means and biased variances, for running averages. No gradient goes through them. */
  readonly moments: Tensor;
}

/**
 * Batch normalization of x [..., C] in training: (x - mean) gamma / sqrt(variance + epsilon) + beta with the
 * moments of x itself over all axes but the last, gamma and beta [C] (Ioffe and Szegedy, "Batch normalization",
 * 2015). Two passes over x forward and two over dy and x back; the gradient is the whole one, through the moments.
 *
 * @throws {RangeError} if gamma or beta have another size, or epsilon or slope is negative
 */
export function batchNorm(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  { epsilon = 1e-3, slope = 1 }: BatchNormOptions = {},
): BatchNormResult {
  const pair = moments(x);
  const y = normalizeOp([x, gamma, beta, pair], { epsilon, slope, training: true });
  return { y, moments: pair };
}

/**
 * The same with given moments [2, C], as in evaluation, with running averages for them; their gradient is not
 * made, the others' are.
 *
 * @throws {RangeError} if gamma, beta or the moments have another size, or epsilon or slope is negative
 */
export function normalizeChannels(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  moments: Tensor,
  { epsilon = 1e-3, slope = 1 }: BatchNormOptions = {},
): Tensor {
  return normalizeOp([x, gamma, beta, moments], { epsilon, slope, training: false });
}
