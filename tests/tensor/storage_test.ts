/** Memory shared by liveness and tensors placed in packs: never wrong, and really shared. */
import assert from "node:assert/strict";
import { add, scale } from "../../src/ops/elementwise.ts";
import { packTensors, reshape } from "../../src/ops/layout.ts";
import { compile } from "../../src/tensor/compile.ts";
import { evaluateReference } from "../../src/tensor/reference.ts";
import { VariableState } from "../../src/tensor/state.ts";
import { assignBlocks, type Interval, slotLayout } from "../../src/tensor/storage.ts";
import { constant, type Tensor } from "../../src/tensor/tensor.ts";
import { assertClose, testDevice, testRandom } from "../support.ts";

function randomIntervals(random: () => number): Interval[] {
  const count = 1 + Math.floor(random() * 40);
  return Array.from({ length: count }, () => {
    const first = Math.floor(random() * 30);
    const last = first + Math.floor(random() * random() * 12);
    return { bytes: 4 * (1 + Math.floor(random() * 1000)), first, last };
  });
}

/** The most bytes alive at one time: no assignment can do with less. */
function liveBytes(intervals: readonly Interval[]): number {
  const alive = (time: number) =>
    intervals.filter(({ first, last }) => first <= time && time <= last)
      .reduce((sum, { bytes }) => sum + bytes, 0);
  return Math.max(...Array.from({ length: 50 }, (_, time) => alive(time)));
}

Deno.test("tensors alive at the same time never share a block, and every block is large enough", () => {
  for (let seed = 0; seed < 500; seed++) {
    const intervals = randomIntervals(testRandom(seed));
    const { blocks, blockOf } = assignBlocks(intervals);
    assert.equal(blockOf.length, intervals.length);
    for (let time = 0; time < 50; time++) {
      // Brute force: who is in which block at this time.
      const tenants = new Set<number>();
      intervals.forEach(({ first, last }, i) => {
        if (time < first || time > last) return;
        assert.ok(!tenants.has(blockOf[i]), `seed ${seed}: block ${blockOf[i]} is taken twice`);
        tenants.add(blockOf[i]);
      });
    }
    intervals.forEach(({ bytes }, i) => assert.ok(blocks[blockOf[i]] >= bytes, `seed ${seed}`));
    const total = blocks.reduce((a, b) => a + b, 0);
    const unshared = intervals.reduce((sum, { bytes }) => sum + bytes, 0);
    assert.ok(total >= liveBytes(intervals) && total <= unshared, `seed ${seed}: ${total}`);
  }
});

Deno.test("a chain needs two blocks, however long it is; one launch's input and output never share", () => {
  const chain = Array.from({ length: 50 }, (_, i) => ({ bytes: 64, first: i, last: i + 1 }));
  assert.deepEqual(assignBlocks(chain).blocks, [64, 64]);
  const shrinking = chain.map((interval, i) => ({ ...interval, bytes: 1000 - i }));
  assert.deepEqual(assignBlocks(shrinking).blocks, [1000, 999]);
  assert.deepEqual(assignBlocks([]), { blocks: [], blockOf: [] });
});

Deno.test("over random lives little more is taken than what is alive at once", () => {
  let taken = 0;
  let needed = 0;
  for (let seed = 0; seed < 200; seed++) {
    const intervals = randomIntervals(testRandom(seed));
    taken += assignBlocks(intervals).blocks.reduce((a, b) => a + b, 0);
    needed += liveBytes(intervals);
  }
  assert.ok(taken < 1.3 * needed, `${taken / needed} times what is alive`);
});

Deno.test("slots start at multiples of 64 elements", () => {
  assert.deepEqual(slotLayout([[64], [65], [], [2, 3]]), {
    offsets: [0, 64, 192, 256],
    size: 320,
  });
});

const x = constant(Float32Array.of(1, 2, 3), [3], "x");

/** Compiles a pack, checks its values, and returns how many launches it took. */
async function launchesOf(members: readonly Tensor[], others: Tensor[] = []): Promise<number> {
  using state = new VariableState(await testDevice());
  const y = packTensors(members);
  const outputs = { y, ...Object.fromEntries(others.map((other, i) => [`other${i}`, other])) };
  using plan = await compile(state, { outputs });
  plan.run();
  plan.run();
  for (const [name, node] of Object.entries(outputs)) {
    assertClose(await plan.read(name), evaluateReference([node])[0], 1e-6, name);
  }
  return plan.summary.dispatches;
}

Deno.test("the members of a pack are computed in place: no copies", async () => {
  assert.equal(await launchesOf([scale(x, 2), add(x, x), scale(x, 3)]), 3);
});

Deno.test("a member that others read is in place, too", async () => {
  const a = scale(x, 2);
  assert.equal(await launchesOf([a, scale(x, 5)], [add(a, x)]), 3);
});

Deno.test("what has no memory of its own is copied: constants, views", async () => {
  assert.equal(await launchesOf([x, scale(x, 2)]), 2);
  const matrix = constant(Float32Array.of(1, 2, 3, 4), [2, 2]);
  assert.equal(await launchesOf([reshape(matrix, [4]), scale(x, 2)]), 2);
});

Deno.test("a member made of another member is right: the other is copied", async () => {
  const a = scale(x, 2);
  assert.equal(await launchesOf([a, scale(a, 3)]), 3);
  const b = scale(x, 2);
  assert.equal(await launchesOf([b, scale(reshape(b, [3, 1]), 3)]), 3);
  const c = scale(x, 2);
  assert.equal(await launchesOf([reshape(c, [3, 1]), c]), 3, "a member and its view");
});

Deno.test("a tensor twice in a pack, or in two packs, is in every slot", async () => {
  const a = scale(x, 2);
  assert.equal(await launchesOf([a, a]), 3);
  const b = scale(x, 3);
  assert.equal(await launchesOf([b, scale(x, 4)], [packTensors([scale(x, 5), b])]), 4);
});
