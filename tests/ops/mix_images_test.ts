/** Mixing within a batch: what it must leave as it is, and what it must exchange. */
import assert from "node:assert/strict";
import { mixImages } from "../../src/ops/mod.ts";
import { MIX, MIX_LENGTH } from "../../src/ops/augment_row.ts";
import { compute } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant } from "../../src/tensor/tensor.ts";
import { testDevices, testRandom } from "../support.ts";

Deno.test("mixImages: a share of 1 changes nothing, a box over all exchanges the partners", async () => {
  const random = testRandom(5);
  const shape = [5, 6, 7, 3], length = 6 * 7 * 3;
  const images = Float32Array.from({ length: 5 * length }, () => random() * 4 - 2);
  const mix = (numbers: Partial<Record<keyof typeof MIX, number>>) => {
    const all = new Float32Array(MIX_LENGTH);
    for (const [name, value] of Object.entries(numbers)) all[MIX[name as keyof typeof MIX]] = value;
    return mixImages(constant(images, shape), constant(all, [MIX_LENGTH]));
  };
  const reversed = images.map((_, i) => images[(4 - Math.floor(i / length)) * length + i % length]);
  for (const { name, device } of await testDevices()) {
    using state = new VariableState(device);
    assert.deepEqual(await compute(state, mix({ share: 1 })), images, name);
    const exchanged = await compute(state, mix({ share: 0.3, bottom: 6, right: 7 }));
    assert.deepEqual(exchanged, reversed, name);
  }
});
