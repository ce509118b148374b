/** Dropout and the random numbers it is made of: the same bits on the host and on every engine. */
import assert from "node:assert/strict";
import { add, dropout, grad, multiply, randomBits, sum } from "../../src/ops/mod.ts";
import { compile } from "../../src/tensor/compile.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { constant, placeholder, type Tensor } from "../../src/tensor/tensor.ts";
import { RandomStream, STREAMS } from "../../src/util/random.ts";
import { testDevices } from "../support.ts";

Deno.test("randomBits: the host's bits, for seeds of two words, any step and layer", async () => {
  const counter = placeholder("counter", [1], "u32");
  const length = 9001;
  for (const [seed, layer] of [[0, 0], [7, 3], [2 ** 53 - 1, 2 ** 32 - 1]]) {
    const y = randomBits([length], counter, { seed, layer });
    for (const { name, device } of await testDevices()) {
      using state = new VariableState(device);
      using plan = await compile(state, { outputs: { y } });
      for (const step of [0, 1, 123_456, 2 ** 32 - 1]) {
        plan.run({ counter: Uint32Array.of(step) });
        const actual = await plan.read("y");
        const random = new RandomStream(seed, STREAMS.test).seek(step, layer);
        const wrong = actual.findIndex((word) => word !== random.uint32());
        assert.equal(wrong, -1, `${name}, seed ${seed}, step ${step}: word ${wrong} differs`);
      }
    }
  }
});

Deno.test("dropout: as many stay as should, scaled; the gradient has the same mask, another step another", async () => {
  const counter = placeholder("counter", [1], "u32");
  const length = 100_003;
  const x = constant(new Float32Array(length).fill(2), [length]);
  for (const rate of [0.1, 0.5, 0.8]) {
    const y = dropout(x, rate, counter, { seed: 5, layer: 2 });
    const twos = constant(new Float32Array(length).fill(2), [length]);
    const [dx] = grad(sum(multiply(y, twos)), [x]);
    const masks: string[] = [];
    for (const { name, device } of await testDevices()) {
      using state = new VariableState(device);
      using plan = await compile(state, { outputs: { y, dx } });
      const kept = async (step: number) => {
        plan.run({ counter: Uint32Array.of(step) });
        const values = await plan.read("y");
        // Both are 2 times what stays.
        assert.deepEqual(await plan.read("dx"), values, name);
        const scaled = Math.fround(2 * Math.fround(1 / (1 - rate)));
        assert.ok(values.every((v) => v === 0 || v === scaled), name);
        return Array.from(values, (v) => v === 0 ? 0 : 1);
      };
      const first = await kept(1), second = await kept(2);
      assert.deepEqual(await kept(1), first, `${name}: not a function of the step`);
      const share = first.filter((bit) => bit === 1).length / length;
      const deviation = Math.sqrt(rate * (1 - rate) / length);
      assert.ok(Math.abs(share - (1 - rate)) < 4 * deviation, `${name}: ${share} stay`);
      // Independent masks agree where both keep or both drop.
      const same = first.filter((bit, i) => bit === second[i]).length / length;
      assert.ok(Math.abs(same - (rate ** 2 + (1 - rate) ** 2)) < 0.01, `${name}: ${same} agree`);
      masks.push(first.join(""));
    }
    assert.ok(masks.every((mask) => mask === masks[0]), "engines have different masks");
  }
});

Deno.test("dropout: rate 0 is the tensor itself; layers differ; what makes no sense is an error", async () => {
  const counter = constant(Uint32Array.of(3), [1]);
  const x = constant(new Float32Array(256).fill(1), [256]);
  assert.equal(dropout(x, 0, counter), x);
  const layer = (layer: number): Tensor => dropout(x, 0.5, counter, { layer });
  for (const { name, device } of await testDevices()) {
    using state = new VariableState(device);
    using plan = await compile(state, { outputs: { y: add(layer(0), layer(1)) } });
    plan.run();
    assert.deepEqual(new Set(await plan.read("y")), new Set([0, 2, 4]), name);
  }
  assert.throws(() => dropout(x, 1, counter), /rate must be at least 0 and below 1: .* is 1/);
  assert.throws(() => dropout(x, 0.5, x), /input 1 must be u32/);
  assert.throws(() => dropout(x, 0, counter, { layer: -1 }), /layer must be a u32: .* is -1/);
  assert.throws(() => dropout(x, 0.5, counter, { seed: 0.5 }), /seed must be an integer/);
  const many = constant(new Uint32Array(2), [2]);
  assert.throws(() => dropout(x, 0.5, many), /the counter must be one number/);
});
