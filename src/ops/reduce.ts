import { foldGrid, input, type LaunchList, output, scratch } from "../engine/launch.ts";
import { defineOp } from "../tensor/op.ts";
import { formatShape, sameShape, type Shape, sizeOf } from "../tensor/shape.ts";
import { fill, fillValue, type Tensor } from "../tensor/tensor.ts";
import { launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkInteger } from "./check.ts";
import { multiply, scale } from "./elementwise.ts";
import { broadcastTo, reshape } from "./layout.ts";

interface ReduceAttributes {
  /** The first axis that is summed. */
  readonly from: number;
  /** The axis after the last one that is summed. */
  readonly to: number;
  readonly square: boolean;
  /** Multiplies the sum. */
  readonly scale: number;
}

/** Rows that one invocation sums; a longer axis is split in parts of this many. */
const PART = 1024;

const reduce = defineOp<ReduceAttributes>({
  name: "reduce",
  title: ({ square }) => (square ? "sum_of_squares" : "sum"),
  shape([x, ...rest], { from, to }) {
    checkInputs("reduce", [x, ...rest], ["f32"]);
    checkInteger("reduce", "the first axis", from, 0);
    if (to > x.shape.length || from > to) {
      throw new RangeError(
        `Cannot apply reduce as axes ${from} to ${to - 1} do not exist: current shape is ${
          formatShape(x.shape)
        }`,
      );
    }
    return { shape: [...x.shape.slice(0, from), ...x.shape.slice(to)] };
  },
  launches: {
    webgpu: ({ inputs: [x], attributes }) =>
      reduceLaunches(extents(x.shape, attributes), attributes),
    wasm: ({ inputs: [x], attributes }) => reduceWasm(extents(x.shape, attributes), attributes),
  },
  vjp({ inputs: [x], attributes, dy }) {
    const factor = attributes.square ? 2 * attributes.scale : attributes.scale;
    const value = fillValue(dy);
    if (value !== undefined) {
      return [attributes.square ? scale(x, value * factor) : fill(value * factor, x.shape)];
    }
    const { outer, length, inner } = extents(x.shape, attributes);
    const rows = reshape(scale(dy, factor), [outer, 1, inner]);
    const repeated = reshape(broadcastTo(rows, [outer, length, inner]), x.shape);
    return [attributes.square ? multiply(x, repeated) : repeated];
  },
  reference({ inputs: [x], attributes }, [values]) {
    const { outer, length, inner } = extents(x.shape, attributes);
    const y = new Float64Array(outer * inner);
    values.forEach((v, i) => {
      const o = Math.floor(i / (length * inner));
      y[o * inner + i % inner] += (attributes.square ? v * v : v) * attributes.scale;
    });
    return y;
  },
  cost: ({ inputs: [x], output: { shape } }) => ({
    flops: sizeOf(x.shape),
    bytes: bytesOfShapes(x.shape, shape),
  }),
  samples: [
    { inputs: [{ shape: [1] }], attributes: { from: 0, to: 1, square: false, scale: 1 } },
    { inputs: [{ shape: [5, 7, 11] }], attributes: { from: 0, to: 3, square: true, scale: 0.5 } },
    { inputs: [{ shape: [5, 7, 11] }], attributes: { from: 1, to: 2, square: false, scale: 2 } },
    { inputs: [{ shape: [67, 3] }], attributes: { from: 1, to: 2, square: false, scale: 1 } },
    { inputs: [{ shape: [1031, 13] }], attributes: { from: 0, to: 1, square: false, scale: 1 } },
    // Sums near zero of many terms: the error is that of the terms, not of the sum.
    {
      inputs: [{ shape: [70001] }],
      attributes: { from: 0, to: 1, square: false, scale: 1 },
      tolerance: 1e-4,
    },
  ],
});

interface Extents {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

function extents(shape: Shape, { from, to }: { from: number; to: number }): Extents {
  return {
    outer: sizeOf(shape.slice(0, from)),
    length: sizeOf(shape.slice(from, to)),
    inner: sizeOf(shape.slice(to)),
  };
}

/** Sums in parts until one remains, so that long sums run in parallel and round less. */
function reduceLaunches(
  { outer, length, inner }: Extents,
  { square, scale }: ReduceAttributes,
): LaunchList {
  const launches = [];
  const scratchBytes: number[] = [];
  let now = { outer, length, inner };
  let source = input(0);
  for (;;) {
    const splits = Math.ceil(now.length / PART);
    const last = splits === 1;
    const target = last ? output : scratch(scratchBytes.length);
    const elements = splits * now.outer * now.inner;
    launches.push(launch("reduce", {
      buffers: { x: source, y: target },
      overrides: { FUNCTION: square && launches.length === 0 ? 1 : 0 },
      params: { ...now, splits, scale: last ? scale : 1 },
      grid: foldGrid(Math.ceil(elements / 64)),
    }));
    if (last) return { launches, scratchBytes };
    scratchBytes.push(elements * 4);
    now = { outer: 1, length: splits, inner: now.outer * now.inner };
    source = target;
  }
}

/** Elements that a part of a sum covers on the CPU: some 64 KiB, which the cache holds. */
const WASM_PART = 16384;
/** Columns of a unit: COLUMNS of src/wasm/assembly/reduce.ts. */
const WASM_COLUMNS = 1024;

/** The same on the CPU: parts of consecutive rows, which a second launch sums. */
function reduceWasm(
  { outer, length, inner }: Extents,
  { square, scale }: ReduceAttributes,
): LaunchList {
  const launches = [];
  const scratchBytes: number[] = [];
  let now = { outer, length, inner };
  let source = input(0);
  for (;;) {
    const part = Math.max(64, Math.floor(WASM_PART / Math.min(now.inner, WASM_COLUMNS)));
    const splits = Math.ceil(now.length / part);
    const last = splits === 1;
    const target = last ? output : scratch(scratchBytes.length);
    launches.push(launchWasm("reduce", {
      buffers: { x: source, y: target },
      params: {
        ...now,
        part,
        square: Number(square && launches.length === 0),
        scale: last ? scale : 1,
      },
      units: splits * now.outer * Math.ceil(now.inner / WASM_COLUMNS),
    }));
    if (last) return { launches, scratchBytes };
    scratchBytes.push(splits * now.outer * now.inner * 4);
    now = { outer: 1, length: splits, inner: now.outer * now.inner };
    source = target;
  }
}

/** Axes to sum over, as neighbors: from the first to the last, all in between included. */
export interface AxisRange {
  readonly from?: number;
  readonly to?: number;
}

/** The sum over neighboring axes `from` .. `to - 1`; by default all, to a scalar. Times `factor`, at no cost. */
export function sum(
  x: Tensor,
  { from = 0, to = x.shape.length, factor = 1 }: AxisRange & { readonly factor?: number } = {},
): Tensor {
  return reduce([x], { from, to, square: false, scale: factor });
}

/** The mean over neighboring axes; by default all, to a scalar. */
export function mean(x: Tensor, { from = 0, to = x.shape.length }: AxisRange = {}): Tensor {
  return sum(x, { from, to, factor: 1 / sizeOf(x.shape.slice(from, to)) });
}

/** factor * sum(x^2) / 2, TensorFlow's l2_loss with the weight of the decay in it. Scalar. */
export function l2Loss(x: Tensor, factor = 1): Tensor {
  return reduce([x], { from: 0, to: x.shape.length, square: true, scale: factor / 2 });
}

/** Undoes a broadcast: sums `x` down to `shape`. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  let result = x;
  const added = x.shape.length - shape.length;
  if (added > 0) result = sum(result, { from: 0, to: added });
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] !== result.shape[axis]) {
      const kept = [...result.shape.slice(0, axis), 1, ...result.shape.slice(axis + 1)];
      result = reshape(sum(result, { from: axis, to: axis + 1 }), kept);
    }
  }
  return result;
}
