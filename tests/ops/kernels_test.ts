/**
 * Every op sample on every engine: each family of kernels against the float64 reference, and twice, bit for bit.
 * Behind each float input lies NaN: memory that a kernel must not let into its sums.
 */
import assert from "node:assert/strict";
import { viewAt } from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { definedOps } from "../../src/tensor/op.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { SLOT_ELEMENTS, slotLayout } from "../../src/tensor/storage.ts";
import { constant, type HostArray, type Tensor, variable } from "../../src/tensor/tensor.ts";
import { assertClose, fillSample, testDevices, testRandom } from "../support.ts";

for (const op of definedOps) {
  Deno.test(`${op.opName}: kernels equal the float64 reference`, async () => {
    const cases = op.cases();
    assert.ok(cases.length > 0, "the op has no samples");
    for (const { name, device } of await testDevices()) {
      for (const [i, sample] of cases.entries()) {
        const random = testRandom(i + 1);
        const inputs: Tensor[] = sample.inputs.map(({ shape, fill }) =>
          constant(fillSample(shape, fill, random).data, shape)
        );
        const [expected] = evaluateReference([sample.build(inputs)]);
        const node = sample.build(inputs.map(amidNaN));
        const runs: HostArray[] = [];
        for (let run = 0; run < 2; run++) {
          using state = new VariableState(device);
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

/** The same values, each as a view of a block that is NaN beyond it; u32 inputs as they are. */
function amidNaN(input: Tensor): Tensor {
  if (input.source?.kind !== "constant" || input.dtype === "u32") return input;
  const { data } = input.source;
  const values = new Float32Array(slotLayout([input.shape]).size + SLOT_ELEMENTS).fill(NaN);
  values.set(data);
  return viewAt(variable("block", [values.length], values), input.shape, 0);
}

function bits(values: HostArray): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
