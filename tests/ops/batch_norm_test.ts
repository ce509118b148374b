/** Batch normalization: moments of many rows far from zero, the gradient through them, launches, errors. */
import assert from "node:assert/strict";
import { batchNorm, grad, moments, multiply, normalizeChannels, sum } from "../../src/ops/mod.ts";
import { compile, compute } from "../../src/tensor/compile.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, placeholder, type Tensor } from "../../src/tensor/tensor.ts";
import { assertClose, testDevices, testRandom } from "../support.ts";

for (const c of [1, 6, 16, 192, 2052]) {
  Deno.test(`moments of many rows of ${c} channels: right about any mean`, async () => {
    const rows = Math.ceil(300_000 / c);
    const random = testRandom(c);
    // Channels about 1000, 0 and -30, some with a rare large value.
    const data = Float32Array.from({ length: rows * c }, (_, i) => {
      const channel = i % c;
      const spike = channel % 5 === 4 && random() < 0.01 ? 50 : 0;
      return [1000, 0, -30][channel % 3] + 2 * random() - 1 + spike;
    });
    const x = constant(data, [rows, c]);
    const [expected] = evaluateReference([moments(x)]);
    for (const { name, device } of await testDevices()) {
      using state = new VariableState(device);
      const y = await compute(state, moments(x));
      for (let i = 0; i < c; i++) {
        // The mean to the last digit of float32, the variance to two more than that.
        const allowed = Math.abs(expected[i]) * 2 ** -23 + 1e-6 * Math.sqrt(expected[c + i]);
        const mean = Math.abs(y[i] - expected[i]);
        assert.ok(mean <= allowed, `${name}: mean ${i} is ${y[i]}, not ${expected[i]}`);
        const variance = Math.abs(y[c + i] / expected[c + i] - 1);
        assert.ok(variance <= 2e-6, `${name}: variance ${i} is off by ${variance}`);
      }
    }
  });
}

Deno.test("batchNorm: the gradient goes through the moments, as central differences do", () => {
  for (const slope of [1, 0, 0.1]) {
    const random = testRandom(3);
    const shapes = [[3, 4, 2, 5], [5], [5]] as const;
    const feeds = new Map<Tensor, Float64Array>();
    const nodes = shapes.map((shape, i) => {
      const node = placeholder(`x${i}`, shape);
      const size = shape.reduce((a, b) => a * b, 1);
      feeds.set(node, Float64Array.from({ length: size }, () => random() * 2 - 1));
      return node;
    });
    const { y } = batchNorm(nodes[0], nodes[1], nodes[2], { slope });
    const upstream = Float32Array.from({ length: 120 }, () => random() * 2 - 1);
    const loss = sum(multiply(y, constant(upstream, y.shape)));
    const lossAt = (moved: Map<Tensor, Float64Array>) => evaluateReference([loss], moved)[0][0];
    for (const [i, gradient] of evaluateReference(grad(loss, nodes), feeds).entries()) {
      const center = feeds.get(nodes[i])!;
      const expected = center.map((_, k) => {
        const at = (h: number) =>
          lossAt(new Map(feeds).set(nodes[i], center.map((v, j) => j === k ? v + h : v)));
        return (at(1e-6) - at(-1e-6)) / 2e-6;
      });
      assertClose(gradient, expected, 1e-6, `slope ${slope}, input ${i}`);
    }
  }
});

Deno.test("batchNorm: two passes over the data forward and two back, and a small launch for each first one", async () => {
  for (const { name, device } of await testDevices()) {
    using state = new VariableState(device);
    const x = constant(new Float32Array(8 * 16), [8, 16]);
    const gamma = constant(new Float32Array(16), [16]);
    const { y } = batchNorm(x, gamma, gamma, { slope: 0 });
    using forward = await compile(state, { outputs: { y } });
    assert.equal(forward.summary.dispatches, 3, name);
    const [dx] = grad(sum(multiply(y, constant(new Float32Array(128), y.shape))), [x]);
    using back = await compile(state, { outputs: { dx } });
    assert.equal(back.summary.dispatches, 5, name);
  }
});

Deno.test("batchNorm: sizes and settings that make no sense are errors", () => {
  const of = (...shape: number[]) => placeholder("x", shape);
  assert.throws(
    () => batchNorm(of(2, 3, 4), of(3), of(4)),
    /Cannot apply batch_norm as there must be one number a channel: .* \[2, 3, 4\] and \[3\]/,
  );
  assert.throws(
    () => normalizeChannels(of(2, 4), of(4), of(4), of(4, 2)),
    /Cannot apply normalize_channels as moments must be \[2, C\]: .* \[2, 4\] and \[4, 2\]/,
  );
  assert.throws(
    () => batchNorm(of(2, 4), of(4), of(4), { slope: -1 }),
    /slope must be a number of at least 0: current value is -1/,
  );
  assert.throws(() => moments(of()), /x must have channels/);
});
