import assert from "node:assert/strict";
import { Coordinator } from "../../../src/data/queues/coordinator.ts";
import {
  CancelledError,
  InvalidArgumentError,
  OutOfRangeError,
} from "../../../src/data/queues/errors.ts";
import { FIFOQueue } from "../../../src/data/queues/fifo_queue.ts";
import { QueueRunner, startQueueRunners } from "../../../src/data/queues/queue_runner.ts";
import { isPending } from "./helpers.ts";

const numbers = (capacity = 4, name = "numbers") => new FIFOQueue<number>({ name, capacity });

/** Enqueues 0, 1, 2 and so on up to a limit, then is out of range. */
function counting(queue: FIFOQueue<number>, limit: number) {
  let next = 0;
  return async () => {
    if (next === limit) throw new OutOfRangeError("counted to the end");
    await queue.enqueue(next++);
  };
}

async function all(queue: FIFOQueue<number>): Promise<number[]> {
  const seen: number[] = [];
  for await (const number of queue) seen.push(number);
  return seen;
}

Deno.test("a runner has one thread an operation, and a closer with a coordinator", async () => {
  const queue = numbers();
  const op = counting(queue, 0);
  const alone = new QueueRunner({ queue, enqueueOps: [op, op, op] }).createThreads();
  assert.deepEqual(alone.map(({ name }) => name), [0, 1, 2].map((i) => `numbers enqueue ${i}`));
  const coordinator = new Coordinator();
  const runner = new QueueRunner({ queue, enqueueOps: [op, op] });
  const threads = runner.createThreads({ coordinator });
  assert.deepEqual(threads.map(({ name }) => name), [
    "numbers enqueue 0",
    "numbers enqueue 1",
    "numbers closer",
  ]);
  coordinator.requestStop();
  await Promise.all([...alone, ...threads].map(({ done }) => done));
});

Deno.test("operations run at once, one a thread", async () => {
  const queue = numbers();
  const inside = Promise.withResolvers<void>();
  let running = 0;
  const op = async () => {
    if (++running === 3) inside.resolve();
    await inside.promise;
    throw new OutOfRangeError("the end");
  };
  const threads = new QueueRunner({ queue, enqueueOps: [op, op, op] }).createThreads();
  await Promise.all(threads.map(({ done }) => done));
  assert.equal(running, 3);
});

Deno.test("the last thread that comes to the end closes the queue: consumers drain, then are out of range", async () => {
  const queue = numbers(2);
  const more = Promise.withResolvers<void>();
  const slow = async () => {
    await more.promise;
    throw new OutOfRangeError("the end");
  };
  const runner = new QueueRunner({ queue, enqueueOps: [counting(queue, 3), slow] });
  const [first, last] = runner.createThreads();
  assert.deepEqual(await queue.dequeueMany(3), [0, 1, 2]);
  await first.done;
  assert.equal(queue.isClosed, false, "one thread still runs");
  await queue.enqueueMany([7, 8]);
  const pending = queue.enqueue(9);
  more.resolve();
  assert.ok(await isPending(last.done), "the close waits behind the enqueue that waits");
  assert.deepEqual(await all(queue), [7, 8, 9]);
  await Promise.all([last.done, pending]);
  assert.deepEqual(runner.exceptionsRaised, []);
});

Deno.test("other types can be configured as the end of the input", async () => {
  const queue = numbers();
  class Finished extends Error {}
  const op = () => Promise.reject(new Finished());
  const [thread] = new QueueRunner({ queue, enqueueOps: [op], queueClosedTypes: [Finished] })
    .createThreads();
  await thread.done;
  assert.equal(queue.isClosed, true);
});

Deno.test("errors of the close at the end are ignored", async () => {
  const queue = numbers();
  await queue.close();
  const [thread] = new QueueRunner({ queue, enqueueOps: [counting(queue, 0)] }).createThreads();
  await thread.done;
});

Deno.test("any other error stops the coordinator, which reports the first one", async () => {
  const queue = numbers();
  const coordinator = new Coordinator();
  const bad = (message: string) => () => Promise.reject(new Error(message));
  const runner = new QueueRunner({ queue, enqueueOps: [bad("first"), bad("second")] });
  runner.createThreads({ coordinator });
  await assert.rejects(coordinator.join(), /first/);
  assert.equal(queue.isClosed, true, "the closer closed it");
  assert.deepEqual(runner.exceptionsRaised, []);
});

Deno.test("without a coordinator an error is logged, stored and thrown in its thread", async () => {
  const queue = numbers();
  const lines: string[] = [];
  const mistake = new Error("mistake");
  const runner = new QueueRunner({
    queue,
    enqueueOps: [() => Promise.reject(mistake)],
    log: (line) => lines.push(line),
  });
  const [thread] = runner.createThreads();
  await assert.rejects(thread.done, mistake);
  assert.deepEqual(runner.exceptionsRaised, [mistake]);
  assert.deepEqual(lines, ['The runner of queue "numbers" failed: Error: mistake']);
  assert.equal(queue.isClosed, false);
  runner.createThreads({ start: false });
  assert.deepEqual(runner.exceptionsRaised, [], "new threads start with none");
});

Deno.test("a failed thread is no end of the input: the last one to end closes the queue", async () => {
  const queue = numbers();
  const bad = () => Promise.reject(new Error("mistake"));
  const runner = new QueueRunner({ queue, enqueueOps: [bad, counting(queue, 2)], log: () => {} });
  const [broken] = runner.createThreads();
  await assert.rejects(broken.done);
  assert.deepEqual(await all(queue), [0, 1]);
});

Deno.test("the threads run until the coordinator stops; the closer frees those that wait", async () => {
  const queue = numbers(2);
  const coordinator = new Coordinator();
  const op = counting(queue, Infinity);
  const runner = new QueueRunner({ queue, enqueueOps: [op, op] });
  const threads = runner.createThreads({ coordinator });
  assert.deepEqual(await queue.dequeueMany(5), [0, 1, 2, 3, 4]);
  assert.ok(await isPending(Promise.race(threads.map(({ done }) => done))));
  coordinator.requestStop();
  await coordinator.join(threads, { stopGracePeriodMs: 1_000 });
  assert.equal(queue.isClosed, true);
});

Deno.test("after a stop no operation is started again", async () => {
  const queue = numbers(100);
  const coordinator = new Coordinator();
  let calls = 0;
  const op = () => {
    if (++calls === 3) coordinator.requestStop();
    return Promise.resolve();
  };
  new QueueRunner({ queue, enqueueOps: [op] }).createThreads({ coordinator });
  await coordinator.join([], { stopGracePeriodMs: 1_000 });
  assert.equal(calls, 3);
});

Deno.test("an operation gets the coordinator's signal", async () => {
  const coordinator = new Coordinator();
  const upstream = numbers(1, "upstream");
  const queue = numbers();
  const runner = new QueueRunner({
    queue,
    enqueueOps: [async (wait) => await queue.enqueue(await upstream.dequeue(wait), wait)],
  });
  const threads = runner.createThreads({ coordinator });
  assert.ok(await isPending(threads[0].done));
  coordinator.requestStop();
  await coordinator.join();
});

Deno.test("the closer ignores errors of the close", async () => {
  const coordinator = new Coordinator();
  const closes: unknown[] = [];
  const queue = {
    name: "broken",
    close: (options: unknown) => {
      closes.push(options);
      return Promise.reject(new Error("cannot close"));
    },
  };
  const op = async () => void await coordinator.waitForStop();
  new QueueRunner({ queue, enqueueOps: [op] }).createThreads({ coordinator });
  coordinator.requestStop();
  await coordinator.join();
  assert.deepEqual(closes, [{ cancelPendingEnqueues: true }]);
});

Deno.test("while its threads run a runner makes no new ones; afterwards it does", async () => {
  const queue = numbers(1);
  const runner = new QueueRunner({ queue, enqueueOps: [counting(queue, 2)] });
  const [first] = runner.createThreads();
  assert.deepEqual(runner.createThreads(), []);
  assert.deepEqual(await all(queue), [0, 1]);
  await first.done;
  const [again] = runner.createThreads();
  await again.done;
});

Deno.test("threads that are not started run from their start on", async () => {
  const queue = numbers();
  const runner = new QueueRunner({ queue, enqueueOps: [counting(queue, 1)] });
  const [thread] = runner.createThreads({ start: false });
  assert.ok(await isPending(thread.done));
  assert.equal(queue.size, 0);
  thread.start();
  thread.start();
  assert.deepEqual(await all(queue), [0]);
});

Deno.test("startQueueRunners starts the threads of all runners", async () => {
  const queues = [numbers(2, "a"), numbers(2, "b")];
  const runners = queues.map((queue) =>
    new QueueRunner({ queue, enqueueOps: [counting(queue, 3)] })
  );
  const coordinator = new Coordinator();
  const threads = startQueueRunners(runners, { coordinator });
  assert.deepEqual(threads.map(({ name }) => name), [
    "a enqueue 0",
    "a closer",
    "b enqueue 0",
    "b closer",
  ]);
  assert.deepEqual(await Promise.all(queues.map(all)), [[0, 1, 2], [0, 1, 2]]);
  coordinator.requestStop();
  await coordinator.join();
});

Deno.test("the main loop with four threads ends whether it stops by itself or by an error", async () => {
  for (const failing of [false, true]) {
    const queue = numbers();
    const coordinator = new Coordinator();
    const op = counting(queue, Infinity);
    const runner = new QueueRunner({ queue, enqueueOps: [op, op, op, op] });
    runner.createThreads({ coordinator });
    const seen: number[] = [];
    const main = async () => {
      try {
        while (!coordinator.shouldStop && seen.length < 20) {
          seen.push(await queue.dequeue());
          if (failing && seen.length === 10) throw new Error("the step failed");
        }
      } catch (error) {
        coordinator.requestStop(error);
      } finally {
        coordinator.requestStop();
        await coordinator.join();
      }
    };
    await (failing ? assert.rejects(main(), /the step failed/) : main());
    assert.deepEqual(seen, [...Array(failing ? 10 : 20).keys()]);
  }
});

Deno.test("an endless runner and its consumer let timers fire", async () => {
  const queue = numbers();
  const coordinator = new Coordinator();
  new QueueRunner({ queue, enqueueOps: [counting(queue, Infinity)] }).createThreads({
    coordinator,
  });
  setTimeout(() => coordinator.requestStop(), 1);
  const deadline = performance.now() + 2_000;
  while (!coordinator.shouldStop && performance.now() < deadline) {
    await queue.dequeue().catch(() => {});
  }
  assert.equal(coordinator.shouldStop, true);
  await coordinator.join();
});

Deno.test("a runner without operations is refused", () => {
  assert.throws(
    () => new QueueRunner({ queue: numbers(), enqueueOps: [] }),
    InvalidArgumentError,
  );
});

Deno.test("an operation that is cancelled by a foreign close is an error", async () => {
  const queue = numbers(1);
  const coordinator = new Coordinator();
  new QueueRunner({ queue, enqueueOps: [counting(queue, Infinity)] }).createThreads({
    coordinator,
  });
  assert.equal(await queue.dequeue(), 0);
  await queue.close({ cancelPendingEnqueues: true });
  await assert.rejects(coordinator.join(), CancelledError);
});
