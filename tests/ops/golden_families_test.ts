/** The ops of more model families and their gradients against PyTorch's float64 values (tests/golden/families.py). */
import {
  batchNorm,
  gelu,
  globalAveragePool,
  leakyRelu,
  locallyConnected2d,
  moments,
  normalizeChannels,
  spatialResponseNormalization,
} from "../../src/ops/mod.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { checkGolden, type GoldenInputs } from "../golden/check.ts";
import { type FamilyOpName, loadFamilyCases, type OpCase } from "../golden/fixture.ts";

type Case = OpCase<FamilyOpName>;

function build({ op, attributes }: Case, { x, ...inputs }: GoldenInputs): Tensor {
  const number = (name: string) => Number(attributes[name]);
  const norm = () => ({ epsilon: number("epsilon"), slope: number("slope") });
  switch (op) {
    case "batch_norm":
      return batchNorm(x, inputs.gamma, inputs.beta, norm()).y;
    case "normalize_channels":
      return normalizeChannels(x, inputs.gamma, inputs.beta, inputs.moments, norm());
    case "moments":
      return moments(x);
    case "leaky_relu":
      return leakyRelu(x, number("slope"));
    case "gelu":
      return gelu(x);
    case "global_average_pool":
      return globalAveragePool(x);
    case "spatial_norm":
      return spatialResponseNormalization(x, {
        size: number("size"),
        scale: number("scale"),
        power: number("power"),
      });
    case "locally_connected":
      return locallyConnected2d(x, inputs.w, {
        size: [number("size"), number("size")],
        bias: inputs.b,
        strides: [number("stride"), number("stride")],
        padding: attributes.padding === "SAME" ? "same" : "valid",
      });
  }
}

for (const golden of loadFamilyCases()) {
  // Near 1000 float32 numbers lie 6e-5 apart, and so does the mean.
  const tolerance = /1000/.test(golden.name) ? 1e-4 : 1e-5;
  const title = `${golden.op}, ${golden.name}, equals PyTorch's, and so do its gradients`;
  Deno.test(title, () => checkGolden(golden, build, tolerance));
}
