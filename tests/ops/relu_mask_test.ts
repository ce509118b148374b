/**
 * ReLU gradients that are folded into another op's pass (`masked` of an op's literal): on every engine and
 * family of kernels against central differences of the loss, which no folding can touch.
 */
import assert from "node:assert/strict";
import {
  add,
  addActivation,
  avgPool2d,
  grad,
  localResponseNormalization,
  maximum,
  maxPool2d,
  multiply,
  relu,
  spatialResponseNormalization,
  sum,
} from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { sizeOf } from "../../src/tensor/shape.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, type Tensor } from "../../src/tensor/tensor.ts";
import { assertClose, testDevices, testRandom } from "../support.ts";

const LRN = { radius: 1, bias: 1, alpha: 0.3, beta: 0.75 };
const OVERLAPPING = { size: [3, 3], strides: [2, 2], padding: "same" } as const;
const WHOLE = { size: [2, 2], strides: [2, 2], padding: "valid" } as const;

const pool = (x: Tensor) => maxPool2d(x, OVERLAPPING);
const spatial = (x: Tensor) => spatialResponseNormalization(x, { size: 3, scale: 3, power: 0.75 });
const normalize = (x: Tensor) => localResponseNormalization(x, LRN);

/** Each makes tensors of two images; their sum, weighted at random, is the loss. */
const CASES: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor[]>> = {
  "max pooling of relu": (a) => [pool(relu(a))],
  "max pooling of relu of the larger": (a, b) => [pool(relu(maximum(a, b)))],
  "max pooling of the larger": (a, b) => [pool(maximum(a, b))],
  "max pooling of relu of relu": (a) => [pool(relu(relu(a)))],
  "max pooling of relu of max pooling of relu": (a) => [maxPool2d(relu(pool(relu(a))), WHOLE)],
  "average pooling of relu": (a) => [avgPool2d(relu(a), OVERLAPPING)],
  "normalized relu": (a) => [normalize(relu(a))],
  "normalized relu of the larger": (a, b) => [normalize(relu(maximum(a, b)))],
  "normalized relu of relu": (a) => [normalize(relu(relu(a)))],
  "relu normalized over pixels": (a) => [spatial(relu(a))],
  "relu normalized over pixels and pooled": (a) => [spatial(relu(a)), pool(relu(a))],
  "relu of a sum in one pass": (a, b) => [addActivation(normalize(relu(a)), b)],
  "max pooling of a relu of a sum in one pass": (a, b) => [pool(addActivation(a, b))],
  "normalized larger": (a, b) => [normalize(maximum(a, b))],
  "relu of normalized relu": (a) => [relu(normalize(relu(a)))],
  "max pooling of normalized relu": (a) => [pool(normalize(relu(a)))],
  "normalized max pooling of relu": (a) => [normalize(pool(relu(a)))],
  "one relu, pooled twice"(a) {
    const y = relu(a);
    return [pool(y), maxPool2d(y, WHOLE)];
  },
  "one relu, pooled and normalized"(a) {
    const y = relu(a);
    return [pool(y), normalize(y)];
  },
  "one relu, pooled and as it is"(a) {
    const y = relu(a);
    return [pool(y), y];
  },
  "a relu's output, pooled, and its input"(a) {
    return [pool(relu(a)), normalize(a)];
  },
  "two relus of one image, pooled together"(a, b) {
    return [pool(add(relu(a), relu(maximum(a, b)))), normalize(relu(a))];
  },
};

/** Half the step of the difference: small, so that no sample crosses a kink. */
const STEP = 1e-6;

for (const [name, build] of Object.entries(CASES)) {
  Deno.test(`${name}: gradients equal central differences`, async () => {
    for (const channels of [3, 4]) {
      for (const values of ["mixed", "negative"]) {
        const random = testRandom(channels);
        const image = () => {
          const size = 5 * 5 * channels;
          const data = Float32Array.from({ length: size }, () => random() * 2 - 1);
          if (values === "negative") data.forEach((v, i) => data[i] = -Math.abs(v));
          return constant(data, [1, 5, 5, channels]);
        };
        const inputs = [image(), image()];
        const loss = build(inputs[0], inputs[1])
          .map((y) => {
            const w = Float32Array.from({ length: sizeOf(y.shape) }, () => random() + 0.5);
            return sum(multiply(y, constant(w, y.shape)));
          })
          .reduce(add);
        const used = inputs.filter((x) => dependsOn(loss, x));
        const gradients = grad(loss, used);
        const expected = used.map((x) => centralDifferences(loss, x));
        const what = `${channels} channels, ${values}`;
        if (values === "negative" && /relu/.test(name) && !/its input$/.test(name)) {
          for (const g of expected) assert.ok(g.every((v) => v === 0), `${what}: not zero`);
        }
        for (const [i, g] of evaluateReference(gradients).entries()) {
          assertClose(g, expected[i], 2e-5, `reference, ${what}, input ${i}`);
        }
        for (const { name: engine, device } of await testDevices()) {
          using state = new VariableState(device);
          using plan = await compile(state, { outputs: Object.fromEntries(gradients.entries()) });
          plan.run();
          for (const [i, g] of expected.entries()) {
            assertClose(await plan.read(`${i}`), g, 2e-5, `${engine}, ${what}, input ${i}`);
          }
        }
      }
    }
  });
}

function centralDifferences(loss: Tensor, x: Tensor): Float64Array {
  if (x.source?.kind !== "constant") throw new TypeError(`Cannot move ${x.name}`);
  const center = Float64Array.from(x.source.data);
  const at = (i: number, h: number) =>
    evaluateReference([loss], new Map([[x, center.with(i, center[i] + h)]]))[0][0];
  return center.map((_, i) => (at(i, STEP) - at(i, -STEP)) / (2 * STEP));
}

function dependsOn(node: Tensor, x: Tensor): boolean {
  return node === x || node.inputs.some((input) => dependsOn(input, x));
}
