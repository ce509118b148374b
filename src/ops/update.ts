import { foldGrid, type Grid, input, type Launch, output } from "../engine/launch.ts";
import { defineOp, type Op } from "../tensor/op.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { blocks, launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkShapes } from "./check.ts";
import { type VectorWidth, vectorWidth } from "./vector.ts";

const IN_PLACE = { kind: "in-place" } as const;

/** What differs between updates of (variable, same-shaped value, one number). */
interface Update {
  webgpu(work: { length: number; elem: VectorWidth["elem"]; grid: Grid }): Launch;
  wasm(work: { length: number; units: number }): Launch;
  /** The variable's new value. */
  reference(variable: Float64Array, value: Float64Array, number: number): Float64Array;
}

/** An op that writes its first input in place, element by element. */
function defineUpdate(
  name: string,
  { webgpu, wasm, reference }: Update,
): Op<Record<string, never>> {
  return defineOp<Record<string, never>>({
    name,
    shape(inputs) {
      checkInputs(name, inputs, ["f32", "f32", "f32"]);
      const [target, { shape: value }, { shape: number }] = inputs;
      const same = sizeOf(value) === sizeOf(target.shape);
      const rule = "the variable and the value must have one size";
      checkShapes(name, rule, same, target.shape, value);
      checkShapes(name, "the third input must be one number", sizeOf(number) === 1, number);
      return { shape: target.shape };
    },
    storage: () => IN_PLACE,
    launches: {
      webgpu({ output: { shape } }) {
        const { width, elem } = vectorWidth(sizeOf(shape));
        const length = sizeOf(shape) / width;
        const grid = foldGrid(Math.ceil(length / 256));
        return { launches: [webgpu({ length, elem, grid })] };
      },
      wasm({ output: { shape } }) {
        const length = sizeOf(shape);
        return { launches: [wasm({ length, units: blocks(length) })] };
      },
    },
    reference: (_, [variable, value, number]) => reference(variable, value, number[0]),
    cost: ({ output: { shape } }) => ({
      flops: 3 * sizeOf(shape),
      bytes: bytesOfShapes(shape, shape, shape),
    }),
    samples: [[1], [5, 67], [3, 64]].map((shape) => ({
      inputs: [{ shape }, { shape }, { shape: [] }],
      attributes: {},
    })),
  });
}

const SGD_BUFFERS = { w: output, g: input(1), learning_rate: input(2) };

const sgd = defineUpdate("sgd_update", {
  webgpu: ({ length, elem, grid }) =>
    launch("sgd_update", { aliases: { elem }, buffers: SGD_BUFFERS, params: { length }, grid }),
  wasm: ({ length, units }) =>
    launchWasm("sgd_update", { buffers: SGD_BUFFERS, params: { length }, units }),
  reference: (w, g, rate) => w.map((v, i) => v - rate * g[i]),
});

/** w -= learningRate * g, in place; returns the new w. */
export function sgdUpdate(w: Tensor, g: Tensor, learningRate: Tensor): Tensor {
  return sgd([w, g, learningRate], {});
}

const MOMENTUM_BUFFERS = { velocity: output, g: input(1), momentum: input(2) };

const momentumOp = defineUpdate("momentum_update", {
  webgpu: ({ length, elem, grid }) =>
    launch("momentum_update", {
      aliases: { elem },
      buffers: MOMENTUM_BUFFERS,
      params: { length },
      grid,
    }),
  wasm: ({ length, units }) =>
    launchWasm("momentum_update", { buffers: MOMENTUM_BUFFERS, params: { length }, units }),
  reference: (velocity, g, momentum) => velocity.map((v, i) => momentum * v + g[i]),
});

/** velocity = momentum * velocity + g, in place; returns the new velocity (Polyak 1964; step along it with `sgdUpdate`). */
export function momentumUpdate(velocity: Tensor, g: Tensor, momentum: Tensor): Tensor {
  return momentumOp([velocity, g, momentum], {});
}

const EMA_BUFFERS = { shadow: output, x: input(1), decay: input(2) };

const ema = defineUpdate("ema_update", {
  webgpu: ({ length, elem, grid }) =>
    launch("ema_update", { aliases: { elem }, buffers: EMA_BUFFERS, params: { length }, grid }),
  wasm: ({ length, units }) =>
    launchWasm("ema_update", { buffers: EMA_BUFFERS, params: { length }, units }),
  reference: (shadow, x, decay) => shadow.map((s, i) => s - (1 - decay) * (s - x[i])),
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
