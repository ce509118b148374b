/** Every op sample gives the same bits on any number of threads. */
import assert from "node:assert/strict";
import "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { definedOps } from "../../src/tensor/op.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant } from "../../src/tensor/tensor.ts";
import { WasmDevice } from "../../src/wasm/device.ts";
import { fillSample, testRandom } from "../support.ts";

/** The outputs of all samples of all ops, as bits. */
async function outputs(threads: number): Promise<Map<string, Uint32Array>> {
  using device = await WasmDevice.open({ threads });
  using state = new VariableState(device);
  const all = new Map<string, Uint32Array>();
  for (const op of definedOps) {
    for (const [i, sample] of op.cases().entries()) {
      const random = testRandom(i + 1);
      const inputs = sample.inputs.map(({ shape, fill }) =>
        constant(fillSample(shape, fill, random).data, shape)
      );
      using plan = await compile(state, { outputs: { y: sample.build(inputs) } });
      plan.run();
      const y = await plan.read("y");
      all.set(`${i} ${sample.title}`, new Uint32Array(y.buffer, y.byteOffset, y.length));
    }
  }
  return all;
}

Deno.test("results are the same to the bit on 1, 2 and 3 threads", async () => {
  const expected = await outputs(1);
  assert.ok(expected.size > 150);
  for (const threads of [2, 3]) {
    const actual = await outputs(threads);
    for (const [title, bits] of expected) {
      assert.deepEqual(actual.get(title), bits, `${title} on ${threads} threads`);
    }
  }
});
