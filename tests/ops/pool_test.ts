/** Average pooling by cuda-convnet's rule. */
import assert from "node:assert/strict";
import { avgPool2d } from "../../src/ops/mod.ts";
import { compute } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant } from "../../src/tensor/tensor.ts";
import { assertClose, testDevices, testRandom } from "../support.ts";

/** Windows of 3, stride 2, from pixel 0 on, ceil((side - 3) / 2) + 1 of them, each over the pixels it has. */
function convnetPool(x: Float32Array, n: number, side: number, c: number): Float64Array {
  const windows = Math.ceil((side - 3) / 2) + 1;
  const y = new Float64Array(n * windows * windows * c);
  y.forEach((_, i) => {
    const channel = i % c, column = Math.floor(i / c) % windows;
    const row = Math.floor(i / c / windows) % windows,
      image = Math.floor(i / c / windows / windows);
    let sum = 0, pixels = 0;
    for (let h = 2 * row; h < Math.min(2 * row + 3, side); h++) {
      for (let w = 2 * column; w < Math.min(2 * column + 3, side); w++) {
        sum += x[((image * side + h) * side + w) * c + channel];
        pixels++;
      }
    }
    y[i] = sum / pixels;
  });
  return y;
}

Deno.test("average pooling of 3x3, stride 2, padding same is cuda-convnet's on even sides", async () => {
  for (const side of [32, 24, 16, 12, 8, 6]) {
    const random = testRandom(side);
    const data = Float32Array.from({ length: 2 * side * side * 4 }, () => random() * 2 - 1);
    const expected = convnetPool(data, 2, side, 4);
    for (const { name, device } of await testDevices()) {
      using state = new VariableState(device);
      const x = constant(data, [2, side, side, 4]);
      const y = avgPool2d(x, { size: [3, 3], strides: [2, 2], padding: "same" });
      assert.equal(y.shape[1], side / 2);
      assertClose(await compute(state, y), expected, 1e-6, `${name}, side ${side}`);
    }
  }
});
