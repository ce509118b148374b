/** Locally connected layers: with the same filters everywhere a convolution; errors. */
import assert from "node:assert/strict";
import {
  broadcastTo,
  conv2d,
  exp,
  grad,
  locallyConnected2d,
  multiply,
  reshape,
  scale,
  sum,
} from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, placeholder } from "../../src/tensor/tensor.ts";
import { assertClose, fillSample, testDevices, testRandom } from "../support.ts";

Deno.test("locallyConnected2d with one set of filters for all positions is conv2d", async () => {
  const random = testRandom(5);
  const of = (...shape: number[]) => constant(fillSample(shape, "uniform", random).data, shape);
  for (const padding of ["same", "valid"] as const) {
    const x = of(9, 6, 5, 12), w = of(3, 3, 12, 20), bias = of(20);
    const shared = conv2d(x, w, { bias, activation: "relu", padding });
    const positions = shared.shape[1] * shared.shape[2];
    const own = locallyConnected2d(x, broadcastTo(reshape(w, [108, 20]), [positions, 108, 20]), {
      size: [3, 3],
      bias: broadcastTo(bias, [positions, 20]),
      activation: "relu",
      padding,
    });
    for (const { name, device } of await testDevices()) {
      using state = new VariableState(device);
      using plan = await compile(state, { outputs: { shared, own } });
      plan.run();
      assertClose(await plan.read("own"), await plan.read("shared"), 1e-5, `${name}, ${padding}`);
    }
  }
});

Deno.test("locallyConnected2d: taps outside the image get zeros, whatever the memory held before", async () => {
  const random = testRandom(6);
  const of = (...shape: number[]) => constant(fillSample(shape, "positive", random).data, shape);
  const x = of(3, 4, 3, 5), w = of(12, 45, 6);
  // Of the size of the gradient, and no longer needed when that is made.
  const before = sum(exp(of(12, 45, 6)));
  const y = locallyConnected2d(x, w, { size: [3, 3] });
  const after = scale(grad(sum(multiply(y, of(3, 4, 3, 6))), [w])[0], 2);
  const [, expected] = evaluateReference([before, after]);
  for (const { name, device } of await testDevices()) {
    using state = new VariableState(device);
    using plan = await compile(state, { outputs: { before, after } });
    plan.run();
    assertClose(await plan.read("after"), expected, 1e-5, name);
  }
});

Deno.test("locallyConnected2d: filters and biases that do not fit are errors", () => {
  const x = placeholder("x", [2, 6, 6, 4]);
  const of = (...shape: number[]) => placeholder("w", shape);
  assert.throws(
    () => locallyConnected2d(x, of(36, 35, 8), { size: [3, 3] }),
    /Cannot apply locally_connected2d as filters must be \[OH OW, KH KW C, O\]: .* \[36, 35, 8\] and \[36, 36, 8\]/,
  );
  assert.throws(
    () => locallyConnected2d(x, of(36, 36, 8), { size: [3, 3], bias: of(8) }),
    /there must be one bias a position and filter: .* \[8\] and \[36, 36, 8\]/,
  );
});
