import { foldGrid, input, type Launch, type Operand, output } from "../engine/launch.ts";
import { defineOp } from "../tensor/op.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { bytesOfShapes, checkInputs, checkRank, checkShapes } from "./check.ts";
import { checkClasses, rowsAndClasses, WASM_ROWS } from "./softmax.ts";

const NAME = "soft_cross_entropy";
const GRAD_NAME = "soft_cross_entropy_grad";
const SHAPES = [[1, 1], [7, 10], [67, 13], [128, 10]] as const;

/** Logits and targets of one shape; returns the number of rows. */
function checkPair(op: string, logits: Tensor, targets: Tensor): number {
  const [rows] = checkRank(op, "the logits", logits, 2);
  const same = targets.shape.length === 2 && targets.shape.every((n, i) => n === logits.shape[i]);
  checkShapes(op, "there must be one target a logit", same, logits.shape, targets.shape);
  return rows;
}

function launchSoft(x: Tensor, kind: 0 | 1, dy: Operand): Launch {
  const [rows, classes] = rowsAndClasses(x);
  return launch("soft_cross_entropy", {
    buffers: { logits: input(0), targets: input(1), dy, y: output },
    overrides: { OUTPUT: kind },
    params: { rows, classes },
    grid: foldGrid(Math.ceil(rows / 64)),
  });
}

function launchSoftWasm(x: Tensor, kind: 0 | 1, dy: Operand): Launch {
  const [rows, classes] = rowsAndClasses(x);
  return launchWasm("soft_cross_entropy", {
    buffers: { logits: input(0), targets: input(1), dy, y: output },
    params: { rows, classes, output: kind },
    units: Math.ceil(rows / WASM_ROWS),
  });
}

const softCrossEntropyOp = defineOp<Record<string, never>>({
  name: NAME,
  shape(inputs) {
    checkInputs(NAME, inputs, ["f32", "f32"]);
    return { shape: [checkPair(NAME, inputs[0], inputs[1])] };
  },
  launches: {
    webgpu({ inputs: [x], kind }) {
      checkClasses(NAME, kind, 3, x);
      // dy is not read here: any buffer serves.
      return { launches: [launchSoft(x, 0, input(0))] };
    },
    wasm: ({ inputs: [x] }) => ({ launches: [launchSoftWasm(x, 0, input(0))] }),
  },
  vjp: (
    { inputs: [logits, targets], dy },
  ) => [softCrossEntropyGrad([logits, targets, dy], {}), null],
  reference({ inputs: [x] }, [logits, targets]) {
    const [rows, classes] = rowsAndClasses(x);
    return new Float64Array(rows).map((_, row) => {
      const z = logits.subarray(row * classes, (row + 1) * classes);
      const level = logSumExp(z);
      return z.reduce((loss, v, c) => loss + targets[row * classes + c] * (level - v), 0);
    });
  },
  cost: ({ inputs: [x], output: { shape } }) => ({
    flops: 7 * sizeOf(x.shape),
    bytes: bytesOfShapes(x.shape, x.shape, shape),
  }),
  samples: SHAPES.map((shape) => ({
    inputs: [{ shape }, { shape, fill: "positive" as const }],
    attributes: {},
  })),
});

const softCrossEntropyGrad = defineOp<Record<string, never>>({
  name: GRAD_NAME,
  shape(inputs) {
    checkInputs(GRAD_NAME, inputs, ["f32", "f32", "f32"]);
    checkPair(GRAD_NAME, inputs[0], inputs[1]);
    return { shape: inputs[0].shape };
  },
  launches: {
    webgpu({ inputs: [x], kind }) {
      checkClasses(GRAD_NAME, kind, 3, x);
      return { launches: [launchSoft(x, 1, input(2))] };
    },
    wasm: ({ inputs: [x] }) => ({ launches: [launchSoftWasm(x, 1, input(2))] }),
  },
  reference({ inputs: [x] }, [logits, targets, dy]) {
    const [rows, classes] = rowsAndClasses(x);
    const dx = new Float64Array(rows * classes);
    for (let row = 0; row < rows; row++) {
      const z = logits.subarray(row * classes, (row + 1) * classes);
      const t = targets.subarray(row * classes, (row + 1) * classes);
      const level = logSumExp(z);
      const weight = t.reduce((a, b) => a + b, 0);
      dx.set(z.map((v, c) => (Math.exp(v - level) * weight - t[c]) * dy[row]), row * classes);
    }
    return dx;
  },
  cost: ({ output: { shape } }) => ({
    flops: 8 * sizeOf(shape),
    bytes: bytesOfShapes(shape, shape, shape),
  }),
  samples: SHAPES.map((shape) => ({
    inputs: [{ shape }, { shape, fill: "positive" as const }, { shape: [shape[0]] }],
    attributes: {},
  })),
});

/** log(sum(exp(z))), in float64. */
function logSumExp(z: Float64Array): number {
  // A spread of very many classes does not fit the stack.
  const top = z.reduce((a, b) => Math.max(a, b));
  return top + Math.log(z.reduce((sum, v) => sum + Math.exp(v - top), 0));
}

/**
 * sum_c targets[c] * -log softmax(logits)[c] for each row: both [N, classes]; returns [N]. Targets are data:
 * they have no gradient, and need not sum to 1.
 */
export function softCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return softCrossEntropyOp([logits, targets], {});
}
