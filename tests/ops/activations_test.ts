/** Activations: GELU and its gradient over the whole range of their argument, slopes that make no sense. */
import assert from "node:assert/strict";
import { gelu, grad, leakyRelu, relu, sum } from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant } from "../../src/tensor/tensor.ts";
import { normalDensity, normalDistribution } from "../../src/util/normal.ts";
import { testDevices } from "../support.ts";

Deno.test("the normal distribution equals tables", () => {
  // Abramowitz and Stegun, table 26.1; NIST's digits of the tail.
  for (
    const [x, expected] of [
      [0, 0.5],
      [1, 0.841344746068543],
      [-2, 0.022750131948179],
      [3, 0.998650101968370],
      [-5, 2.866515718792e-7],
      [40, 1],
    ]
  ) assert.ok(Math.abs(normalDistribution(x) - expected) < 1e-15, `${x}: ${normalDistribution(x)}`);
});

Deno.test("gelu and its gradient are within 3e-7 of the exact ones, from -12 to 12 and far out", async () => {
  const values = Float32Array.from({ length: 24_004 }, (_, i) => (i - 12_002) / 1000);
  values.set([-1e6, 1e6, -30, 30], 0);
  const x = constant(values, [values.length]);
  const y = gelu(x);
  const [dx] = grad(sum(y), [x]);
  for (const { name, device } of await testDevices()) {
    using state = new VariableState(device);
    using plan = await compile(state, { outputs: { y, dx } });
    plan.run();
    const [actual, slope] = [await plan.read("y"), await plan.read("dx")];
    values.forEach((v, i) => {
      const phi = normalDistribution(v);
      const error = Math.abs(actual[i] - v * phi) / Math.max(1, Math.abs(v));
      assert.ok(error < 3e-7, `${name}: gelu(${v}) is ${actual[i]}, not ${v * phi}`);
      const expected = phi + v * normalDensity(v);
      const off = Math.abs(slope[i] - expected);
      assert.ok(off < 3e-7, `${name}: the slope at ${v} is ${slope[i]}, not ${expected}`);
    });
  }
});

Deno.test("leakyRelu: slope 0 is relu, a negative slope is an error", async () => {
  const x = constant(Float32Array.of(-2, -0.5, 0, 3), [4]);
  for (const { device } of await testDevices()) {
    using state = new VariableState(device);
    using plan = await compile(state, {
      outputs: { a: leakyRelu(x, 0), b: relu(x), c: leakyRelu(x, 0.5) },
    });
    plan.run();
    assert.deepEqual([...await plan.read("a")].map(Math.abs), [...await plan.read("b")]);
    assert.deepEqual([...await plan.read("c")], [-1, -0.25, 0, 3]);
  }
  assert.throws(
    () => leakyRelu(x, -0.1),
    /slope must be a number of at least 0: current value is -0.1/,
  );
});
