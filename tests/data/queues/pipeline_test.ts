/** An input producer, readers of its files, batches of their records and one coordinator over all. */
import assert from "node:assert/strict";
import { batch, type BatchingOptions } from "../../../src/data/queues/batch.ts";
import { Coordinator } from "../../../src/data/queues/coordinator.ts";
import { OutOfRangeError } from "../../../src/data/queues/errors.ts";
import { inputProducer } from "../../../src/data/queues/input_producer.ts";
import { startQueueRunners } from "../../../src/data/queues/queue_runner.ts";

const FILES = ["a", "b", "c", "d", "e"];

interface PipelineOptions extends Partial<BatchingOptions<string, string[]>> {
  readonly numEpochs?: number;
  /** Called with each file that is read. */
  readonly read?: (file: string) => void;
}

/** Files in their order, one record a file. */
function pipeline({ numEpochs, read = () => {}, ...options }: PipelineOptions = {}) {
  const files = inputProducer(FILES, { numEpochs, shuffle: false, capacity: 2 });
  const source = async (wait: { signal?: AbortSignal }) => {
    const file = await files.queue.dequeue(wait);
    read(file);
    return `record of ${file}`;
  };
  const records = batch(source, { batchSize: 4, capacity: 4, ...options });
  const coordinator = new Coordinator();
  startQueueRunners([files.runner, records.runner], { coordinator });
  return { files, records, coordinator };
}

/** The reference's main loop: steps until something stops it, then stops all and joins. */
async function train({ records, coordinator }: ReturnType<typeof pipeline>, steps: number) {
  const seen: string[][] = [];
  try {
    while (!coordinator.shouldStop && seen.length < steps) seen.push(await records.next());
  } catch (error) {
    coordinator.requestStop(error);
  } finally {
    coordinator.requestStop();
    await coordinator.join();
  }
  return seen;
}

Deno.test("the end of the files runs through all queues, and is a clean stop", async () => {
  for (const numThreads of [1, 4]) {
    for (const allowSmallerFinalBatch of [false, true]) {
      const run = pipeline({ numEpochs: 2, numThreads, allowSmallerFinalBatch });
      const seen = await train(run, Infinity);
      const sizes = allowSmallerFinalBatch ? [4, 4, 2] : [4, 4];
      assert.deepEqual(seen.map(({ length }) => length), sizes);
      assert.deepEqual([run.files.queue.isClosed, run.records.queue.isClosed], [true, true]);
      assert.equal(run.coordinator.signal.reason.name, "OutOfRangeError");
      await assert.rejects(run.records.next(), OutOfRangeError);
    }
  }
});

Deno.test("a main loop that has enough frees every thread that waits", async () => {
  const run = pipeline({ numThreads: 4 });
  assert.equal((await train(run, 3)).length, 3);
  assert.deepEqual([run.files.queue.isClosed, run.records.queue.isClosed], [true, true]);
});

Deno.test("an error in one thread ends the main loop, and join throws it", async () => {
  const read = (file: string) => {
    if (file === "d") throw new Error("d cannot be read");
  };
  await assert.rejects(train(pipeline({ read }), Infinity), /d cannot be read/);
});
