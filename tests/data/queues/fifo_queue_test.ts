import assert from "node:assert/strict";
import {
  CancelledError,
  InvalidArgumentError,
  OutOfRangeError,
} from "../../../src/data/queues/errors.ts";
import { FIFOQueue } from "../../../src/data/queues/fifo_queue.ts";
import { eventLoopTurn } from "../../../src/util/event_loop.ts";
import { isPending, notes } from "./helpers.ts";

const files = (capacity: number) => new FIFOQueue<string>({ name: "files", capacity });

Deno.test("elements leave a FIFO queue in the order in which they came", async () => {
  const queue = files(40);
  const names = Array.from({ length: 40 }, (_, i) => `file ${i}`);
  for (const name of names) await queue.enqueue(name);
  assert.equal(queue.size, 40);
  for (const name of names) assert.equal(await queue.dequeue(), name);
  assert.equal(queue.size, 0);
});

Deno.test("enqueue waits while the queue is full", async () => {
  const queue = files(1);
  await queue.enqueue("a");
  const waiting = queue.enqueue("b");
  assert.ok(await isPending(waiting));
  assert.equal(queue.size, 1);
  assert.equal(await queue.dequeue(), "a");
  await waiting;
  assert.equal(await queue.dequeue(), "b");
});

Deno.test("dequeue waits while the queue is empty", async () => {
  const queue = files(1);
  const waiting = queue.dequeue();
  assert.ok(await isPending(waiting));
  await queue.enqueue("a");
  assert.equal(await waiting, "a");
});

Deno.test("enqueueMany adds one by one as room appears, and resolves once all are in", async () => {
  const queue = files(2);
  const waiting = queue.enqueueMany(["a", "b", "c", "d"]);
  assert.equal(queue.size, 2);
  assert.equal(await queue.dequeue(), "a");
  assert.equal(queue.size, 2);
  assert.ok(await isPending(waiting));
  assert.equal(await queue.dequeue(), "b");
  await waiting;
  assert.deepEqual(await queue.dequeueMany(2), ["c", "d"]);
});

Deno.test("an empty batch returns at once, even when the queue is full or closed", async () => {
  const queue = files(1);
  await queue.enqueue("a");
  await queue.enqueueMany([]);
  await queue.close();
  await queue.enqueueMany([]);
});

Deno.test("the array given to enqueueMany may change while it waits", async () => {
  const queue = files(1);
  const names = ["a", "b"];
  const waiting = queue.enqueueMany(names);
  names[1] = "changed";
  assert.deepEqual(await queue.dequeueMany(2), ["a", "b"]);
  await waiting;
});

Deno.test("enqueues are served in their order, and the first blocks those behind it", async () => {
  const queue = files(2);
  const { log, note } = notes();
  note("many", queue.enqueueMany(["a", "b", "c", "d"]));
  note("one", queue.enqueue("e"));
  note("other", queue.enqueue("f"));
  const taken: string[] = [];
  for (let i = 0; i < 6; i++) {
    taken.push(await queue.dequeue());
    await eventLoopTurn();
    if (i === 1) assert.deepEqual(log, ["many"]);
  }
  assert.deepEqual(taken, ["a", "b", "c", "d", "e", "f"]);
  assert.deepEqual(log, ["many", "one", "other"]);
});

Deno.test("dequeues are served in their order: a large one blocks a small one behind it", async () => {
  const queue = files(4);
  const large = queue.dequeueMany(3);
  const small = queue.dequeue();
  await queue.enqueueMany(["a", "b"]);
  assert.equal(queue.size, 0);
  assert.ok(await isPending(small));
  await queue.enqueueMany(["c", "d"]);
  assert.deepEqual(await large, ["a", "b", "c"]);
  assert.equal(await small, "d");
});

Deno.test("dequeueMany takes more than the capacity, bit by bit, from interleaving enqueueManys", async () => {
  const queue = files(2);
  const { log, note } = notes();
  note("first", queue.enqueueMany(["a", "b", "c"]));
  note("second", queue.enqueueMany(["d", "e", "f"]));
  const batch = queue.dequeueMany(5);
  assert.deepEqual(await batch, ["a", "b", "c", "d", "e"]);
  assert.equal(queue.size, 1);
  assert.deepEqual(log, ["first", "second"]);
});

Deno.test("two enqueueManys are never mixed, whoever takes in between", async () => {
  const queue = files(3);
  const producers = [queue.enqueueMany(["a1", "a2", "a3", "a4"]), queue.enqueueMany(["b1", "b2"])];
  const consumers = [queue.dequeueMany(2), queue.dequeue(), queue.dequeueMany(3)];
  assert.deepEqual(await Promise.all(consumers), [["a1", "a2"], "a3", ["a4", "b1", "b2"]]);
  await Promise.all(producers);
});

Deno.test("dequeueMany of none returns an empty batch at once", async () => {
  const queue = files(1);
  assert.deepEqual(await queue.dequeueMany(0), []);
  await queue.close();
  assert.deepEqual(await queue.dequeueUpTo(0), []);
});

Deno.test("dequeueMany of none does not stand in line", async () => {
  const queue = files(1);
  const waiting = queue.dequeue();
  assert.deepEqual(await queue.dequeueMany(0), []);
  await queue.enqueue("a");
  await waiting;
});

Deno.test("the room that a dequeueMany leaves goes to the next enqueue in line", async () => {
  const queue = files(1);
  const producers = ["a", "b", "c", "d"].map((file) => queue.enqueue(file));
  assert.deepEqual(await queue.dequeueMany(3), ["a", "b", "c"]);
  await Promise.all(producers);
  assert.equal(queue.size, 1);
});

Deno.test("an enqueue into a closed queue is cancelled, and its error names queue, request and size", async () => {
  const queue = files(4);
  await queue.enqueueMany(["a", "b"]);
  await queue.close();
  assert.equal(queue.isClosed, true);
  await assert.rejects(queue.enqueue("c"), {
    name: "CancelledError",
    message: 'FIFOQueue "files" is closed: requested to enqueue 1, current size 2',
  });
  await assert.rejects(queue.enqueueMany(["c", "d", "e"]), {
    name: "CancelledError",
    message: 'FIFOQueue "files" is closed: requested to enqueue 3, current size 2',
  });
  assert.throws(() => queue.tryEnqueue("c"), CancelledError);
  assert.equal(queue.size, 2);
});

Deno.test("a dequeue from a closed and empty queue is out of range", async () => {
  const queue = files(4);
  await queue.enqueue("a");
  await queue.close();
  assert.equal(await queue.dequeue(), "a");
  const expected = {
    name: "OutOfRangeError",
    message: 'FIFOQueue "files" is closed and has too few elements: requested 1, current size 0',
  };
  await assert.rejects(queue.dequeue(), expected);
  assert.throws(() => queue.tryDequeue(), expected);
});

Deno.test("dequeueMany of more than a closed queue holds is out of range, and takes nothing", async () => {
  const queue = files(4);
  await queue.enqueueMany(["a", "b"]);
  await queue.close();
  await assert.rejects(queue.dequeueMany(4), {
    name: "OutOfRangeError",
    message: 'FIFOQueue "files" is closed and has too few elements: requested 4, current size 2',
  });
  assert.deepEqual(await queue.dequeueMany(2), ["a", "b"]);
});

Deno.test("what a dequeueMany had taken when the queue closes goes back to the front", async () => {
  const queue = files(2);
  const large = queue.dequeueMany(4);
  const small = queue.dequeue();
  await queue.enqueueMany(["a", "b", "c"]);
  assert.equal(queue.size, 0);
  await queue.close();
  await assert.rejects(large, /requested 4, current size 3/);
  assert.equal(await small, "a", "the next in line gets what went back");
  assert.deepEqual(await queue.dequeueMany(2), ["b", "c"]);
});

Deno.test("dequeueUpTo gives the remainder of a closed queue, and is out of range only when nothing is left", async () => {
  const queue = files(4);
  await queue.enqueueMany(["a", "b", "c"]);
  await queue.close();
  assert.deepEqual(await queue.dequeueUpTo(2), ["a", "b"]);
  assert.deepEqual(await queue.dequeueUpTo(2), ["c"]);
  await assert.rejects(queue.dequeueUpTo(2), {
    name: "OutOfRangeError",
    message: 'FIFOQueue "files" is closed and has too few elements: requested 2, current size 0',
  });
});

Deno.test("dequeueUpTo waits for the full count while the queue is open", async () => {
  const queue = files(4);
  const waiting = queue.dequeueUpTo(3);
  await queue.enqueueMany(["a", "b"]);
  assert.ok(await isPending(waiting));
  await queue.close();
  assert.deepEqual(await waiting, ["a", "b"]);
});

Deno.test("dequeueUpTo takes from the enqueues that waited before the close", async () => {
  const queue = files(1);
  const producers = [queue.enqueueMany(["a", "b"]), queue.enqueue("c"), queue.close()];
  assert.equal(queue.isClosed, false);
  assert.deepEqual(await queue.dequeueUpTo(9), ["a", "b", "c"]);
  await Promise.all(producers);
});

Deno.test("a closed queue reports InvalidArgument before OutOfRange for a wrong count", async () => {
  const queue = files(1);
  await queue.close();
  for (const count of [-1, 1.5, NaN, Infinity]) {
    await assert.rejects(queue.dequeueMany(count), {
      name: "InvalidArgumentError",
      message:
        `Cannot dequeue a batch from FIFOQueue "files" as the count must be an integer from 0: requested ${count}, current size 0`,
    });
  }
});

Deno.test("a capacity that is no count from 1 is refused; Infinity is no bound", () => {
  for (const capacity of [0, -1, 1.5, NaN]) {
    assert.throws(() => files(capacity), InvalidArgumentError);
  }
  const queue = files(Infinity);
  for (let i = 0; i < 1000; i++) assert.equal(queue.tryEnqueue("a"), true);
});

Deno.test("undefined is no element", async () => {
  const queue = new FIFOQueue<string | undefined>({ name: "files", capacity: 1 });
  await assert.rejects(queue.enqueue(undefined), InvalidArgumentError);
  await assert.rejects(queue.enqueueMany(["a", undefined]), InvalidArgumentError);
  assert.equal(queue.size, 0, "a wrong batch adds nothing");
});

Deno.test("the error classes are errors and not each other", () => {
  const errors = [new CancelledError("x"), new OutOfRangeError("x"), new InvalidArgumentError("x")];
  for (const error of errors) assert.ok(error instanceof Error);
  assert.ok(!(errors[0] instanceof OutOfRangeError));
});
