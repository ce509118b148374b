import assert from "node:assert/strict";
import { Coordinator } from "../../../src/data/queues/coordinator.ts";
import { CancelledError, OutOfRangeError } from "../../../src/data/queues/errors.ts";
import { FIFOQueue } from "../../../src/data/queues/fifo_queue.ts";
import { isPending, thread } from "./helpers.ts";

Deno.test("a stop sets the flag and fires the signal with its error", () => {
  const coordinator = new Coordinator();
  const { signal } = coordinator;
  assert.deepEqual([coordinator.shouldStop, signal.aborted], [false, false]);
  const error = new Error("mistake");
  coordinator.requestStop(error);
  assert.deepEqual([coordinator.shouldStop, signal.aborted], [true, true]);
  assert.equal(signal.reason, error);
});

Deno.test("a stop without an error fires the signal with a CancelledError", async () => {
  const coordinator = new Coordinator();
  const queue = new FIFOQueue<number>({ name: "ids", capacity: 1 });
  const waiting = queue.dequeue(coordinator);
  coordinator.requestStop();
  await assert.rejects(waiting, CancelledError);
});

Deno.test("join throws the first error; requesting a stop again changes nothing", async () => {
  const coordinator = new Coordinator();
  const first = new Error("first");
  coordinator.requestStop(first);
  coordinator.requestStop(new Error("second"));
  coordinator.requestStop();
  await assert.rejects(coordinator.join(), first);
});

Deno.test("an error after a stop without one is not reported", async () => {
  const coordinator = new Coordinator();
  coordinator.requestStop();
  coordinator.requestStop(new Error("late"));
  assert.deepEqual(await coordinator.join(), []);
});

Deno.test("OutOfRangeError is a clean stop: join does not throw it", async () => {
  const coordinator = new Coordinator();
  coordinator.requestStop(new OutOfRangeError("the end"));
  assert.equal(coordinator.shouldStop, true);
  await coordinator.join();
});

Deno.test("the clean types can be chosen, and then OutOfRangeError is none unless named", async () => {
  const clean = new Coordinator({ cleanStopTypes: [TypeError] });
  clean.requestStop(new TypeError("fine"));
  await clean.join();
  const other = new Coordinator({ cleanStopTypes: [TypeError] });
  other.requestStop(new OutOfRangeError("the end"));
  await assert.rejects(other.join(), OutOfRangeError);
});

Deno.test("after join an error is thrown at once, a clean one never", async () => {
  const coordinator = new Coordinator();
  await coordinator.join();
  const error = new Error("late");
  assert.throws(() => coordinator.requestStop(error), error);
  await assert.rejects(coordinator.stopOnException(() => Promise.reject(error)), error);
  assert.equal(coordinator.shouldStop, false);
  coordinator.requestStop(new OutOfRangeError("the end"));
  coordinator.requestStop();
});

Deno.test(
  "waits leave no timer behind",
  { sanitizeOps: true, sanitizeResources: true },
  async () => {
    const coordinator = new Coordinator();
    const waiting = coordinator.waitForStop(60_000);
    const one = thread("one");
    coordinator.requestStop();
    const joining = coordinator.join([one]);
    one.end();
    await Promise.all([waiting, joining]);
  },
);

Deno.test("waitForStop says whether the stop came in time", async () => {
  const coordinator = new Coordinator();
  assert.equal(await coordinator.waitForStop(1), false);
  const waiting = [coordinator.waitForStop(), coordinator.waitForStop(60_000)];
  assert.ok(await isPending(Promise.race(waiting)));
  coordinator.requestStop();
  assert.deepEqual(await Promise.all(waiting), [true, true]);
  assert.equal(await coordinator.waitForStop(0), true);
});

Deno.test("clearStop forgets the stop, its error and the join, and makes a new signal", async () => {
  const coordinator = new Coordinator();
  coordinator.requestStop(new Error("old"));
  await assert.rejects(coordinator.join(), /old/);
  const stopped = coordinator.signal;
  coordinator.clearStop();
  assert.deepEqual([coordinator.shouldStop, coordinator.signal.aborted, stopped.aborted], [
    false,
    false,
    true,
  ]);
  await coordinator.join();
  coordinator.clearStop();
  coordinator.requestStop(new Error("new"));
  await assert.rejects(coordinator.join(), /new/);
});

Deno.test("join waits for registered threads and for those it is given", async () => {
  const coordinator = new Coordinator();
  const [registered, given] = [thread("registered"), thread("given")];
  coordinator.registerThread(registered);
  const joining = coordinator.join([given, registered]);
  assert.ok(await isPending(joining));
  registered.end();
  assert.ok(await isPending(joining));
  given.end();
  assert.deepEqual(await joining, []);
  assert.equal(coordinator.shouldStop, false, "the end of the threads is no stop");
});

Deno.test("join does not wait for threads registered after it, and forgets those it joined", async () => {
  const coordinator = new Coordinator();
  const early = thread("early");
  coordinator.registerThread(early);
  const joining = coordinator.join();
  const late = thread("late");
  coordinator.registerThread(late);
  early.end();
  await joining;
  late.end();
  await coordinator.join();
});

Deno.test("without a stop join waits longer than the grace period", async () => {
  const coordinator = new Coordinator();
  const slow = thread("slow");
  const joining = coordinator.join([slow], { stopGracePeriodMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(await isPending(joining));
  slow.end();
  await joining;
});

Deno.test("threads that still run after the grace period are named", async () => {
  const coordinator = new Coordinator();
  const threads = ["reader 0", "reader 1", "closer"].map(thread);
  for (const one of threads) coordinator.registerThread(one);
  const joining = coordinator.join([], { stopGracePeriodMs: 5 });
  threads[1].end();
  const start = performance.now();
  coordinator.requestStop();
  await assert.rejects(joining, {
    message: "Coordinator stopped with threads still running: reader 0, closer",
  });
  assert.ok(performance.now() - start >= 4);
});

Deno.test("the grace period is 120 seconds by default, and its timer ends with join", async () => {
  const { setTimeout, clearTimeout } = globalThis;
  const delays: unknown[] = [];
  let cleared = 0;
  globalThis.setTimeout = ((wake: () => void, delay: number) => {
    delays.push(delay);
    return setTimeout(wake, 0);
  }) as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    cleared++;
    clearTimeout(timer);
  };
  try {
    const coordinator = new Coordinator();
    coordinator.requestStop();
    await assert.rejects(coordinator.join([thread("stuck")]), /still running: stuck/);
    assert.deepEqual([delays, cleared], [[120_000], 1]);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
});

Deno.test("threads that end within the grace period are no stragglers, and join ends with them", async () => {
  const coordinator = new Coordinator();
  const one = thread("one");
  coordinator.requestStop();
  const joining = coordinator.join([one]);
  assert.ok(await isPending(joining));
  one.end();
  await joining;
});

Deno.test("a recorded error goes before the stragglers", async () => {
  const coordinator = new Coordinator();
  coordinator.requestStop(new Error("the cause"));
  await assert.rejects(coordinator.join([thread("stuck")], { stopGracePeriodMs: 1 }), /the cause/);
});

Deno.test("with ignoreLiveThreads the stragglers are returned instead", async () => {
  const coordinator = new Coordinator();
  coordinator.requestStop();
  const options = { stopGracePeriodMs: 1, ignoreLiveThreads: true };
  coordinator.registerThread(thread("stuck"));
  assert.deepEqual(await coordinator.join([thread("given")], options), ["stuck", "given"]);
  assert.deepEqual(await coordinator.join([], options), [], "a thread is joined once");
});

Deno.test("stopOnException requests a stop with what its function throws, now or later", async () => {
  for (
    const work of [() => {
      throw new Error("mistake");
    }, () => Promise.reject(new Error("mistake"))]
  ) {
    const coordinator = new Coordinator();
    assert.equal(await coordinator.stopOnException(work), undefined);
    assert.equal(coordinator.shouldStop, true);
    await assert.rejects(coordinator.join(), /mistake/);
  }
  const coordinator = new Coordinator();
  assert.equal(await coordinator.stopOnException(() => 5), 5);
  assert.equal(coordinator.shouldStop, false);
});

Deno.test("a thread that rejects requests the stop, and has ended", async () => {
  const coordinator = new Coordinator();
  const [broken, other] = [thread("broken"), thread("other")];
  coordinator.registerThread(broken);
  coordinator.registerThread(other);
  const joining = coordinator.join();
  broken.fail(new Error("mistake"));
  await coordinator.waitForStop();
  other.end();
  await assert.rejects(joining, /mistake/);
});

Deno.test("a straggler that rejects after join ends no process", async () => {
  const coordinator = new Coordinator();
  const stuck = thread("stuck");
  coordinator.requestStop();
  await coordinator.join([stuck], { stopGracePeriodMs: 1, ignoreLiveThreads: true });
  stuck.fail(new Error("too late"));
  await isPending(stuck.done);
});
