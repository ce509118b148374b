import assert from "node:assert/strict";
import { InvalidArgumentError } from "../../../src/data/queues/errors.ts";
import {
  RandomShuffleQueue,
  type RandomShuffleQueueOptions,
} from "../../../src/data/queues/random_shuffle_queue.ts";
import { RandomStream, STREAMS } from "../../../src/util/random.ts";
import { isPending } from "./helpers.ts";

function shuffled(options: Partial<RandomShuffleQueueOptions<number, number[]>> = {}) {
  return new RandomShuffleQueue<number>({ name: "ids", capacity: 100, seed: 1, ...options });
}

async function order(options: Partial<RandomShuffleQueueOptions<number, number[]>>) {
  const queue = shuffled(options);
  await queue.enqueueMany([...Array(100).keys()]);
  await queue.close();
  return queue.dequeueMany(100);
}

Deno.test("a shuffle queue gives each element once, in the order that its random numbers say", async () => {
  // The kernel's rule, written out: a uniform index, and the last element moves into the hole.
  const random = new RandomStream(1, STREAMS.queue).seek(0);
  const left = [...Array(100).keys()];
  const expected: number[] = [];
  while (left.length > 0) {
    const index = random.uniformInt(left.length);
    expected.push(left[index]);
    left[index] = left[left.length - 1];
    left.pop();
  }
  const found = await order({ seed: 1 });
  assert.deepEqual(found, expected);
  assert.deepEqual(found.toSorted((a, b) => a - b), [...Array(100).keys()]);
});

Deno.test("each element of a shuffle queue is as likely to be next as any other", async () => {
  const counts = [0, 0, 0, 0];
  const queue = shuffled({ seed: 9 });
  for (let round = 0; round < 4000; round++) {
    await queue.enqueueMany([0, 1, 2, 3]);
    counts[await queue.dequeue()]++;
    await queue.dequeueMany(3);
  }
  // Three standard deviations of a binomial of 4,000 and 1/4 are 82.
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 82, `${counts}`);
});

Deno.test("the same seed gives the same order, another seed another", async () => {
  assert.deepEqual(await order({ seed: 7 }), await order({ seed: 7 }));
  assert.notDeepEqual(await order({ seed: 7 }), await order({ seed: 8 }));
});

Deno.test("seed 0 and no seed are random", async () => {
  assert.notDeepEqual(await order({ seed: 0 }), await order({ seed: 0 }));
  assert.notDeepEqual(await order({ seed: undefined }), await order({ seed: undefined }));
});

Deno.test("a stream of random numbers may be given in place of a seed", async () => {
  const random = () => new RandomStream(5, STREAMS.queue).seek(3);
  assert.deepEqual(await order({ random: random() }), await order({ random: random(), seed: 2 }));
});

Deno.test("an open shuffle queue keeps its minimum; dequeue waits at it", async () => {
  const queue = shuffled({ minAfterDequeue: 2 });
  await queue.enqueueMany([0, 1, 2]);
  await queue.dequeue();
  assert.equal(queue.size, 2);
  assert.equal(queue.tryDequeue(), undefined);
  const waiting = queue.dequeue();
  assert.ok(await isPending(waiting));
  await queue.enqueue(3);
  await waiting;
  assert.equal(queue.size, 2);
});

Deno.test("dequeueMany and dequeueUpTo stop at the minimum of an open shuffle queue", async () => {
  for (const method of ["dequeueMany", "dequeueUpTo"] as const) {
    const queue = shuffled({ minAfterDequeue: 3 });
    const waiting = queue[method](4);
    await queue.enqueueMany([0, 1, 2, 3, 4]);
    assert.equal(queue.size, 3);
    assert.ok(await isPending(waiting));
    await queue.enqueueMany([5, 6]);
    assert.equal((await waiting).length, 4);
    assert.equal(queue.size, 3);
  }
});

Deno.test("after close the minimum is ignored and all that is left can be drained", async () => {
  const queue = shuffled({ minAfterDequeue: 50 });
  await queue.enqueueMany([0, 1, 2]);
  const waiting = queue.dequeue();
  await queue.close();
  const rest = [await waiting, queue.tryDequeue(), await queue.dequeue()];
  assert.deepEqual(rest.toSorted(), [0, 1, 2]);
  await assert.rejects(queue.dequeue(), {
    name: "OutOfRangeError",
    message:
      'RandomShuffleQueue "ids" is closed and has too few elements: requested 1, current size 0',
  });
});

Deno.test("a shuffle queue takes back what a failed dequeueMany took", async () => {
  const queue = shuffled({ capacity: 3, minAfterDequeue: 1 });
  const waiting = queue.dequeueMany(6);
  await queue.enqueueMany([0, 1, 2, 3, 4]);
  assert.equal(queue.size, 1);
  await queue.close();
  await assert.rejects(waiting, /requested 6, current size 5/);
  assert.deepEqual((await queue.dequeueUpTo(6)).toSorted(), [0, 1, 2, 3, 4]);
});

Deno.test("minAfterDequeue must be an integer from 0 and less than the capacity", () => {
  for (const minAfterDequeue of [-1, 0.5, NaN, 8, 9]) {
    assert.throws(() => shuffled({ capacity: 8, minAfterDequeue }), (error) => {
      assert.ok(error instanceof InvalidArgumentError);
      assert.match(error.message, /RandomShuffleQueue "ids" as minAfterDequeue must be/);
      return true;
    });
  }
  assert.equal(shuffled({ capacity: 8, minAfterDequeue: 7 }).minAfterDequeue, 7);
});

Deno.test("producers and consumers of any pace lose and double nothing, and keep their order in line", async () => {
  const random = new RandomStream(2, STREAMS.test).seek(0);
  for (let round = 0; round < 50; round++) {
    const capacity = 1 + random.uniformInt(6);
    const queue = shuffled({ capacity, minAfterDequeue: random.uniformInt(capacity), seed: 0 });
    const seen: number[] = [];
    const produce = async (first: number) => {
      for (let id = first; id < first + 40;) {
        const count = Math.min(first + 40 - id, random.uniformInt(9));
        await queue.enqueueMany(Array.from({ length: count }, (_, i) => id + i));
        id += count;
      }
    };
    const consume = async () => {
      while (true) {
        const batch = await queue.dequeueUpTo(1 + random.uniformInt(9)).catch(() => []);
        if (batch.length === 0) return;
        seen.push(...batch);
      }
    };
    const consumers = [consume(), consume(), consume()];
    await Promise.all([0, 40, 80].map(produce));
    await queue.close();
    await Promise.all(consumers);
    assert.deepEqual(seen.toSorted((a, b) => a - b), [...Array(120).keys()]);
  }
});
