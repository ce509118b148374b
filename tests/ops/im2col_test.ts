/** The implicit convolution against its oracle: patches written out, then one matrix product. */
import { conv2d, im2col, matmul, reshape } from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant } from "../../src/tensor/tensor.ts";
import { assertClose, fillSample, testableKinds, testDevice, testRandom } from "../support.ts";

const CASES = [
  { x: [4, 12, 12, 64], w: [5, 5, 64, 64], strides: [1, 1], padding: "same" },
  { x: [4, 24, 24, 3], w: [5, 5, 3, 64], strides: [1, 1], padding: "same" },
  { x: [3, 9, 11, 5], w: [3, 3, 5, 10], strides: [2, 2], padding: "valid" },
] as const;

for (const { x: xShape, w: wShape, strides, padding } of CASES) {
  Deno.test(`conv2d [${xShape}] by [${wShape}] equals im2col and a product`, async () => {
    const random = testRandom(7);
    const x = constant(fillSample(xShape, "uniform", random).data, xShape);
    const w = constant(fillSample(wShape, "uniform", random).data, wShape);
    const [kh, kw, c, o] = wShape;
    const implicit = conv2d(x, w, { strides, padding });
    const patches = im2col(x, { size: [kh, kw], strides, padding });
    const explicit = matmul(patches, reshape(w, [kh * kw * c, o]));
    for (const kind of await testableKinds()) {
      using state = new VariableState(await testDevice(kind));
      using plan = await compile(state, { outputs: { implicit, explicit } });
      plan.run();
      assertClose(await plan.read("implicit"), await plan.read("explicit"), 1e-5, kind);
    }
  });
}
