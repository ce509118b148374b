/** Single ops and their gradients on the device against PyTorch's float64 values (tests/golden/ops.py). */
import assert from "node:assert/strict";
import {
  avgPool2d,
  conv2d,
  grad,
  localResponseNormalization,
  maxPool2d,
  multiply,
  softmaxCrossEntropy,
  sum,
} from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, type Tensor } from "../../src/tensor/tensor.ts";
import { loadOpCases, type OpCase } from "../golden/fixture.ts";
import { assertClose, testDevices } from "../support.ts";

const cases = loadOpCases();

function build({ op, attributes }: OpCase, inputs: Readonly<Record<string, Tensor>>): Tensor {
  const number = (name: string) => Number(attributes[name]);
  const window = () => ({
    size: [number("size"), number("size")] as const,
    strides: [number("stride"), number("stride")] as const,
    padding: attributes.padding === "SAME" ? "same" as const : "valid" as const,
  });
  switch (op) {
    case "conv2d":
      return conv2d(inputs.x, inputs.w, {
        bias: inputs.b,
        strides: [number("stride"), number("stride")],
        padding: window().padding,
      });
    case "max_pool":
      return maxPool2d(inputs.x, window());
    case "avg_pool":
      return avgPool2d(inputs.x, window());
    case "lrn":
      return localResponseNormalization(inputs.x, {
        radius: number("depth_radius"),
        bias: number("bias"),
        alpha: number("alpha"),
        beta: number("beta"),
      });
    case "softmax_cross_entropy":
      return softmaxCrossEntropy(inputs.logits, inputs.labels);
  }
}

for (const golden of cases) {
  Deno.test(`${golden.op} ${golden.name} equals PyTorch's, and so do its gradients`, async () => {
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
      assertClose(await plan.read("y"), golden.output.values, 1e-5, `${engine}: output`);
      for (const name of names) {
        assertClose(
          await plan.read(`d${name}`),
          golden.gradients[name],
          1e-5,
          `${engine}: d${name}`,
        );
      }
    }
  });
}
