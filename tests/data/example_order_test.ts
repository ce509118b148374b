import assert from "node:assert/strict";
import {
  epochOrder,
  ExampleOrder,
  shuffleQueueSize,
} from "../../src/data/batches/example_order.ts";
import { permutation, STREAMS } from "../../src/util/random.ts";

const QUEUE = { count: 1000, seed: 3, shuffle: "queue", batchSize: 10 } as const;

Deno.test("an epoch's order is a permutation of its own, a pure function of seed and epoch", () => {
  for (const shuffle of ["epoch", "queue"] as const) {
    const options = { ...QUEUE, shuffle };
    const orders = [0, 1, 2].map((epoch) => epochOrder(options, epoch));
    for (const order of orders) {
      assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: 1000 }, (_, i) => i));
    }
    assert.deepEqual(epochOrder(options, 1), orders[1]);
    assert.notDeepEqual(orders[0], orders[1]);
    assert.notDeepEqual(epochOrder({ ...options, seed: 4 }, 1), orders[1]);
  }
  const full = epochOrder({ ...QUEUE, shuffle: "epoch" }, 2);
  assert.deepEqual(full, permutation(1000, 3, STREAMS.shuffle, 2));
});

Deno.test("the shuffle queue has the reference's sizes", () => {
  assert.deepEqual(shuffleQueueSize(50_000, 128), { minAfterDequeue: 20_000, capacity: 20_384 });
});

Deno.test("what leaves the shuffle queue has entered its window before", () => {
  // One shard: examples enter in their order, so that example e cannot leave before place e - capacity + 1.
  const { capacity } = shuffleQueueSize(QUEUE.count, QUEUE.batchSize);
  const order = epochOrder(QUEUE, 0);
  let early = 0;
  order.forEach((example, place) => {
    assert.ok(example < place + capacity, `example ${example} at place ${place}`);
    if (example < capacity) early = Math.max(early, place);
  });
  // A window, unlike a plain queue, keeps some of the first examples for long: it shuffles.
  assert.ok(early > 2 * capacity - 100, `the last of the first ${capacity} left at ${early}`);
  const means = [order.slice(0, 300), order.slice(-300)].map((part) =>
    part.reduce((a, b) => a + b) / 300
  );
  assert.ok(means[0] < 350 && means[1] > 550, `a window, not a full permutation: ${means}`);
});

Deno.test("shards of 10,000 examples come in a new order every epoch", () => {
  const options = { count: 50_000, seed: 1, shuffle: "queue", batchSize: 1 } as const;
  const firsts = [0, 1, 2, 3].map((epoch) => {
    const first = epochOrder(options, epoch).subarray(0, 200);
    return [...new Set(first.map((example) => Math.floor(example / 10_000)))].sort().join();
  });
  assert.ok(new Set(firsts).size > 1, `shards that come first: ${firsts.join("; ")}`);
});

Deno.test("positions run through the epochs, forth and back", () => {
  const order = new ExampleOrder({ count: 7, seed: 5, shuffle: "epoch", batchSize: 2 });
  const expected = [0, 1, 2].flatMap((epoch) => [...permutation(7, 5, STREAMS.shuffle, epoch)]);
  const positions = [0, 6, 7, 13, 14, 20, 3, 8];
  for (const position of positions) {
    assert.equal(order.exampleAt(position), expected[position]);
    assert.equal(order.epochAt(position), Math.floor(position / 7));
  }
});
