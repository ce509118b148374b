/** Single ops and their gradients on the device against PyTorch's float64 values (tests/golden/ops.py). */
import {
  avgPool2d,
  conv2d,
  localResponseNormalization,
  maxPool2d,
  softmaxCrossEntropy,
} from "../../src/ops/mod.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { checkGolden, type GoldenInputs } from "../golden/check.ts";
import { loadOpCases, type OpCase } from "../golden/fixture.ts";

const cases = loadOpCases();

function build({ op, attributes }: OpCase, inputs: GoldenInputs): Tensor {
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
  const title = `${golden.op} ${golden.name} equals PyTorch's, and so do its gradients`;
  Deno.test(title, () => checkGolden(golden, build));
}
