/** Holds one golden case against every engine and family of kernels. */
import assert from "node:assert/strict";
import { multiply } from "../../src/ops/elementwise.ts";
import { grad } from "../../src/ops/grad.ts";
import { sum } from "../../src/ops/reduce.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, type Tensor } from "../../src/tensor/tensor.ts";
import { assertClose, testDevices } from "../support.ts";
import type { OpCase } from "./fixture.ts";

/** A case's inputs by name; labels are u32. */
export type GoldenInputs = Readonly<Record<string, Tensor>>;

/**
 * Asserts that the output that `build` makes and its gradients are the golden ones, to `tolerance` of the largest
 * value.
 */
export async function checkGolden<Name>(
  golden: OpCase<Name>,
  build: (golden: OpCase<Name>, inputs: GoldenInputs) => Tensor,
  tolerance = 1e-5,
): Promise<void> {
  const inputs = Object.fromEntries(
    Object.entries(golden.inputs).map(([name, { shape, values }]) => [
      name,
      constant(name === "labels" ? Uint32Array.from(values) : Float32Array.from(values), shape),
    ]),
  );
  const y = build(golden, inputs);
  assert.deepEqual(y.shape, golden.output.shape);
  const names = Object.keys(golden.gradients);
  assert.ok(names.length > 0);
  const loss = sum(multiply(y, constant(Float32Array.from(golden.dy), y.shape)));
  const gradients = grad(loss, names.map((name) => inputs[name]));
  const outputs = Object.fromEntries(names.map((name, i) => [`d${name}`, gradients[i]]));
  for (const { name: engine, device } of await testDevices()) {
    using state = new VariableState(device);
    using plan = await compile(state, { outputs: { y, ...outputs } });
    plan.run();
    assertClose(await plan.read("y"), golden.output.values, tolerance, `${engine}: output`);
    for (const name of names) {
      const what = `${engine}: d${name}`;
      assertClose(await plan.read(`d${name}`), golden.gradients[name], tolerance, what);
    }
  }
}
