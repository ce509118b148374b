/** Signals that call a wait off, and calls that never wait. */
import assert from "node:assert/strict";
import { OutOfRangeError } from "../../../src/data/queues/errors.ts";
import { FIFOQueue } from "../../../src/data/queues/fifo_queue.ts";
import { RandomShuffleQueue } from "../../../src/data/queues/random_shuffle_queue.ts";
import { isPending } from "./helpers.ts";

const files = (capacity: number) => new FIFOQueue<string>({ name: "files", capacity });

Deno.test("a call with a fired signal rejects with its reason and does nothing", async () => {
  const queue = files(2);
  await queue.enqueue("a");
  const reason = new Error("stop");
  const options = { signal: AbortSignal.abort(reason) };
  await assert.rejects(queue.enqueue("b", options), reason);
  await assert.rejects(queue.enqueueMany(["b"], options), reason);
  await assert.rejects(queue.dequeue(options), reason);
  await assert.rejects(queue.dequeueMany(1, options), reason);
  await assert.rejects(queue.dequeueUpTo(1, options), reason);
  await assert.rejects(queue.close(options), reason);
  assert.deepEqual([queue.size, queue.isClosed], [1, false]);
});

Deno.test("an aborted enqueue leaves the line, and those behind it move up", async () => {
  const queue = files(1);
  await queue.enqueue("a");
  const controller = new AbortController();
  const aborted = queue.enqueue("b", controller);
  const behind = queue.enqueue("c");
  controller.abort();
  await assert.rejects(aborted, { name: "AbortError" });
  assert.deepEqual([await queue.dequeue(), await queue.dequeue()], ["a", "c"]);
  await behind;
});

Deno.test("an aborted enqueueMany leaves in what is in, and lets the next one go", async () => {
  const queue = files(2);
  const controller = new AbortController();
  const aborted = queue.enqueueMany(["a", "b", "c"], controller);
  const behind = queue.enqueue("d");
  controller.abort(new Error("stop"));
  await assert.rejects(aborted, /stop/);
  assert.deepEqual(await queue.dequeueMany(3), ["a", "b", "d"]);
  await behind;
});

Deno.test("an aborted dequeueMany gives back what it took, in front, to the next in line", async () => {
  const queue = files(2);
  const controller = new AbortController();
  const aborted = queue.dequeueMany(4, controller);
  const behind = queue.dequeueMany(2);
  await queue.enqueueMany(["a", "b", "c"]);
  assert.ok(await isPending(behind));
  controller.abort();
  await assert.rejects(aborted, { name: "AbortError" });
  assert.deepEqual(await behind, ["a", "b"]);
  await queue.enqueue("d");
  assert.deepEqual(await queue.dequeueMany(2), ["c", "d"]);
});

Deno.test("what goes back may exceed the capacity; enqueues then wait until there is room", async () => {
  const queue = files(1);
  const controller = new AbortController();
  const aborted = queue.dequeueUpTo(4, controller);
  await queue.enqueueMany(["a", "b", "c"]);
  controller.abort();
  await assert.rejects(aborted);
  assert.equal(queue.size, 3);
  const waiting = queue.enqueue("d");
  assert.deepEqual(await queue.dequeueMany(2), ["a", "b"]);
  assert.ok(await isPending(waiting));
  assert.equal(await queue.dequeue(), "c");
  await waiting;
});

Deno.test("an aborted dequeueMany gives back to a shuffle queue, too", async () => {
  const queue = new RandomShuffleQueue<number>({ name: "ids", capacity: 4, minAfterDequeue: 1 });
  const controller = new AbortController();
  const aborted = queue.dequeueMany(5, controller);
  await queue.enqueueMany([0, 1, 2, 3]);
  assert.equal(queue.size, 1);
  controller.abort();
  await assert.rejects(aborted);
  await queue.close();
  assert.deepEqual((await queue.dequeueMany(4)).toSorted(), [0, 1, 2, 3]);
});

Deno.test("an aborted close leaves the queue open", async () => {
  const queue = files(1);
  await queue.enqueue("a");
  const waiting = queue.enqueue("b");
  const controller = new AbortController();
  const closing = queue.close(controller);
  controller.abort();
  await assert.rejects(closing, { name: "AbortError" });
  assert.deepEqual(await queue.dequeueMany(2), ["a", "b"]);
  await waiting;
  await queue.enqueue("c");
  assert.equal(queue.isClosed, false);
});

Deno.test("a signal that fires after its call is done changes nothing", async () => {
  const queue = files(2);
  const controller = new AbortController();
  const waiting = queue.dequeueMany(2, controller);
  await queue.enqueueMany(["a", "b"]);
  controller.abort();
  assert.deepEqual(await waiting, ["a", "b"]);
  assert.equal(queue.size, 0);
});

Deno.test("a call that has settled does not listen to its signal any more", async () => {
  const queue = files(1);
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  const calls = [queue.dequeue({ signal }), queue.dequeue({ signal })];
  assert.equal(listeners, 2);
  await queue.enqueue("a");
  queue.close();
  await Promise.allSettled(calls);
  assert.equal(listeners, 0);
  const full = files(1);
  full.tryEnqueue("a");
  const waiting = full.enqueue("b", { signal });
  assert.equal(listeners, 1);
  full.close({ cancelPendingEnqueues: true });
  await assert.rejects(waiting);
  assert.equal(listeners, 0);
});

Deno.test("a loop over elements ends with the reason of its signal, even if that is OutOfRange", async () => {
  const queue = files(1);
  const controller = new AbortController();
  const looping = (async () => {
    for await (const _ of queue.elements(controller)) assert.fail("nothing was enqueued");
  })();
  const reason = new OutOfRangeError("another queue's end");
  controller.abort(reason);
  await assert.rejects(looping, reason);
});

Deno.test("tryEnqueue and tryDequeue do at once what they can, and say what they cannot", () => {
  const queue = files(2);
  assert.equal(queue.tryDequeue(), undefined);
  assert.deepEqual(["a", "b", "c"].map((file) => queue.tryEnqueue(file)), [true, true, false]);
  assert.deepEqual([queue.tryDequeue(), queue.tryDequeue(), queue.tryDequeue()], [
    "a",
    "b",
    undefined,
  ]);
});

Deno.test("tryDequeue lets in an enqueue that waits, and tryEnqueue serves a dequeue that waits", async () => {
  const queue = files(1);
  queue.tryEnqueue("a");
  const enqueued = queue.enqueue("b");
  assert.equal(queue.tryDequeue(), "a");
  await enqueued;
  assert.equal(queue.tryDequeue(), "b");
  const dequeued = queue.dequeue();
  assert.equal(queue.tryEnqueue("c"), true);
  assert.equal(await dequeued, "c");
});

Deno.test("tryDequeue does not overtake a dequeue that waits", async () => {
  const queue = new RandomShuffleQueue<number>({ name: "ids", capacity: 3, minAfterDequeue: 1 });
  const waiting = queue.dequeueMany(4);
  queue.tryEnqueue(0);
  assert.equal(queue.size, 1);
  const controller = new AbortController();
  const behind = queue.dequeue(controller);
  assert.equal(queue.tryDequeue(), undefined);
  assert.ok(await isPending(waiting));
  controller.abort();
  await assert.rejects(behind);
  queue.close();
  await assert.rejects(waiting, OutOfRangeError);
  assert.equal(queue.tryDequeue(), 0);
});

Deno.test("tryEnqueue does not overtake a close that waits", async () => {
  const queue = files(1);
  const controller = new AbortController();
  const waiting = queue.enqueueMany(["a", "b"]);
  const closing = queue.close(controller);
  assert.equal(queue.tryEnqueue("c"), false);
  assert.deepEqual(await queue.dequeueMany(2), ["a", "b"]);
  await Promise.all([waiting, closing]);
});
