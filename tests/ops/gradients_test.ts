/**
 * Every differentiable op sample in float64: its vjp, for a random upstream gradient and one random
 * direction, against central differences of the reference.
 */
import assert from "node:assert/strict";
import "../../src/ops/mod.ts";
import { grad } from "../../src/ops/grad.ts";
import { multiply } from "../../src/ops/elementwise.ts";
import { sum } from "../../src/ops/reduce.ts";
import { definedOps } from "../../src/tensor/op.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { placeholder, type Tensor } from "../../src/tensor/tensor.ts";
import { fillSample, testRandom } from "../support.ts";

/** Inputs that by definition have no gradient, by the node's name: the output of a (leaky) ReLU in its own gradient, data, and given moments. */
const NO_GRADIENT: Readonly<Record<string, readonly number[]>> = {
  reluGrad: [0],
  leakyReluGrad: [0],
  soft_cross_entropy: [1],
  normalize_channels: [3],
};

/** Half the step of the difference: small, so that no sample's ReLU crosses its kink. */
const STEP = 1e-6;

for (const op of definedOps.filter((op) => op.differentiable)) {
  Deno.test(`${op.opName}: vjp equals central differences`, () => {
    let checked = 0;
    for (const [i, sample] of op.cases().entries()) {
      const random = testRandom(i + 201);
      const feeds = new Map<Tensor, ArrayLike<number>>();
      const inputs = sample.inputs.map(({ shape, fill }, j) => {
        const { data, dtype } = fillSample(shape, fill, random);
        const node = placeholder(`x${j}`, shape, dtype);
        feeds.set(node, Float64Array.from(data));
        return node;
      });
      const y = sample.build(inputs);
      const upstream = placeholder("upstream", y.shape);
      const upstreamSize = evaluateReference([y], feeds)[0].length;
      feeds.set(upstream, Float64Array.from({ length: upstreamSize }, () => random() * 2 - 1));
      const loss = sum(multiply(y, upstream));
      for (const [j, x] of inputs.entries()) {
        if (x.dtype !== "f32") continue;
        if (NO_GRADIENT[y.name]?.includes(j)) {
          assert.throws(() => grad(loss, [x]), /does not depend on it/);
          continue;
        }
        const [gradient] = grad(loss, [x]);
        checked++;
        const center = Float64Array.from(feeds.get(x)!);
        const direction = center.map(() => random() * 2 - 1);
        const analytic = dot(evaluateReference([gradient], feeds)[0], direction);
        const at = (h: number) => {
          const moved = new Map(feeds).set(x, center.map((v, k) => v + h * direction[k]));
          return evaluateReference([loss], moved)[0][0];
        };
        const numeric = (at(STEP) - at(-STEP)) / (2 * STEP);
        const scale = Math.max(1, Math.abs(analytic), Math.abs(numeric));
        assert.ok(
          Math.abs(analytic - numeric) / scale < 1e-6,
          `${sample.title}, ${x.name}: vjp ${analytic}, differences ${numeric}`,
        );
      }
    }
    assert.ok(checked > 0, "no gradient was checked");
  });
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}
