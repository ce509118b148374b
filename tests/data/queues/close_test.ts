/** Closing a queue while calls wait, in both directions. */
import assert from "node:assert/strict";
import { CancelledError, OutOfRangeError } from "../../../src/data/queues/errors.ts";
import { FIFOQueue } from "../../../src/data/queues/fifo_queue.ts";
import { eventLoopTurn } from "../../../src/util/event_loop.ts";
import { isPending, notes } from "./helpers.ts";

const files = (capacity: number) => new FIFOQueue<string>({ name: "files", capacity });

Deno.test("close waits behind the enqueues that wait: they finish, later ones are cancelled", async () => {
  const queue = files(1);
  const { log, note } = notes();
  note("many", queue.enqueueMany(["a", "b"]));
  note("one", queue.enqueue("c"));
  note("close", queue.close());
  note("late", queue.enqueue("d"));
  assert.equal(queue.isClosed, false);
  assert.deepEqual([await queue.dequeue(), await queue.dequeue()], ["a", "b"]);
  assert.equal(queue.isClosed, true, "all that waited is in");
  assert.equal(await queue.dequeue(), "c");
  await assert.rejects(queue.dequeue(), OutOfRangeError);
  assert.deepEqual(log, ["many", "one", "close", "late: CancelledError"]);
});

Deno.test("close with nothing waiting is done at once, in the same turn", () => {
  const queue = files(1);
  queue.close();
  assert.equal(queue.isClosed, true);
});

Deno.test("closing twice is cancelled", async () => {
  const queue = files(1);
  await queue.enqueue("a");
  await queue.close();
  await assert.rejects(queue.close(), {
    name: "CancelledError",
    message: 'FIFOQueue "files" is closed: requested to close it, current size 1',
  });
});

Deno.test("of two closes that wait, the second is cancelled", async () => {
  const queue = files(1);
  const { log, note } = notes();
  note("first", queue.enqueueMany(["a", "b"]));
  note("close", queue.close());
  note("again", queue.close());
  await queue.dequeueMany(2);
  assert.deepEqual(log, ["first", "close", "again: CancelledError"]);
});

Deno.test("close with cancelPendingEnqueues closes at once and cancels the enqueues that wait", async () => {
  const queue = files(2);
  const many = queue.enqueueMany(["a", "b", "c"]);
  const one = queue.enqueue("d");
  const closing = queue.close();
  await queue.close({ cancelPendingEnqueues: true });
  assert.equal(queue.isClosed, true);
  await assert.rejects(many, {
    name: "CancelledError",
    message: 'FIFOQueue "files" is closed: requested to enqueue 3, current size 2',
  });
  await assert.rejects(one, CancelledError);
  await assert.rejects(closing, CancelledError);
  assert.deepEqual(await queue.dequeueMany(2), ["a", "b"], "what was in stays in");
});

Deno.test("close with cancelPendingEnqueues may come again, and after a close", async () => {
  const queue = files(1);
  await queue.close();
  await queue.close({ cancelPendingEnqueues: true });
  await queue.close({ cancelPendingEnqueues: true });
});

Deno.test("dequeues that wait at a close are not cancelled: they drain, then are out of range", async () => {
  for (const cancelPendingEnqueues of [false, true]) {
    const queue = files(2);
    const { log, note } = notes();
    const large = queue.dequeueMany(3);
    note("large", large);
    note("small", queue.dequeue());
    note("rest", queue.dequeueUpTo(5));
    note("none", queue.dequeue());
    await queue.enqueueMany(["a", "b"]);
    assert.ok(await isPending(large));
    await queue.close({ cancelPendingEnqueues });
    await assert.rejects(large, OutOfRangeError);
    await eventLoopTurn();
    assert.deepEqual(
      log.toSorted(),
      ["large: OutOfRangeError", "none: OutOfRangeError", "rest", "small"],
    );
  }
});

Deno.test("a dequeue that waits gets what an enqueue before the close brings", async () => {
  const queue = files(1);
  const dequeues = [queue.dequeue(), queue.dequeueUpTo(2)];
  const enqueues = queue.enqueueMany(["a", "b", "c"]);
  await queue.close();
  assert.deepEqual(await Promise.all(dequeues), ["a", ["b", "c"]]);
  await enqueues;
});

Deno.test("a loop over a queue ends cleanly when it is closed and empty", async () => {
  const queue = files(1);
  const filling = queue.enqueueMany(["a", "b", "c"]);
  queue.close();
  const seen: string[] = [];
  for await (const file of queue) seen.push(file);
  assert.deepEqual(seen, ["a", "b", "c"]);
  await filling;
});

Deno.test("leaving a loop over a queue leaves the rest in it", async () => {
  const queue = files(3);
  await queue.enqueueMany(["a", "b", "c"]);
  for await (const file of queue) {
    assert.equal(file, "a");
    break;
  }
  assert.equal(queue.isClosed, false);
  assert.deepEqual(await queue.dequeueMany(2), ["b", "c"]);
});

Deno.test("an error in the body of a loop over a queue is not taken for its end", async () => {
  const queue = files(1);
  await queue.enqueue("a");
  const mistake = new OutOfRangeError("mine");
  await assert.rejects(async () => {
    for await (const _ of queue) throw mistake;
  }, mistake);
});
