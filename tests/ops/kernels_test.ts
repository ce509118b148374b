/**
 * Every op sample on every engine: each family of kernels against the float64 reference, and twice, bit for bit.
 * Buffers beyond a tensor hold whatever an earlier plan left there, as in real plans.
 */
import assert from "node:assert/strict";
import "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { definedOps } from "../../src/tensor/op.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, type HostArray, type Tensor } from "../../src/tensor/tensor.ts";
import { assertClose, fillSample, testDevices, testRandom } from "../support.ts";

for (const op of definedOps) {
  Deno.test(`${op.opName}: kernels equal the float64 reference`, async () => {
    const cases = op.cases();
    assert.ok(cases.length > 0, "the op has no samples");
    for (const { name, device } of await testDevices()) {
      using state = new VariableState(device);
      for (const [i, sample] of cases.entries()) {
        const random = testRandom(i + 1);
        const inputs: Tensor[] = sample.inputs.map(({ shape, fill }) =>
          constant(fillSample(shape, fill, random).data, shape)
        );
        const node = sample.build(inputs);
        const [expected] = evaluateReference([node]);
        const runs: HostArray[] = [];
        for (let run = 0; run < 2; run++) {
          using plan = await compile(state, { outputs: { y: node } });
          plan.run();
          runs.push(await plan.read("y"));
        }
        assertClose(runs[0], expected, sample.tolerance, `${name} ${sample.title}`);
        assert.deepEqual(
          bits(runs[1]),
          bits(runs[0]),
          `${name} ${sample.title}: second run differs`,
        );
      }
    }
  });
}

function bits(values: HostArray): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
