/** Softmax kernels take several classes a trip: what they read past a row's end must not count. */
import {
  grad,
  inTopK,
  softCrossEntropy,
  softmax,
  softmaxCrossEntropy,
  sum,
} from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant } from "../../src/tensor/tensor.ts";
import { assertClose, testDevices } from "../support.ts";

for (const classes of [1, 5, 6, 7]) {
  Deno.test(`rows of ${classes} logits do not see the rows beside them`, async () => {
    const rows = [-1000, 1000, 0, 1000];
    const values = rows.flatMap((start) =>
      Array.from({ length: classes }, (_, c) => start - c / 4)
    );
    const logits = constant(Float32Array.from(values), [rows.length, classes]);
    const labels = constant(Uint32Array.from(rows, (_, i) => i % classes), [rows.length]);
    const losses = softmaxCrossEntropy(logits, labels);
    // The rows beside have other targets.
    const targets = rows.flatMap((_, i) => Array.from({ length: classes }, (_, c) => 10 * i + c));
    const soft = softCrossEntropy(
      logits,
      constant(Float32Array.from(targets), [rows.length, classes]),
    );
    const outputs = {
      softmax: softmax(logits),
      losses,
      gradient: grad(sum(losses), [logits])[0],
      top: inTopK(logits, labels, 1),
      soft,
      softGradient: grad(sum(soft), [logits])[0],
    };
    const expected = evaluateReference(Object.values(outputs));
    for (const { name, device } of await testDevices()) {
      using state = new VariableState(device);
      using plan = await compile(state, { outputs });
      plan.run();
      for (const [i, output] of Object.keys(outputs).entries()) {
        // Logits of 1000 are known to some 1e-4.
        assertClose(await plan.read(output), expected[i], 1e-4, `${name} ${output}`);
      }
    }
  });
}
