import { type AdapterKind, foldGrid, input, type LaunchList, output } from "../engine/launch.ts";
import { defineOp } from "../tensor/op.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import {
  bytesOfShapes,
  checkInputs,
  checkInteger,
  checkRank,
  checkShapes,
  checkTrips,
  rolledTrips,
} from "./check.ts";
import { multiply, subtract } from "./elementwise.ts";
import { sum } from "./reduce.ts";
import { reshape } from "./layout.ts";

const SHAPES = [[1, 1], [7, 10], [67, 13], [128, 10]] as const;

/** The axes of logits. */
export function rowsAndClasses(x: Tensor): [number, number] {
  const [rows, classes] = x.shape;
  return [rows, classes];
}

/** Rows of a unit on the CPU: ROWS of src/wasm/assembly/softmax.ts. */
export const WASM_ROWS = 16;

/** Classes that the WebGPU kernels take a trip: TERMS of their shaders. */
const TERMS = 4;

/** Checks the trips of a kernel that goes over the classes `passes` times. */
export function checkClasses(op: string, kind: AdapterKind, passes: number, logits: Tensor): void {
  const trips = passes * rolledTrips(Math.ceil(logits.shape[1] / TERMS));
  checkTrips(op, trips, kind, logits.shape);
}

/** What each output of the CPU kernel reads beside the logits: labels from 1 on, dy only for 2. */
function softmaxWasm(x: Tensor, kind: 0 | 1 | 2): LaunchList {
  const [rows, classes] = rowsAndClasses(x);
  const [labels, dy] = [input(Math.min(kind, 1)), input(kind === 2 ? 2 : 0)];
  return {
    launches: [launchWasm("softmax", {
      buffers: { logits: input(0), labels, dy, y: output },
      params: { rows, classes, output: kind },
      units: Math.ceil(rows / WASM_ROWS),
    })],
  };
}

/** Softmax of each row, in float64. */
export function softmaxRows(logits: Float64Array, classes: number): Float64Array {
  const y = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    // A spread of very many classes does not fit the stack.
    const top = row.reduce((a, b) => Math.max(a, b));
    const e = row.map((z) => Math.exp(z - top));
    const total = e.reduce((a, b) => a + b, 0);
    y.set(e.map((v) => v / total), start);
  }
  return y;
}

const softmaxOp = defineOp<Record<string, never>>({
  name: "softmax",
  shape([x, ...rest]) {
    checkInputs("softmax", [x, ...rest], ["f32"]);
    return { shape: checkRank("softmax", "the logits", x, 2) };
  },
  launches: {
    webgpu({ inputs: [x], kind }) {
      checkClasses("softmax", kind, 3, x);
      const [rows, classes] = rowsAndClasses(x);
      return {
        launches: [launch("softmax", {
          // Labels and dy are not read here: any buffer serves.
          buffers: { logits: input(0), labels: input(0), dy: input(0), y: output },
          overrides: { OUTPUT: 0 },
          params: { rows, classes },
          grid: foldGrid(Math.ceil(rows / 64)),
        })],
      };
    },
    wasm: ({ inputs: [x] }) => softmaxWasm(x, 0),
  },
  vjp({ output: y, dy }) {
    const weighted = multiply(dy, y);
    const total = reshape(sum(weighted, { from: 1, to: 2 }), [y.shape[0], 1]);
    return [subtract(weighted, multiply(y, total))];
  },
  reference: ({ inputs: [x] }, [logits]) => softmaxRows(logits, x.shape[1]),
  cost: ({ output: { shape } }) => ({
    flops: 5 * sizeOf(shape),
    bytes: bytesOfShapes(shape, shape),
  }),
  samples: SHAPES.map((shape) => ({ inputs: [{ shape }], attributes: {} })),
});

/** exp(x) / sum(exp(x)) over the last axis of x [N, classes]. */
export function softmax(x: Tensor): Tensor {
  return softmaxOp([x], {});
}

const crossEntropy = defineOp<Record<string, never>>({
  name: "softmax_cross_entropy",
  shape([logits, labels, ...rest]) {
    checkInputs("softmax_cross_entropy", [logits, labels, ...rest], ["f32", "u32"]);
    const [rows] = checkRank("softmax_cross_entropy", "the logits", logits, 2);
    const same = labels.shape.length === 1 && labels.shape[0] === rows;
    checkShapes(
      "softmax_cross_entropy",
      "there must be one label a row",
      same,
      logits.shape,
      labels.shape,
    );
    return { shape: [rows] };
  },
  launches: {
    webgpu({ inputs: [logits], kind }) {
      checkClasses("softmax_cross_entropy", kind, 2, logits);
      const [rows, classes] = rowsAndClasses(logits);
      return {
        launches: [launch("softmax", {
          buffers: { logits: input(0), labels: input(1), dy: input(0), y: output },
          overrides: { OUTPUT: 1 },
          params: { rows, classes },
          grid: foldGrid(Math.ceil(rows / 64)),
        })],
      };
    },
    wasm: ({ inputs: [logits] }) => softmaxWasm(logits, 1),
  },
  vjp: ({ inputs: [logits, labels], dy }) => [crossEntropyGrad([logits, labels, dy], {}), null],
  reference({ inputs: [x] }, [logits, labels]) {
    const classes = x.shape[1];
    const probability = softmaxRows(logits, classes);
    return labels.map((label, row) => -Math.log(probability[row * classes + label]));
  },
  cost: ({ inputs: [x], output: { shape } }) => ({
    flops: 4 * sizeOf(x.shape),
    bytes: bytesOfShapes(x.shape, shape, shape),
  }),
  samples: SHAPES.map((shape) => ({
    inputs: [{ shape }, { shape: [shape[0]], fill: { below: shape[1] } }],
    attributes: {},
  })),
});

const crossEntropyGrad = defineOp<Record<string, never>>({
  name: "softmax_cross_entropy_grad",
  shape([logits, labels, dy, ...rest]) {
    checkInputs("softmax_cross_entropy_grad", [logits, labels, dy, ...rest], ["f32", "u32", "f32"]);
    return { shape: logits.shape };
  },
  launches: {
    webgpu({ inputs: [logits], kind }) {
      checkClasses("softmax_cross_entropy_grad", kind, 3, logits);
      const [rows, classes] = rowsAndClasses(logits);
      return {
        launches: [launch("softmax", {
          buffers: { logits: input(0), labels: input(1), dy: input(2), y: output },
          overrides: { OUTPUT: 2 },
          params: { rows, classes },
          grid: foldGrid(Math.ceil(rows / 64)),
        })],
      };
    },
    wasm: ({ inputs: [logits] }) => softmaxWasm(logits, 2),
  },
  reference({ inputs: [x] }, [logits, labels, dy]) {
    const classes = x.shape[1];
    return softmaxRows(logits, classes).map((p, i) => {
      const row = Math.floor(i / classes);
      return (p - (labels[row] === i % classes ? 1 : 0)) * dy[row];
    });
  },
  cost: ({ output: { shape } }) => ({
    flops: 6 * sizeOf(shape),
    bytes: bytesOfShapes(shape, shape),
  }),
  samples: SHAPES.map((shape) => ({
    inputs: [{ shape }, { shape: [shape[0]], fill: { below: shape[1] } }, { shape: [shape[0]] }],
    attributes: {},
  })),
});

/**
 * -log softmax(logits)[label] for each row: logits [N, classes], labels [N] u32; returns [N].
 * A label that is no class gives NaN.
 */
export function softmaxCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  return crossEntropy([logits, labels], {});
}

const topK = defineOp<{ readonly k: number }>({
  name: "in_top_k",
  shape([logits, labels, ...rest], { k }) {
    checkInputs("in_top_k", [logits, labels, ...rest], ["f32", "u32"]);
    checkInteger("in_top_k", "k", k, 1);
    const [rows] = checkRank("in_top_k", "the logits", logits, 2);
    return { shape: [rows] };
  },
  launches: {
    webgpu({ inputs: [logits], attributes: { k }, kind }) {
      checkClasses("in_top_k", kind, 1, logits);
      const [rows, classes] = rowsAndClasses(logits);
      return {
        launches: [launch("in_top_k", {
          buffers: { logits: input(0), labels: input(1), y: output },
          params: { rows, classes, k },
          grid: foldGrid(Math.ceil(rows / 64)),
        })],
      };
    },
    wasm({ inputs: [logits], attributes: { k } }) {
      const [rows, classes] = rowsAndClasses(logits);
      return {
        launches: [launchWasm("in_top_k", {
          buffers: { logits: input(0), labels: input(1), y: output },
          params: { rows, classes, k },
          units: Math.ceil(rows / WASM_ROWS),
        })],
      };
    },
  },
  reference({ inputs: [x], attributes: { k } }, [logits, labels]) {
    const classes = x.shape[1];
    return labels.map((label, row) => {
      const scores = logits.subarray(row * classes, (row + 1) * classes);
      const above = scores.filter((z) => z > scores[label]).length;
      return Number.isFinite(scores[label]) && above < k ? 1 : 0;
    });
  },
  cost: ({ inputs: [x], output: { shape } }) => ({
    flops: sizeOf(x.shape),
    bytes: bytesOfShapes(x.shape, shape),
  }),
  samples: [1, 3].map((k) => ({
    inputs: [{ shape: [67, 10], fill: "quarters" as const }, { shape: [67], fill: { below: 10 } }],
    attributes: { k },
  })),
});

/** 1 where the label is among the k largest logits, else 0: logits [N, classes], labels [N]; returns [N]. */
export function inTopK(logits: Tensor, labels: Tensor, k: number): Tensor {
  return topK([logits, labels], { k });
}
