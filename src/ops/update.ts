import { foldGrid, input, output } from "../engine/launch.ts";
import { defineOp, type OpContext } from "../tensor/op.ts";
import { type DType, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { blocks, launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkShapes } from "./check.ts";
import { vectorWidth } from "./vector.ts";

/** Checks (variable, same-shaped value, one number). */
function updateShape(name: string, inputs: readonly Tensor[], scalar: DType = "f32") {
  checkInputs(name, inputs, ["f32", "f32", scalar]);
  const [target, value, number] = inputs;
  const same = sizeOf(value.shape) === sizeOf(target.shape);
  checkShapes(
    name,
    "the variable and the value must have one size",
    same,
    target.shape,
    value.shape,
  );
  checkShapes(name, "the third input must be one number", sizeOf(number.shape) === 1, number.shape);
  return { shape: target.shape };
}

const IN_PLACE = { kind: "in-place" } as const;
const SAMPLES = [[1], [5, 67], [3, 64]].map((shape) => ({
  inputs: [{ shape }, { shape }, { shape: [] }],
  attributes: {},
}));

function updateCost({ output: { shape } }: OpContext<unknown>) {
  return { flops: 3 * sizeOf(shape), bytes: bytesOfShapes(shape, shape, shape) };
}

const sgd = defineOp<Record<string, never>>({
  name: "sgd_update",
  shape: (inputs) => updateShape("sgd_update", inputs),
  storage: () => IN_PLACE,
  launches: {
    webgpu({ output: { shape } }) {
      const { width, elem } = vectorWidth(sizeOf(shape));
      const length = sizeOf(shape) / width;
      return {
        launches: [launch("sgd_update", {
          aliases: { elem },
          buffers: { w: output, g: input(1), learning_rate: input(2) },
          params: { length },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ output: { shape } }) => ({
      launches: [launchWasm("sgd_update", {
        buffers: { w: output, g: input(1), learning_rate: input(2) },
        params: { length: sizeOf(shape) },
        units: blocks(sizeOf(shape)),
      })],
    }),
  },
  reference: (_, [w, g, rate]) => w.map((v, i) => v - rate[0] * g[i]),
  cost: updateCost,
  samples: SAMPLES,
});

/** w -= learningRate * g, in place; returns the new w. */
export function sgdUpdate(w: Tensor, g: Tensor, learningRate: Tensor): Tensor {
  return sgd([w, g, learningRate], {});
}

const momentumOp = defineOp<Record<string, never>>({
  name: "momentum_update",
  shape: (inputs) => updateShape("momentum_update", inputs),
  storage: () => IN_PLACE,
  launches: {
    webgpu({ output: { shape } }) {
      const { width, elem } = vectorWidth(sizeOf(shape));
      const length = sizeOf(shape) / width;
      return {
        launches: [launch("momentum_update", {
          aliases: { elem },
          buffers: { velocity: output, g: input(1), momentum: input(2) },
          params: { length },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ output: { shape } }) => ({
      launches: [launchWasm("momentum_update", {
        buffers: { velocity: output, g: input(1), momentum: input(2) },
        params: { length: sizeOf(shape) },
        units: blocks(sizeOf(shape)),
      })],
    }),
  },
  reference: (_, [velocity, g, momentum]) => velocity.map((v, i) => momentum[0] * v + g[i]),
  cost: updateCost,
  samples: SAMPLES,
});

/** velocity = momentum * velocity + g, in place; returns the new velocity (Polyak 1964; step along it with `sgdUpdate`). */
export function momentumUpdate(velocity: Tensor, g: Tensor, momentum: Tensor): Tensor {
  return momentumOp([velocity, g, momentum], {});
}

const ema = defineOp<Record<string, never>>({
  name: "ema_update",
  shape: (inputs) => updateShape("ema_update", inputs),
  storage: () => IN_PLACE,
  launches: {
    webgpu({ output: { shape } }) {
      const { width, elem } = vectorWidth(sizeOf(shape));
      const length = sizeOf(shape) / width;
      return {
        launches: [launch("ema_update", {
          aliases: { elem },
          buffers: { shadow: output, x: input(1), decay: input(2) },
          params: { length },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ output: { shape } }) => ({
      launches: [launchWasm("ema_update", {
        buffers: { shadow: output, x: input(1), decay: input(2) },
        params: { length: sizeOf(shape) },
        units: blocks(sizeOf(shape)),
      })],
    }),
  },
  reference: (_, [shadow, x, decay]) => shadow.map((s, i) => s - (1 - decay[0]) * (s - x[i])),
  cost: updateCost,
  samples: SAMPLES,
});

/** shadow -= (1 - decay) * (shadow - x), in place; returns the new shadow. */
export function emaUpdate(shadow: Tensor, x: Tensor, decay: Tensor): Tensor {
  return ema([shadow, x, decay], {});
}

const record = defineOp<Record<string, never>>({
  name: "record_row",
  shape(inputs) {
    checkInputs("record_row", inputs, ["f32", "f32", "u32"]);
    const [history, x] = inputs;
    const fits = history.shape.length === 2 && history.shape[1] === sizeOf(x.shape);
    checkShapes(
      "record_row",
      "the value must be one row of the table",
      fits,
      history.shape,
      x.shape,
    );
    return { shape: history.shape };
  },
  storage: () => IN_PLACE,
  launches: {
    webgpu({ inputs: [, x] }) {
      const length = sizeOf(x.shape);
      return {
        launches: [launch("record_row", {
          buffers: { history: output, x: input(1), row: input(2) },
          params: { length },
          grid: foldGrid(Math.ceil(length / 256)),
        })],
      };
    },
    wasm: ({ inputs: [, x] }) => ({
      launches: [launchWasm("record_row", {
        buffers: { history: output, x: input(1), row: input(2) },
        params: { length: sizeOf(x.shape) },
        units: blocks(sizeOf(x.shape)),
      })],
    }),
  },
  reference({ inputs: [, x] }, [history, values, row]) {
    const table = history.slice();
    table.set(values, row[0] * sizeOf(x.shape));
    return table;
  },
  cost: ({ inputs: [, x] }) => ({ flops: 0, bytes: bytesOfShapes(x.shape, x.shape) }),
  samples: [{
    inputs: [{ shape: [5, 7] }, { shape: [7] }, { shape: [], fill: { below: 5 } }],
    attributes: {},
  }],
});

/** history[row] = x, in place: a table [rows, size of x] of what happened; returns the table. */
export function recordRow(history: Tensor, x: Tensor, row: Tensor): Tensor {
  return record([history, x, row], {});
}
