import { foldGrid, input, output } from "../engine/launch.ts";
import { defineOp } from "../tensor/op.ts";
import { sameShape, type Shape, sizeOf, stridesOf } from "../tensor/shape.ts";
import { slotLayout } from "../tensor/storage.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkInteger, checkShapes, fourAxes } from "./check.ts";
import { copyRegionWasm, gatherWasm, padWasm } from "./layout_wasm.ts";
import { sumTo } from "./reduce.ts";
import { vectorWidth } from "./vector.ts";

const view = defineOp<{ readonly shape: Shape; readonly offset: number }>({
  name: "view",
  shape([x, ...rest], { shape, offset }) {
    checkInputs("view", [x, ...rest], [x.dtype]);
    checkInteger("view", "the offset", offset, 0);
    const fits = offset + sizeOf(shape) <= sizeOf(x.shape);
    checkShapes("view", `elements ${offset} on must lie within the tensor`, fits, x.shape, shape);
    return { shape, dtype: x.dtype };
  },
  storage: ({ attributes }) => ({ kind: "alias", offset: attributes.offset }),
  launches: { webgpu: () => ({ launches: [] }), wasm: () => ({ launches: [] }) },
  vjp({ inputs: [x], output, attributes: { offset }, dy }) {
    const size = sizeOf(output.shape);
    const after = sizeOf(x.shape) - size - offset;
    if (offset === 0 && after === 0) return [reshape(dy, x.shape)];
    return [reshape(pad(reshape(dy, [size]), [[offset, after]]), x.shape)];
  },
  reference: ({ output: { shape }, attributes: { offset } }, [x]) =>
    x.slice(offset, offset + sizeOf(shape)),
  cost: () => ({ flops: 0, bytes: 0 }),
  samples: [
    { inputs: [{ shape: [6, 4] }], attributes: { shape: [2, 12], offset: 0 } },
    { inputs: [{ shape: [256] }], attributes: { shape: [8, 8], offset: 64 } },
  ],
});

/** The same elements in another shape; costs nothing. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkShapes("reshape", "sizes must agree", sizeOf(shape) === sizeOf(x.shape), x.shape, shape);
  return sameShape(x.shape, shape) ? x : view([x], { shape, offset: 0 });
}

/**
 * A window into a tensor's memory: elements `offset` on, as `shape`; costs nothing.
 * On a device the offset must be a multiple of 64 elements (see `slotLayout`).
 */
export function viewAt(x: Tensor, shape: Shape, offset: number): Tensor {
  return view([x], { shape, offset });
}

const pack = defineOp<Record<string, never>>({
  name: "pack",
  shape(inputs) {
    checkInputs("pack", inputs, inputs.map(() => "f32"));
    return { shape: [slotLayout(inputs.map((t) => t.shape)).size] };
  },
  storage: ({ inputs }) => ({
    kind: "pack",
    offsets: slotLayout(inputs.map((t) => t.shape)).offsets,
  }),
  launches: {
    webgpu({ inputs, output: { shape } }) {
      const { offsets } = slotLayout(inputs.map((t) => t.shape));
      return {
        launches: inputs.map((tensor, i) => {
          const length = sizeOf(tensor.shape);
          return launch("copy_region", {
            buffers: { x: input(i), y: output },
            params: { rows: 1, x_width: length, y_width: shape[0], y_start: offsets[i] },
            grid: foldGrid(Math.ceil(length / 256)),
          });
        }),
      };
    },
    wasm({ inputs, output: { shape } }) {
      const { offsets } = slotLayout(inputs.map((t) => t.shape));
      return {
        launches: inputs.map((tensor, index) =>
          copyRegionWasm({
            index,
            rows: 1,
            width: sizeOf(tensor.shape),
            outputWidth: shape[0],
            start: offsets[index],
          })
        ),
      };
    },
  },
  vjp({ inputs, dy }) {
    const { offsets } = slotLayout(inputs.map((t) => t.shape));
    return inputs.map((tensor, i) => viewAt(dy, tensor.shape, offsets[i]));
  },
  reference({ inputs, output: { shape } }, values) {
    const y = new Float64Array(shape[0]);
    slotLayout(inputs.map((t) => t.shape)).offsets.forEach((offset, i) => y.set(values[i], offset));
    return y;
  },
  cost: () => ({ flops: 0, bytes: 0 }),
  samples: [
    { inputs: [{ shape: [3, 5] }, { shape: [] }, { shape: [70] }], attributes: {} },
  ],
});

/**
 * Tensors one behind the other in one block, each at the start of a 64-element slot, gaps zero: [size].
 * Inputs are computed in place where possible, so that it usually costs nothing.
 */
export function packTensors(tensors: readonly Tensor[]): Tensor {
  return pack(tensors, {});
}

const permute = defineOp<{ readonly axes: readonly number[] }>({
  name: "permute",
  shape([x, ...rest], { axes }) {
    checkInputs("permute", [x, ...rest], ["f32"]);
    const sorted = [...axes].sort((a, b) => a - b);
    if (axes.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
      throw new RangeError(
        `Cannot apply permute as axes must be a permutation of ${x.shape.length}: current axes are [${axes}]`,
      );
    }
    fourAxes("permute", x.shape);
    return { shape: axes.map((axis) => x.shape[axis]) };
  },
  launches: {
    webgpu({ inputs: [x], output: { shape }, attributes: { axes } }) {
      const strides = stridesOf(x.shape);
      return { launches: [gatherLaunch(shape, axes.map((axis) => strides[axis]))] };
    },
    wasm({ inputs: [x], output: { shape }, attributes: { axes } }) {
      const strides = stridesOf(x.shape);
      return { launches: [gatherWasm(shape, axes.map((axis) => strides[axis]))] };
    },
  },
  vjp({ attributes: { axes }, dy }) {
    return [transpose(dy, axes.map((_, i) => axes.indexOf(i)))];
  },
  reference({ inputs: [x], output: { shape }, attributes: { axes } }, [values]) {
    const strides = stridesOf(x.shape);
    return gatherReference(shape, axes.map((axis) => strides[axis]), values);
  },
  cost: ({ output: { shape } }) => ({ flops: 0, bytes: bytesOfShapes(shape, shape) }),
  samples: [
    { inputs: [{ shape: [7, 13] }], attributes: { axes: [1, 0] } },
    { inputs: [{ shape: [3, 5, 7, 11] }], attributes: { axes: [0, 3, 1, 2] } },
  ],
});

function gatherLaunch(shape: Shape, strides: readonly number[]) {
  const [, d1, d2, d3] = fourAxes("permute", shape);
  const [s0, s1, s2, s3] = [0, 0, 0, 0, ...strides].slice(-4);
  const length = sizeOf(shape);
  return launch("permute", {
    buffers: { x: input(0), y: output },
    params: { length, d1, d2, d3, s0, s1, s2, s3 },
    grid: foldGrid(Math.ceil(length / 256)),
  });
}

function gatherReference(
  shape: Shape,
  strides: readonly number[],
  values: Float64Array,
): Float64Array {
  const steps = stridesOf(shape);
  return new Float64Array(sizeOf(shape)).map((_, i) =>
    values[
      shape.reduce((at, size, axis) => at + (Math.floor(i / steps[axis]) % size) * strides[axis], 0)
    ]
  );
}

/** Reorders axes: axis i of the result is axis `axes[i]` of x. At most 4 axes. */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  return permute([x], { axes: axes ?? x.shape.map((_, i) => x.shape.length - 1 - i) });
}

const broadcast = defineOp<{ readonly shape: Shape }>({
  name: "broadcast",
  shape([x, ...rest], { shape }) {
    checkInputs("broadcast", [x, ...rest], ["f32"]);
    const fits = x.shape.length <= shape.length &&
      x.shape.every((size, i) => size === 1 || size === shape[shape.length - x.shape.length + i]);
    checkShapes("broadcast", "the first must broadcast to the second", fits, x.shape, shape);
    fourAxes("broadcast", shape);
    return { shape };
  },
  launches: {
    webgpu: ({ inputs: [x], output: { shape } }) => ({
      launches: [gatherLaunch(shape, repeatStrides(x.shape, shape))],
    }),
    wasm: ({ inputs: [x], output: { shape } }) => ({
      launches: [gatherWasm(shape, repeatStrides(x.shape, shape))],
    }),
  },
  vjp: ({ inputs: [x], dy }) => [sumTo(dy, x.shape)],
  reference: ({ inputs: [x], output: { shape } }, [values]) =>
    gatherReference(shape, repeatStrides(x.shape, shape), values),
  cost: ({ inputs: [x], output: { shape } }) => ({
    flops: 0,
    bytes: bytesOfShapes(x.shape, shape),
  }),
  samples: [
    { inputs: [{ shape: [] }], attributes: { shape: [3, 5] } },
    { inputs: [{ shape: [7, 1, 3] }], attributes: { shape: [2, 7, 5, 3] } },
  ],
});

function repeatStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  return to.map((_, axis) => {
    const i = axis - (to.length - from.length);
    return i < 0 || from[i] === 1 ? 0 : strides[i];
  });
}

/** Repeats x along axes of size 1 or missing in front. At most 4 axes. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : broadcast([x], { shape });
}

/** Elements before and after, for each axis; negative ones cut. */
export type Padding = readonly (readonly [number, number])[];

const padding = defineOp<{ readonly padding: Padding }>({
  name: "pad",
  shape([x, ...rest], { padding }) {
    checkInputs("pad", [x, ...rest], ["f32"]);
    checkShapes(
      "pad",
      `one pair an axis is needed, given ${padding.length}`,
      padding.length === x.shape.length,
      x.shape,
    );
    const shape = x.shape.map((size, axis) => size + padding[axis][0] + padding[axis][1]);
    checkShapes("pad", "something must be left", shape.every((size) => size >= 1), x.shape, shape);
    fourAxes("pad", shape);
    return { shape };
  },
  launches: {
    webgpu({ inputs: [x], output: { shape }, attributes: { padding } }) {
      const [, d1, d2, d3] = fourAxes("pad", shape);
      const [x0, x1, x2, x3] = fourAxes("pad", x.shape);
      const [b0, b1, b2, b3] = [0, 0, 0, 0, ...padding.map(([before]) => before)].slice(-4);
      // Whole vectors, if no vector of x is torn.
      const whole = x3 % 4 === 0 && b3 % 4 === 0;
      const { width, elem } = vectorWidth(whole ? d3 : 1);
      const length = sizeOf(shape) / width;
      const last = { d3: d3 / width, x3: x3 / width, b3: b3 / width };
      return {
        launches: [launch("pad", {
          aliases: { elem },
          buffers: { x: input(0), y: output },
          params: { length, d1, d2, x0, x1, x2, b0, b1, b2, ...last },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ inputs: [x], output: { shape }, attributes: { padding } }) => ({
      launches: [padWasm(x.shape, shape, padding.map(([before]) => before))],
    }),
  },
  vjp: (
    { attributes, dy },
  ) => [pad(dy, attributes.padding.map(([before, after]) => [-before, -after]))],
  reference({ inputs: [x], output: { shape }, attributes: { padding } }, [values]) {
    const steps = stridesOf(shape), strides = stridesOf(x.shape);
    return new Float64Array(sizeOf(shape)).map((_, i) => {
      let at = 0;
      for (const [axis, size] of shape.entries()) {
        const place = Math.floor(i / steps[axis]) % size - padding[axis][0];
        if (place < 0 || place >= x.shape[axis]) return 0;
        at += place * strides[axis];
      }
      return values[at];
    });
  },
  cost: ({ inputs: [x], output: { shape } }) => ({
    flops: 0,
    bytes: bytesOfShapes(x.shape, shape),
  }),
  samples: [
    { inputs: [{ shape: [5] }], attributes: { padding: [[64, 3]] } },
    {
      inputs: [{ shape: [3, 7, 5, 2] }],
      attributes: { padding: [[0, 0], [2, 1], [-1, 3], [1, -1]] },
    },
    // Channels half in front and half behind, as ResNet's shortcuts have them, and the way back.
    {
      inputs: [{ shape: [2, 3, 3, 16] }],
      attributes: { padding: [[0, 0], [0, 0], [0, 0], [8, 8]] },
    },
    {
      inputs: [{ shape: [2, 3, 3, 32] }],
      attributes: { padding: [[0, 0], [1, 0], [0, -1], [-8, -8]] },
    },
    { inputs: [{ shape: [3, 8] }], attributes: { padding: [[0, 0], [2, 2]] } },
  ],
});

/** Zeros around x, or a part of x where the padding is negative. At most 4 axes. */
export function pad(x: Tensor, amounts: Padding): Tensor {
  return padding([x], { padding: amounts });
}

/** The part of x from `begin` on, of the given size; size -1 takes the rest of an axis. */
export function slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
  return pad(
    x,
    x.shape.map((whole, axis) => {
      const length = size[axis] === -1 ? whole - begin[axis] : size[axis];
      const inside = begin[axis] >= 0 && begin[axis] + length <= whole;
      checkShapes("slice", `axis ${axis} must hold ${begin[axis]} + ${length}`, inside, x.shape);
      return [-begin[axis], begin[axis] + length - whole];
    }),
  );
}

const concat = defineOp<{ readonly axis: number }>({
  name: "concat",
  shape(inputs, { axis }) {
    checkInputs("concat", inputs, inputs.map(() => "f32"));
    const [first, ...rest] = inputs;
    checkInteger("concat", "the axis", axis, 0);
    for (const { shape } of rest) {
      const same = shape.length === first.shape.length &&
        shape.every((n, i) => i === axis || n === first.shape[i]);
      checkShapes("concat", `all axes but ${axis} must agree`, same, first.shape, shape);
    }
    const total = inputs.reduce((sum, { shape }) => sum + shape[axis], 0);
    return { shape: first.shape.map((n, i) => (i === axis ? total : n)) };
  },
  launches: {
    webgpu({ inputs, output: { shape }, attributes: { axis } }) {
      const rows = sizeOf(shape.slice(0, axis));
      let start = 0;
      return {
        launches: inputs.map((tensor, i) => {
          const width = sizeOf(tensor.shape.slice(axis));
          const made = launch("copy_region", {
            buffers: { x: input(i), y: output },
            params: { rows, x_width: width, y_width: sizeOf(shape.slice(axis)), y_start: start },
            grid: foldGrid(Math.ceil(rows * width / 256)),
          });
          start += width;
          return made;
        }),
      };
    },
    wasm({ inputs, output: { shape }, attributes: { axis } }) {
      const rows = sizeOf(shape.slice(0, axis)), outputWidth = sizeOf(shape.slice(axis));
      let start = 0;
      return {
        launches: inputs.map((tensor, index) => {
          const width = sizeOf(tensor.shape.slice(axis));
          const made = copyRegionWasm({ index, rows, width, outputWidth, start });
          start += width;
          return made;
        }),
      };
    },
  },
  vjp({ inputs, attributes: { axis }, dy }) {
    let start = 0;
    return inputs.map(({ shape }) => {
      const begin = shape.map((_, i) => (i === axis ? start : 0));
      start += shape[axis];
      return slice(dy, begin, shape);
    });
  },
  reference({ inputs, output: { shape }, attributes: { axis } }, values) {
    const y = new Float64Array(sizeOf(shape));
    const rows = sizeOf(shape.slice(0, axis)), wide = sizeOf(shape.slice(axis));
    let start = 0;
    inputs.forEach((tensor, i) => {
      const width = sizeOf(tensor.shape.slice(axis));
      for (let row = 0; row < rows; row++) {
        y.set(values[i].subarray(row * width, (row + 1) * width), row * wide + start);
      }
      start += width;
    });
    return y;
  },
  cost: ({ output: { shape } }) => ({ flops: 0, bytes: 2 * bytesOfShapes(shape) }),
  samples: [
    { inputs: [{ shape: [3, 5] }, { shape: [3, 2] }, { shape: [3, 1] }], attributes: { axis: 1 } },
    { inputs: [{ shape: [2, 3, 7] }, { shape: [5, 3, 7] }], attributes: { axis: 0 } },
  ],
});

/** Tensors joined along an axis. */
export function concatenate(tensors: readonly Tensor[], axis: number): Tensor {
  return concat(tensors, { axis });
}
