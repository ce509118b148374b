/** A NaN reaches the end of every op that models are made of, so that a diverged run is noticed. */
import assert from "node:assert/strict";
import {
  addActivation,
  batchNorm,
  conv2d,
  dropout,
  gelu,
  globalAveragePool,
  grad,
  l2Loss,
  leakyRelu,
  locallyConnected2d,
  localResponseNormalization,
  matmul,
  maxPool2d,
  mean,
  multiply,
  relu,
  softCrossEntropy,
  softmaxCrossEntropy,
  spatialResponseNormalization,
  standardizeImages,
  sum,
} from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, type Tensor } from "../../src/tensor/tensor.ts";
import { testDevices } from "../support.ts";

const LRN = { radius: 4, bias: 1, alpha: 0.1, beta: 0.75 };
const POOL = { size: [3, 3], strides: [2, 2], padding: "same" } as const;
const image = (values: Float32Array) => constant(values, [1, 5, 5, 8]);
/** A step whose dropout leaves all places that the tests look at. */
const STAYING = 2;
const ones = (size: number) => new Float32Array(size).fill(1);

/** Each makes one number of 200 values. */
const CASES: Readonly<Record<string, (values: Float32Array) => Tensor>> = {
  relu: (x) => relu(image(x)),
  "leaky relu": (x) => leakyRelu(image(x), 0.1),
  gelu: (x) => gelu(image(x)),
  "the gradient of gelu"(x) {
    const input = image(x);
    return grad(sum(gelu(input)), [input])[0];
  },
  "relu of a sum": (x) => addActivation(image(x), image(ones(200))),
  dropout: (x) => dropout(image(x), 0.1, constant(Uint32Array.of(STAYING), [1])),
  "locally connected layer": (x) =>
    locallyConnected2d(image(x), constant(ones(25 * 72 * 3), [25, 72, 3]), {
      size: [3, 3],
      activation: "relu",
    }),
  "normalization over pixels": (x) =>
    spatialResponseNormalization(image(x), { size: 3, scale: 1, power: 0.75 }),
  "global average pooling": (x) => globalAveragePool(image(x)),
  mean: (x) => mean(image(x)),
  "max pooling": (x) => maxPool2d(image(x), POOL),
  "local response normalization": (x) => localResponseNormalization(image(x), LRN),
  "convolution and ReLU": (x) =>
    conv2d(image(x), constant(ones(9 * 8 * 4), [3, 3, 8, 4]), { activation: "relu" }),
  "matrix product and ReLU": (x) =>
    matmul(constant(x, [20, 10]), constant(ones(50), [10, 5]), { activation: "relu" }),
  "cross-entropy": (x) =>
    softmaxCrossEntropy(constant(x, [20, 10]), constant(new Uint32Array(20), [20])),
  "cross-entropy with targets": (x) =>
    softCrossEntropy(constant(x, [20, 10]), constant(ones(200), [20, 10])),
  "targets of a cross-entropy": (x) =>
    softCrossEntropy(constant(ones(200), [20, 10]), constant(x, [20, 10])),
  "the norm of a gradient": (x) => l2Loss(constant(x, [200]), 2),
  "batch normalization and ReLU": (x) =>
    batchNorm(image(x), constant(ones(8), [8]), constant(ones(8), [8]), { slope: 0 }).y,
  "its gradient"(x) {
    const input = image(x), gamma = constant(ones(8), [8]);
    const y = batchNorm(input, gamma, gamma, { slope: 0 }).y;
    return grad(sum(multiply(y, y)), [input])[0];
  },
  standardization: (x) => standardizeImages(image(x)),
  "gradients of ReLU, pooling and normalization": (x) => {
    const input = image(x);
    const y = localResponseNormalization(maxPool2d(relu(input), POOL), LRN);
    return grad(sum(y), [input])[0];
  },
};

for (const [name, build] of Object.entries(CASES)) {
  Deno.test(`${name}: NaN goes through, wherever it stands`, async () => {
    for (const { name: engine, device } of await testDevices()) {
      using state = new VariableState(device);
      for (const place of [0, 7, 100, 199]) {
        const values = new Float32Array(200).fill(0.5);
        values[place] = NaN;
        using plan = await compile(state, { outputs: { y: build(values) } });
        plan.run();
        const y = await plan.read("y");
        assert.ok(y.some(Number.isNaN), `${engine}: the NaN at ${place} is lost`);
      }
    }
  });
}
