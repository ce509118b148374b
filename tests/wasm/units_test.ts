/** Shapes that make many work units, which the ops' own samples are too small for. */
import assert from "node:assert/strict";
import {
  add,
  avgPool2d,
  broadcastTo,
  concatenate,
  conv2d,
  grad,
  locallyConnected2d,
  localResponseNormalization,
  maxPool2d,
  multiply,
  pad,
  relu,
  scale,
  softmax,
  sum,
  tanh,
  transpose,
} from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { type Shape, sizeOf } from "../../src/tensor/shape.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, type Tensor } from "../../src/tensor/tensor.ts";
import { relativeError, testCpu, testRandom } from "../support.ts";

const random = testRandom(7);
const values = (shape: Shape): Tensor =>
  constant(Float32Array.from({ length: sizeOf(shape) }, () => random() * 2 - 1), shape);

const POOL = { size: [3, 3], strides: [2, 2], padding: "same" } as const;
const LRN = { radius: 4, bias: 1, alpha: 0.1, beta: 0.75 };

function pooledGradient(): Tensor {
  const x = values([5, 23, 24, 20]);
  return grad(sum(multiply(maxPool2d(relu(x), POOL), values([5, 12, 12, 20]))), [x])[0];
}

function filterGradient(image: Shape, size: number, o: number): Tensor {
  const w = values([size, size, image[3], o]);
  const y = conv2d(values(image), w);
  return grad(sum(multiply(y, values(y.shape))), [w])[0];
}

const CASES: Readonly<Record<string, () => Tensor>> = {
  "affine over 18 blocks": () => scale(values([70_001]), 3),
  "tanh over 3 blocks": () => tanh(values([10_001])),
  "sum of equal shapes": () => add(values([3, 70, 101]), values([3, 70, 101])),
  "broadcast rows and columns": () => multiply(values([30, 7, 101]), values([7, 1])),
  "broadcast the last axis": () => add(values([90, 101]), values([101])),
  "sum over the first axis": () => sum(values([700, 1301]), { from: 0, to: 1 }),
  "sum over the middle axis": () => sum(values([3, 500, 67]), { from: 1, to: 2 }),
  "sum over the last axis": () => sum(values([61, 2003]), { from: 1, to: 2 }),
  "transpose": () => transpose(values([131, 75])),
  "permute four axes": () => transpose(values([5, 19, 21, 6]), [0, 2, 3, 1]),
  "broadcast to four axes": () => broadcastTo(values([19, 1, 3]), [4, 19, 33, 3]),
  "pad": () => pad(values([20, 30, 5]), [[1, 2], [-3, 4], [3, -1]]),
  "concatenate": () => concatenate([values([3, 9001]), values([3, 41])], 1),
  "softmax": () => softmax(values([200, 11])),
  "normalization": () => localResponseNormalization(values([301, 66]), LRN),
  "gradient of normalization": () => {
    const x = values([301, 64]);
    return grad(sum(multiply(localResponseNormalization(x, LRN), values([301, 64]))), [x])[0];
  },
  "max pooling": () => maxPool2d(values([5, 23, 24, 20]), POOL),
  "gradient of max pooling after a ReLU": pooledGradient,
  "locally connected filters' gradient in two runs of images": () => {
    const w = values([4, 4 * 60, 70]);
    const y = locallyConnected2d(values([300, 2, 2, 60]), w, { size: [2, 2] });
    return grad(sum(multiply(y, values(y.shape))), [w])[0];
  },
  "locally connected layer of many numbers": () =>
    locallyConnected2d(values([8, 2, 2, 4500]), values([4, 4 * 4500, 9]), { size: [2, 2] }),
  "locally connected layer of many channels' gradient": () => {
    const x = values([7, 2, 2, 9]);
    const y = locallyConnected2d(x, values([4, 4 * 9, 4500]), { size: [2, 2] });
    return grad(sum(multiply(y, values(y.shape))), [x])[0];
  },
  "3x3 filters' gradient in blocks of channels and two runs of tiles": () =>
    filterGradient([60, 3, 3, 132], 3, 260),
  "3x3 filters' gradient in parts of two runs of tiles": () =>
    filterGradient([530, 8, 8, 12], 3, 12),
  "5x5 filters' gradient in blocks of channels and two parts": () =>
    filterGradient([7, 8, 8, 68], 5, 148),
  "3x3 convolution of groups of output channels in many units": () =>
    conv2d(values([20, 7, 9, 68]), values([3, 3, 68, 140]), { activation: "relu" }),
  "average pooling": () => avgPool2d(values([5, 23, 24, 20]), POOL),
};

for (const [name, build] of Object.entries(CASES)) {
  Deno.test(`${name}: many units equal the float64 reference`, async () => {
    using state = new VariableState(await testCpu());
    const node = build();
    const [expected] = evaluateReference([node]);
    using plan = await compile(state, { outputs: { y: node } });
    plan.run();
    const error = relativeError(await plan.read("y"), expected);
    assert.ok(error <= 1e-5, `relative error ${error}`);
  });
}

Deno.test("the ReLU before a max pooling costs no launch of its own on the way back", async () => {
  using state = new VariableState(await testCpu());
  using plan = await compile(state, { outputs: { dx: pooledGradient() } });
  assert.equal(plan.summary.labels.filter((label) => label.startsWith("binary")).length, 0);
});
