/** Differentiation of graphs: the walk itself, not the ops' own gradients (those are in tests/ops). */
import assert from "node:assert/strict";
import { add, multiply, scale } from "../../src/ops/elementwise.ts";
import * as ops from "../../src/ops/mod.ts";
import { grad } from "../../src/ops/grad.ts";
import { packTensors, reshape, viewAt } from "../../src/ops/layout.ts";
import { sum } from "../../src/ops/reduce.ts";
import { sgdUpdate } from "../../src/ops/update.ts";
import { compile } from "../../src/tensor/compile.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, fill, placeholder, type Tensor, variable } from "../../src/tensor/tensor.ts";
import { assertClose, testDevice, testRandom } from "../support.ts";

function values(...numbers: number[]): Tensor {
  return constant(Float32Array.from(numbers), [numbers.length], "x");
}

function evaluate(tensor: Tensor): number[] {
  return [...evaluateReference([tensor])[0]];
}

Deno.test("the gradient of what is no scalar is an error that names its shape", () => {
  const x = values(1, 2);
  assert.throws(
    () => grad(scale(x, 2), [x]),
    /^TypeError: Cannot differentiate \w+ as a loss must be a scalar: current shape is \[2\]/,
  );
  assert.throws(() => grad(reshape(sum(x), [1]), [x]), /must be a scalar: current shape is \[1\]/);
});

Deno.test("the gradient in a tensor that the loss does not depend on is an error that names it", () => {
  const x = values(1, 2);
  const other = constant(Float32Array.of(1), [1], "other");
  assert.throws(() => grad(sum(x), [x, other]), /^TypeError: .* in other as it does not depend/);
  const later = scale(x, 2);
  assert.throws(() => grad(sum(x), [later]), /does not depend on it/);
});

Deno.test("an update cannot be differentiated", () => {
  const w = variable("w", [2], new Float32Array(2));
  const updated = sgdUpdate(w, fill(1, [2]), fill(1));
  assert.throws(() => grad(sum(updated), [w]), /Cannot differentiate sgd_update/);
});

Deno.test("gradients of several uses add up", () => {
  const x = values(3, -2);
  const [dx] = grad(sum(add(multiply(x, x), scale(x, 5))), [x]);
  assert.deepEqual(evaluate(dx), [11, 1]);
  const [cube] = grad(sum(multiply(multiply(x, x), x)), [x]);
  assert.deepEqual(evaluate(cube), [27, 12]);
});

Deno.test("a tensor in the middle of the graph is a leaf; those before it get the whole gradient", () => {
  const x = values(3, -2);
  const middle = multiply(x, x);
  const loss = sum(add(multiply(middle, middle), x));
  const [dMiddle] = grad(loss, [middle]);
  assert.deepEqual(evaluate(dMiddle), [18, 8]);
  const [dx] = grad(loss, [x]);
  assert.deepEqual(evaluate(dx), [109, -31]);
  // Asked for together, the way from x through the middle is cut: the middle is a leaf.
  const [cut, both] = grad(loss, [middle, x]).map(evaluate);
  assert.deepEqual([cut, both], [[18, 8], [1, 1]]);
});

Deno.test("the loss itself may be asked for, and a tensor may be asked for twice", () => {
  const x = values(3, -2);
  const loss = sum(x);
  assert.deepEqual(evaluate(grad(loss, [loss])[0]), [1]);
  const [a, b] = grad(loss, [x, x]).map(evaluate);
  assert.deepEqual([a, b], [[1, 1], [1, 1]]);
});

Deno.test("views of one variable have gradients of their own", () => {
  const block = variable("block", [128], Float32Array.from({ length: 128 }, (_, i) => i));
  const [a, b] = [viewAt(block, [2], 0), viewAt(block, [2], 64)];
  const [da, db] = grad(sum(multiply(a, b)), [a, b]);
  assert.deepEqual(evaluate(da), [64, 65]);
  assert.deepEqual(evaluate(db), [0, 1]);
});

Deno.test("equal gradients of two variables update both on a device", async () => {
  // The gradients of a and b are one node; it must reach both slots of the pack.
  const block = variable("block", [128], new Float32Array(128).fill(1));
  const [a, b] = [viewAt(block, [3], 0), viewAt(block, [3], 64)];
  const loss = sum(multiply(ops.square(add(a, b)), values(1, 2, 3)));
  const updated = sgdUpdate(block, packTensors(grad(loss, [a, b])), fill(1));
  using state = new VariableState(await testDevice());
  using plan = await compile(state, { updates: [updated] });
  plan.run();
  const after = await state.read(block);
  assert.deepEqual([...after.subarray(0, 4)], [-3, -7, -11, 1]);
  assert.deepEqual([...after.subarray(64, 68)], [-3, -7, -11, 1]);
});

const STEP = 1e-5;

Deno.test("the gradient of a gradient equals central differences, and the device agrees", async () => {
  const random = testRandom(5);
  const draw = () => Float32Array.from({ length: 12 }, () => 0.5 + random());
  const x = placeholder("x", [3, 4]);
  const weight = constant(draw(), [3, 4], "weight");
  const upstream = constant(draw(), [3, 4], "upstream");
  // Products, quotients, exponentials and logarithms, all with curvature.
  const inner = ops.multiply(ops.exp(ops.multiply(x, weight)), ops.log(x));
  const loss = sum(ops.divide(inner, ops.sqrt(add(x, weight))));
  const [first] = grad(loss, [x]);
  const [second] = grad(sum(multiply(first, upstream)), [x]);

  const point = Float64Array.from(draw());
  const direction = point.map(() => random() * 2 - 1);
  const project = (node: Tensor, h: number, onto: ArrayLike<number>) => {
    const at = new Map([[x, point.map((v, i) => v + h * direction[i])]]);
    return evaluateReference([node], at)[0].reduce((total, v, i) => total + v * onto[i], 0);
  };
  const upstreamValues = evaluateReference([upstream])[0];
  for (
    const [gradient, of, onto] of [[first, loss, [1]], [second, first, upstreamValues]] as const
  ) {
    const analytic = project(gradient, 0, direction);
    const numeric = (project(of, STEP, onto) - project(of, -STEP, onto)) / (2 * STEP);
    assert.ok(Math.abs(analytic) > 1e-3, "the test needs a gradient");
    assert.ok(Math.abs(analytic / numeric - 1) < 1e-6, `${analytic} against ${numeric}`);
  }

  using state = new VariableState(await testDevice());
  using plan = await compile(state, { outputs: { second } });
  plan.run({ x: Float32Array.from(point) });
  const exact =
    evaluateReference([second], new Map([[x, Float64Array.from(Float32Array.from(point))]]))[0];
  assertClose(await plan.read("second"), exact, 1e-5, "second derivative");
});
