import assert from "node:assert/strict";
import { Coordinator } from "../../../src/data/queues/coordinator.ts";
import { FIFOQueue } from "../../../src/data/queues/fifo_queue.ts";
import { inputProducer } from "../../../src/data/queues/input_producer.ts";
import { permutation, STREAMS } from "../../../src/util/random.ts";
import { isPending } from "./helpers.ts";

const FILES = Array.from({ length: 20 }, (_, i) => `data_batch_${i}.bin`);

async function take(count: number, options: Parameters<typeof inputProducer>[1]) {
  const { queue, runner } = inputProducer(FILES, options);
  const coordinator = new Coordinator();
  runner.createThreads({ coordinator });
  const taken = await queue.dequeueMany(count);
  coordinator.requestStop();
  await coordinator.join();
  return taken as string[];
}

Deno.test("an input producer shuffles each epoch by the seed and the number of the epoch", async () => {
  const expected = [0, 1, 2].flatMap((epoch) =>
    Array.from(permutation(20, 7, STREAMS.shuffle, epoch), (i) => FILES[i])
  );
  assert.deepEqual(await take(60, { seed: 7 }), expected);
  assert.notDeepEqual(expected.slice(0, 20), expected.slice(20, 40));
});

Deno.test("seed 0 is a seed; without a seed the order is random", async () => {
  assert.deepEqual(await take(20, { seed: 0 }), await take(20, { seed: 0 }));
  assert.notDeepEqual(await take(20, {}), await take(20, {}));
});

Deno.test("without shuffling the list comes in its order, every epoch", async () => {
  assert.deepEqual(await take(45, { shuffle: false }), [...FILES, ...FILES, ...FILES.slice(0, 5)]);
});

Deno.test("the queue is a FIFO queue of 32 by default, filled by one thread", async () => {
  const { queue, runner } = inputProducer(FILES);
  assert.ok(queue instanceof FIFOQueue);
  assert.equal(queue.capacity, 32);
  const coordinator = new Coordinator();
  const threads = runner.createThreads({ coordinator });
  assert.deepEqual(threads.map(({ name }) => name), [
    "input producer enqueue 0",
    "input producer closer",
  ]);
  assert.ok(await isPending(threads[0].done), "it is endless");
  assert.equal(queue.size, 32);
  coordinator.requestStop();
  await coordinator.join();
  assert.equal(inputProducer(FILES, { capacity: 5 }).queue.capacity, 5);
});

Deno.test("after numEpochs passes the queue is closed: consumers drain it and are out of range", async () => {
  const { queue, runner } = inputProducer(["a", "b", "c"], { numEpochs: 2, name: "files" });
  const [thread] = runner.createThreads();
  await thread.done;
  const seen: string[] = [];
  for await (const file of queue) seen.push(file);
  assert.equal(seen.length, 6);
  for (const epoch of [seen.slice(0, 3), seen.slice(3)]) {
    assert.deepEqual(epoch.toSorted(), ["a", "b", "c"]);
  }
  await assert.rejects(queue.dequeue(), { name: "OutOfRangeError" });
});

Deno.test("the epochs are counted for life: a runner that is started again adds none", async () => {
  const { queue, runner } = inputProducer(["a"], { numEpochs: 1 });
  await runner.createThreads()[0].done;
  await runner.createThreads()[0].done;
  assert.equal(queue.size, 1);
});

Deno.test("the list may change afterwards", async () => {
  const list = ["a", "b"];
  const { queue, runner } = inputProducer(list, { numEpochs: 1, shuffle: false });
  list[0] = "changed";
  await runner.createThreads()[0].done;
  assert.deepEqual(await queue.dequeueMany(2), ["a", "b"]);
});

Deno.test("an empty list, a wrong number of epochs and a wrong seed are refused", () => {
  assert.throws(() => inputProducer([], { name: "files" }), {
    name: "RangeError",
    message: 'Cannot produce input for queue "files" as the list is empty',
  });
  for (const numEpochs of [0, -1, 1.5, NaN]) {
    assert.throws(() => inputProducer(FILES, { numEpochs }), {
      name: "RangeError",
      message:
        `Cannot produce input for queue "input producer" as numEpochs must be an integer from 1, or null: current value is ${numEpochs}`,
    });
  }
  assert.throws(() => inputProducer(FILES, { seed: -1 }), RangeError);
});
