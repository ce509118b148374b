import assert from "node:assert/strict";
import { batch, type Batching, shuffleBatch } from "../../../src/data/queues/batch.ts";
import { Coordinator } from "../../../src/data/queues/coordinator.ts";
import { tuple } from "../../../src/data/queues/element_type.ts";
import { InvalidArgumentError, OutOfRangeError } from "../../../src/data/queues/errors.ts";
import { FIFOQueue } from "../../../src/data/queues/fifo_queue.ts";
import { RandomShuffleQueue } from "../../../src/data/queues/random_shuffle_queue.ts";
import { eventLoopTurn } from "../../../src/util/event_loop.ts";
import { isPending } from "./helpers.ts";

/** 0, 1, 2 and so on up to a limit, then out of range. */
function numbers(limit = Infinity) {
  let next = 0;
  return () =>
    next === limit
      ? Promise.reject(new OutOfRangeError("counted to the end"))
      : Promise.resolve(next++);
}

async function all<B>({ runner, next }: Batching<number, B>): Promise<B[]> {
  runner.createThreads();
  const batches: B[] = [];
  try {
    while (batches.length < 100) batches.push(await next());
    assert.fail("the input has no end");
  } catch (error) {
    assert.ok(error instanceof OutOfRangeError);
    return batches;
  }
}

Deno.test("batch keeps the order of its source, in a FIFO queue of 32 by default", async () => {
  const batching = batch(numbers(8), { batchSize: 4 });
  assert.ok(batching.queue instanceof FIFOQueue);
  assert.equal(batching.queue.capacity, 32);
  assert.deepEqual(await all(batching), [[0, 1, 2, 3], [4, 5, 6, 7]]);
});

Deno.test("a leftover partial batch is dropped", async () => {
  const batching = batch(numbers(7), { batchSize: 4, capacity: 2 });
  assert.deepEqual(await all(batching), [[0, 1, 2, 3]]);
  assert.equal(batching.queue.size, 3);
});

Deno.test("a leftover partial batch comes last with allowSmallerFinalBatch", async () => {
  const batching = batch(numbers(7), { batchSize: 4, allowSmallerFinalBatch: true });
  assert.deepEqual(await all(batching), [[0, 1, 2, 3], [4, 5, 6]]);
});

Deno.test("numThreads copies of the source run at once", async () => {
  const calls: PromiseWithResolvers<number>[] = [];
  const source = () => {
    calls.push(Promise.withResolvers<number>());
    return calls[calls.length - 1].promise;
  };
  const coordinator = new Coordinator();
  const { runner, next } = batch(source, { batchSize: 3, numThreads: 3 });
  const threads = runner.createThreads({ coordinator });
  assert.equal(threads.length, 4, "and the closer");
  await eventLoopTurn();
  assert.equal(calls.length, 3);
  // The order is that of completion, not of the calls.
  for (const i of [2, 0, 1]) {
    calls[i].resolve(i);
    await isPending(calls[i].promise);
  }
  assert.deepEqual(await next(), [2, 0, 1]);
  for (const call of calls.slice(3)) call.reject(new OutOfRangeError("the end"));
  coordinator.requestStop();
  await coordinator.join();
});

Deno.test("shuffleBatch draws from a shuffle queue: each example once, in the seed's order", async () => {
  const options = { batchSize: 5, capacity: 20, minAfterDequeue: 10, seed: 4 };
  const batching = shuffleBatch(numbers(50), options);
  assert.ok(batching.queue instanceof RandomShuffleQueue);
  assert.equal(batching.queue.minAfterDequeue, 10);
  const batches = await all(batching);
  const seen = batches.flat();
  assert.deepEqual(seen.toSorted((a, b) => a - b), [...Array(50).keys()]);
  assert.notDeepEqual(seen, [...Array(50).keys()]);
  assert.deepEqual(await all(shuffleBatch(numbers(50), options)), batches);
  assert.equal(shuffleBatch(numbers(), { batchSize: 1, minAfterDequeue: 3 }).queue.capacity, 32);
});

Deno.test("shuffleBatch drops a leftover partial batch, or gives it last", async () => {
  const options = { batchSize: 4, capacity: 8, minAfterDequeue: 5 };
  for (const allowSmallerFinalBatch of [false, true]) {
    const batching = shuffleBatch(numbers(10), { ...options, allowSmallerFinalBatch });
    const sizes = (await all(batching)).map(({ length }) => length);
    assert.deepEqual(sizes, allowSmallerFinalBatch ? [4, 4, 2] : [4, 4]);
    assert.equal(batching.queue.size, allowSmallerFinalBatch ? 0 : 2);
  }
});

Deno.test("next can be called off, and leaves the examples to the next call", async () => {
  for (const allowSmallerFinalBatch of [false, true]) {
    const { queue, next } = batch(numbers(), { batchSize: 2, allowSmallerFinalBatch });
    const controller = new AbortController();
    const aborted = next(controller);
    await queue.enqueue(7);
    controller.abort();
    await assert.rejects(aborted, { name: "AbortError" });
    await queue.enqueue(8);
    assert.deepEqual(await next(), [7, 8]);
  }
});

Deno.test("whoever closes the queue of batches ends its threads without an error", async () => {
  const { queue, runner } = batch(numbers(), { batchSize: 2, capacity: 4 });
  const [thread] = runner.createThreads();
  assert.ok(await isPending(thread.done), "it waits at the full queue");
  await queue.close({ cancelPendingEnqueues: true });
  await thread.done;
  assert.deepEqual(runner.exceptionsRaised, []);
});

Deno.test("shuffleBatch requires a capacity above its minimum", () => {
  const options = { batchSize: 1, capacity: 4, minAfterDequeue: 4 };
  assert.throws(() => shuffleBatch(numbers(), options), InvalidArgumentError);
});

Deno.test("batches of declared components are stacked", async () => {
  const components = tuple({ id: { dtype: "u32", shape: [] }, xy: { dtype: "f32", shape: [2] } });
  const source = () => Promise.resolve({ id: 3, xy: Float32Array.of(1, 2) });
  const { runner, next } = batch(source, { batchSize: 2, components });
  const coordinator = new Coordinator();
  runner.createThreads({ coordinator });
  assert.deepEqual(await next(), { id: Uint32Array.of(3, 3), xy: Float32Array.of(1, 2, 1, 2) });
  coordinator.requestStop();
  await coordinator.join();
});

Deno.test("an error of the source reaches the coordinator", async () => {
  const coordinator = new Coordinator();
  const { runner } = batch(() => Promise.reject(new Error("bad record")), { batchSize: 1 });
  runner.createThreads({ coordinator });
  await assert.rejects(coordinator.join(), /bad record/);
});

Deno.test("a batch size and a number of threads that are no counts from 1 are refused", () => {
  for (const wrong of [{ batchSize: 0 }, { batchSize: 1.5 }, { batchSize: 1, numThreads: 0 }]) {
    assert.throws(() => batch(numbers(), wrong), RangeError);
  }
});
