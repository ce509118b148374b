import { foldGrid, input, output } from "../engine/launch.ts";
import { defineOp, type Sample } from "../tensor/op.ts";
import {
  broadcastShapes,
  formatShape,
  sameShape,
  type Shape,
  sizeOf,
  stridesOf,
} from "../tensor/shape.ts";
import { fill, fillValue, type Tensor } from "../tensor/tensor.ts";
import { normalDensity, normalDistribution } from "../util/normal.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, fourAxes } from "./check.ts";
import { affineWasm, binaryWasm, unaryWasm } from "./elementwise_wasm.ts";
import { sumTo } from "./reduce.ts";
import { vectorWidth } from "./vector.ts";

const UNARY = {
  relu: { code: 0, f: (v: number) => (v <= 0 ? 0 : v) },
  negate: { code: 1, f: (v: number) => -v },
  exp: { code: 2, f: Math.exp },
  log: { code: 3, f: Math.log },
  sqrt: { code: 4, f: Math.sqrt },
  square: { code: 5, f: (v: number) => v * v },
  tanh: { code: 6, f: Math.tanh },
  sigmoid: { code: 7, f: (v: number) => 1 / (1 + Math.exp(-v)) },
  abs: { code: 8, f: Math.abs },
  reciprocal: { code: 9, f: (v: number) => 1 / v },
  leakyRelu: { code: 10, f: (v: number, slope: number) => (v <= 0 ? slope * v : v) },
  gelu: { code: 11, f: (v: number) => v * normalDistribution(v) },
} as const;

type UnaryFunction = keyof typeof UNARY;
interface UnaryAttributes {
  readonly function: UnaryFunction;
  /** Of leakyRelu alone. */
  readonly slope: number;
}

/** The derivative in terms of x, y = f(x) and dy. */
const UNARY_VJP: Record<
  UnaryFunction,
  (x: Tensor, y: Tensor, dy: Tensor, slope: number) => Tensor
> = {
  relu: (_x, y, dy) => reluGrad(y, dy),
  negate: (_x, _y, dy) => scale(dy, -1),
  exp: (_x, y, dy) => multiply(dy, y),
  log: (x, _y, dy) => divide(dy, x),
  sqrt: (_x, y, dy) => scale(divide(dy, y), 0.5),
  square: (x, _y, dy) => scale(multiply(dy, x), 2),
  tanh: (_x, y, dy) => subtract(dy, multiply(dy, square(y))),
  sigmoid: (_x, y, dy) => multiply(dy, subtract(y, square(y))),
  abs: (x, y, dy) => multiply(dy, divide(x, y)),
  reciprocal: (_x, y, dy) => scale(multiply(dy, square(y)), -1),
  leakyRelu: (_x, y, dy, slope) => leakyReluGrad(y, dy, slope),
  gelu: (x, _y, dy) => binary([x, dy], { function: "geluGrad", factor: 0 }),
};

const unary = defineOp<UnaryAttributes>({
  name: "unary",
  title: (attributes) => attributes.function,
  shape(inputs) {
    checkInputs("unary", inputs, ["f32"]);
    return { shape: inputs[0].shape };
  },
  launches: {
    webgpu({ output: { shape }, attributes }) {
      const { width, elem } = vectorWidth(sizeOf(shape));
      const length = sizeOf(shape) / width;
      return {
        launches: [launch("unary", {
          aliases: { elem },
          buffers: { x: input(0), y: output },
          overrides: { FUNCTION: UNARY[attributes.function].code },
          params: { length, slope: attributes.slope },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ output: { shape }, attributes }) =>
      unaryWasm(shape, UNARY[attributes.function].code, attributes.slope),
  },
  vjp: ({ inputs: [x], output, attributes, dy }) => [
    UNARY_VJP[attributes.function](x, output, dy, attributes.slope),
  ],
  reference: ({ attributes }, [x]) =>
    x.map((v) => UNARY[attributes.function].f(v, attributes.slope)),
  cost: ({ output: { shape } }) => ({ flops: sizeOf(shape), bytes: bytesOfShapes(shape, shape) }),
  samples: (Object.keys(UNARY) as UnaryFunction[]).flatMap(
    (name): Sample<UnaryAttributes>[] => {
      const positive = name === "log" || name === "sqrt" || name === "reciprocal" || name === "abs";
      const fill = positive ? "positive" as const : "uniform" as const;
      return [[1], [3, 7, 37], [4, 33]].map((shape) => ({
        inputs: [{ shape, fill }],
        attributes: { function: name, slope: 0.25 },
      }));
    },
  ),
});

/** max(x, 0); NaN stays NaN. Any shape. */
export const relu = (x: Tensor): Tensor => unary([x], { function: "relu", slope: 0 });
/** -x. */
export const negate = (x: Tensor): Tensor => unary([x], { function: "negate", slope: 0 });
/** e^x. */
export const exp = (x: Tensor): Tensor => unary([x], { function: "exp", slope: 0 });
/** Natural logarithm. */
export const log = (x: Tensor): Tensor => unary([x], { function: "log", slope: 0 });
/** Square root. */
export const sqrt = (x: Tensor): Tensor => unary([x], { function: "sqrt", slope: 0 });
/** x^2. */
export const square = (x: Tensor): Tensor => unary([x], { function: "square", slope: 0 });
/** Hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => unary([x], { function: "tanh", slope: 0 });
/** 1 / (1 + e^-x). */
export const sigmoid = (x: Tensor): Tensor => unary([x], { function: "sigmoid", slope: 0 });
/** |x|. */
export const abs = (x: Tensor): Tensor => unary([x], { function: "abs", slope: 0 });
/** 1 / x. */
export const reciprocal = (x: Tensor): Tensor => unary([x], { function: "reciprocal", slope: 0 });

function checkSlope(name: string, slope: number): void {
  if (slope >= 0 && slope < Infinity) return;
  throw new RangeError(
    `Cannot apply ${name} as the slope must be a number of at least 0: current value is ${slope}`,
  );
}

/**
 * x where it is positive, else slope * x.
 *
 * @throws {RangeError} if the slope is negative, as the gradient is made of the sign of the result.
 */
export function leakyRelu(x: Tensor, slope: number): Tensor {
  checkSlope("leakyRelu", slope);
  return unary([x], { function: "leakyRelu", slope });
}
/**
 * x Phi(x) with the standard normal distribution Phi, exact to float32 (Hendrycks and Gimpel, "Gaussian error linear
 * units", 2016); not the form by tanh.
 */
export const gelu = (x: Tensor): Tensor => unary([x], { function: "gelu", slope: 0 });

const affine = defineOp<{ readonly factor: number; readonly offset: number }>({
  name: "affine",
  shape(inputs) {
    checkInputs("affine", inputs, ["f32"]);
    return { shape: inputs[0].shape };
  },
  launches: {
    webgpu({ output: { shape }, attributes: { factor, offset } }) {
      const { width, elem } = vectorWidth(sizeOf(shape));
      const length = sizeOf(shape) / width;
      return {
        launches: [launch("affine", {
          aliases: { elem },
          buffers: { x: input(0), y: output },
          params: { length, factor, offset },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ output: { shape }, attributes: { factor, offset } }) =>
      affineWasm(shape, factor, offset),
  },
  vjp: ({ attributes, dy }) => [scale(dy, attributes.factor)],
  reference: ({ attributes: { factor, offset } }, [x]) => x.map((v) => factor * v + offset),
  cost: ({ output: { shape } }) => ({
    flops: 2 * sizeOf(shape),
    bytes: bytesOfShapes(shape, shape),
  }),
  samples: [
    { inputs: [{ shape: [] }], attributes: { factor: 2.5, offset: -1 } },
    { inputs: [{ shape: [5, 67] }], attributes: { factor: -0.5, offset: 3 } },
  ],
});

/** factor * x. Of a `fill`, a `fill`. */
export function scale(x: Tensor, factor: number): Tensor {
  const value = fillValue(x);
  if (value !== undefined) return fill(value * factor, x.shape);
  if (factor === 1) return x;
  const y = affine([x], { factor, offset: 0 });
  scaled.set(y, { x, factor });
  return y;
}

/** What each `scale` node multiplies, so that a sum with it can be one pass. */
const scaled = new WeakMap<Tensor, { readonly x: Tensor; readonly factor: number }>();

/** x + offset, the same number everywhere. */
export function addScalar(x: Tensor, offset: number): Tensor {
  return affine([x], { factor: 1, offset });
}

const BINARY = {
  add: { code: 0, f: (a: number, b: number) => a + b },
  subtract: { code: 1, f: (a: number, b: number) => a - b },
  multiply: { code: 2, f: (a: number, b: number) => a * b },
  divide: { code: 3, f: (a: number, b: number) => a / b },
  maximum: { code: 4, f: (a: number, b: number) => Math.max(a, b) },
  minimum: { code: 5, f: (a: number, b: number) => Math.min(a, b) },
  reluGrad: { code: 6, f: (y: number, dy: number) => (y <= 0 ? 0 : dy) },
  addScaled: { code: 7, f: (a: number, b: number, factor: number) => a + factor * b },
  leakyReluGrad: { code: 8, f: (y: number, dy: number, slope: number) => y <= 0 ? slope * dy : dy },
  geluGrad: {
    code: 9,
    f: (x: number, dy: number) => dy * (normalDistribution(x) + x * normalDensity(x)),
  },
  addActivation: {
    code: 10,
    f: (a: number, b: number, slope: number) => a + b <= 0 ? slope * (a + b) : a + b,
  },
} as const;

type BinaryFunction = keyof typeof BINARY;
interface BinaryAttributes {
  readonly function: BinaryFunction;
  /** Of addScaled, and the slope of leakyReluGrad and addActivation. */
  readonly factor: number;
}

type BinaryVjp = (
  a: Tensor,
  b: Tensor,
  y: Tensor,
  dy: Tensor,
  factor: number,
) => [Tensor | null, Tensor | null];

const BINARY_VJP: Record<BinaryFunction, BinaryVjp> = {
  add: (_a, _b, _y, dy) => [dy, dy],
  subtract: (_a, _b, _y, dy) => [dy, scale(dy, -1)],
  multiply: (a, b, _y, dy) => [multiply(dy, b), multiply(dy, a)],
  divide: (_a, b, y, dy) => [divide(dy, b), negate(multiply(dy, divide(y, b)))],
  // Where both are equal the gradient goes to b.
  maximum: (a, b, _y, dy) => splitGradient(subtract(a, b), dy),
  minimum: (a, b, _y, dy) => splitGradient(subtract(b, a), dy),
  reluGrad: (y, _b, _y, dy) => [null, reluGrad(y, dy)],
  addScaled: (_a, _b, _y, dy, factor) => [dy, scale(dy, factor)],
  leakyReluGrad: (y, _b, _y, dy, slope) => [null, leakyReluGrad(y, dy, slope)],
  addActivation(_a, _b, y, dy, slope) {
    const dz = slope === 0 ? reluGrad(y, dy) : leakyReluGrad(y, dy, slope);
    return [dz, dz];
  },
  geluGrad(x, b, _y, dy) {
    // The second derivative: density(x) (2 - x^2).
    const bell = scale(exp(scale(square(x), -0.5)), normalDensity(0));
    const curve = multiply(bell, addScalar(scale(square(x), -1), 2));
    return [multiply(multiply(dy, b), curve), binary([x, dy], { function: "geluGrad", factor: 0 })];
  },
};

/** dy where the difference is positive, and the rest. */
function splitGradient(difference: Tensor, dy: Tensor): [Tensor, Tensor] {
  const first = reluGrad(difference, dy);
  return [first, subtract(dy, first)];
}

const binary = defineOp<BinaryAttributes>({
  name: "binary",
  title: (attributes) => attributes.function,
  shape([a, b, ...rest], { function: name }) {
    checkInputs(name, [a, b, ...rest], ["f32", "f32"]);
    const shape = broadcastShapes(a.shape, b.shape);
    if (shape === undefined) {
      throw new RangeError(
        `Cannot apply ${name} as shapes must broadcast: current shapes are ${
          formatShape(a.shape)
        } and ${formatShape(b.shape)}`,
      );
    }
    fourAxes(name, shape);
    return { shape };
  },
  launches: {
    webgpu({ inputs: [a, b], output: { shape }, attributes }) {
      const same = sameShape(a.shape, shape) && sameShape(b.shape, shape);
      const { width, elem } = vectorWidth(same ? sizeOf(shape) : 1);
      const length = sizeOf(shape) / width;
      const [, d1, d2, d3] = fourAxes("binary", shape);
      const [a0, a1, a2, a3] = broadcastStrides(a.shape, shape);
      const [b0, b1, b2, b3] = broadcastStrides(b.shape, shape);
      return {
        launches: [launch("binary", {
          aliases: { elem },
          buffers: { a: input(0), b: input(1), y: output },
          overrides: {
            FUNCTION: BINARY[attributes.function].code,
            SAME: same,
          },
          params: { length, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3, factor: attributes.factor },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ inputs: [a, b], output: { shape }, attributes }) =>
      binaryWasm({
        shape,
        code: BINARY[attributes.function].code,
        factor: attributes.factor,
        same: sameShape(a.shape, shape) && sameShape(b.shape, shape),
        a: broadcastStrides(a.shape, shape),
        b: broadcastStrides(b.shape, shape),
      }),
  },
  vjp({ inputs: [a, b], output, attributes, dy }) {
    const [da, db] = BINARY_VJP[attributes.function](a, b, output, dy, attributes.factor);
    return [da && sumTo(da, a.shape), db && sumTo(db, b.shape)];
  },
  reference({ inputs: [a, b], output: { shape }, attributes }, [x, y]) {
    const { f } = BINARY[attributes.function];
    const sa = broadcastStrides(a.shape, shape), sb = broadcastStrides(b.shape, shape);
    const steps = stridesOf(fourAxes("binary", shape));
    const sizes = fourAxes("binary", shape);
    return new Float64Array(sizeOf(shape)).map((_, i) => {
      let ia = 0, ib = 0;
      sizes.forEach((size, axis) => {
        const at = Math.floor(i / steps[axis]) % size;
        ia += at * sa[axis];
        ib += at * sb[axis];
      });
      return f(x[ia], y[ib], attributes.factor);
    });
  },
  cost: ({ inputs: [a, b], output: { shape } }) => ({
    flops: sizeOf(shape),
    bytes: bytesOfShapes(a.shape, b.shape, shape),
  }),
  samples: [
    ...(Object.keys(BINARY) as BinaryFunction[]).map((name): Sample<BinaryAttributes> => ({
      inputs: [{ shape: [7, 41] }, {
        shape: [7, 41],
        fill: name === "divide" ? "positive" : "uniform",
      }],
      attributes: { function: name, factor: 0.75 },
    })),
    {
      inputs: [{ shape: [3, 5, 7, 11] }, { shape: [11] }],
      attributes: { function: "add", factor: 0 },
    },
    {
      inputs: [{ shape: [3, 1, 7] }, { shape: [3, 5, 1] }],
      attributes: { function: "multiply", factor: 0 },
    },
    { inputs: [{ shape: [] }, { shape: [4, 3] }], attributes: { function: "subtract", factor: 0 } },
  ],
});

/** Strides of four axes that read `from` as if it had shape `to`: 0 on broadcast axes. */
function broadcastStrides(from: Shape, to: Shape): [number, number, number, number] {
  const sizes = fourAxes("binary", from);
  const target = fourAxes("binary", to);
  const strides = stridesOf(sizes);
  return sizes.map((size, i) => (size === 1 && target[i] !== 1 ? 0 : strides[i])) as [
    number,
    number,
    number,
    number,
  ];
}

/** a + b, broadcast. With a `scale` among them it is one pass: a + factor * x. */
export function add(a: Tensor, b: Tensor): Tensor {
  for (const [sum, part] of [[a, b], [b, a]]) {
    const product = scaled.get(part);
    if (product !== undefined) return addScaled(sum, product.x, product.factor);
  }
  return binary([a, b], { function: "add", factor: 0 });
}
/** a - b, broadcast. */
export const subtract = (a: Tensor, b: Tensor): Tensor =>
  binary([a, b], { function: "subtract", factor: 0 });
/** a * b, broadcast; by a scalar `fill`, a scale. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  const value = fillValue(b);
  if (value !== undefined && sizeOf(b.shape) <= sizeOf(a.shape)) return scale(a, value);
  return fillValue(a) !== undefined && sizeOf(a.shape) <= sizeOf(b.shape)
    ? multiply(b, a)
    : binary([a, b], { function: "multiply", factor: 0 });
}
/** a / b, broadcast. */
export const divide = (a: Tensor, b: Tensor): Tensor =>
  binary([a, b], { function: "divide", factor: 0 });
/** The larger one, broadcast. */
export const maximum = (a: Tensor, b: Tensor): Tensor =>
  binary([a, b], { function: "maximum", factor: 0 });
/** The smaller one, broadcast. */
export const minimum = (a: Tensor, b: Tensor): Tensor =>
  binary([a, b], { function: "minimum", factor: 0 });
/**
 * The ReLU of a + b in one pass, broadcast: where a block of a residual network ends. With a slope, its leaky ReLU.
 *
 * @throws {RangeError} if the slope is negative
 */
export function addActivation(a: Tensor, b: Tensor, slope = 0): Tensor {
  checkSlope("addActivation", slope);
  return binary([a, b], { function: "addActivation", factor: slope });
}
/** a + factor * b in one pass, broadcast. */
export const addScaled = (a: Tensor, b: Tensor, factor: number): Tensor =>
  binary([a, b], { function: "addScaled", factor });
/** dy where the output y of a leaky ReLU is positive, else slope * dy. */
export const leakyReluGrad = (y: Tensor, dy: Tensor, slope: number): Tensor =>
  binary([y, dy], { function: "leakyReluGrad", factor: slope });
/** dy where the ReLU's output y is positive, else 0; in the pass that makes dy, where its op can do that. */
export const reluGrad = (y: Tensor, dy: Tensor): Tensor =>
  dy.op?.masked(y) ?? binary([y, dy], { function: "reluGrad", factor: 0 });
