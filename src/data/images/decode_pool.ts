// Image files decoded by several threads, in the order of the files.

import type { DataError } from "../../util/errors.ts";
import { Coordinator } from "../queues/coordinator.ts";
import { OutOfRangeError } from "../queues/errors.ts";
import { FIFOQueue } from "../queues/fifo_queue.ts";
import { QueueRunner } from "../queues/queue_runner.ts";
import type { WaitOptions } from "../queues/queue_options.ts";
import { DecodeThread } from "./decode_thread.ts";
import type { ImageSize } from "./load_image.ts";

/** The planes of an image, [3, height, width], or what is wrong with its file. */
export type Decoded = Uint8Array<ArrayBuffer> | DataError;

/** How to decode files. */
export interface DecodeOptions {
  /** What the images are brought to. */
  readonly size: ImageSize;
  /** Threads, at least 1. */
  readonly workers: number;
  /**
   * A file that the system refuses ends the decoding (`throw`), or is given as if it were damaged
   * (`give`). Default `throw`.
   */
  readonly refused?: "throw" | "give";
  /** Ends the decoding; what waits for an image gets the signal's reason. */
  readonly signal?: AbortSignal;
  /** An image that takes longer than this stops the decoding, ms. Default 2 minutes. */
  readonly stallMs?: number;
  /** Another worker module, for tests. */
  readonly workerModule?: URL;
}

interface Job {
  readonly path: string;
  readonly decoded: PromiseWithResolvers<Decoded>;
}

/** Images that may be under way or done before their turn, for each thread. */
const JOBS_A_WORKER = 8;

/**
 * Decodes image files and brings them to one size. The results come in the order of the paths,
 * whatever the number of threads, and are the same. The threads end with the iteration, however that
 * ends.
 *
 * @throws {UserError} if the system refuses a file, unless those are given
 * @throws {Error} if a worker fails or ends, with its message and stack
 */
export async function* decodeFiles(
  paths: readonly string[],
  options: DecodeOptions,
): AsyncGenerator<Decoded, void, undefined> {
  const { signal, stallMs = 120_000 } = options;
  const module = options.workerModule ?? new URL("./decode_worker.ts", import.meta.url);
  const workers = Math.max(1, Math.min(options.workers, paths.length));
  const coordinator = new Coordinator();
  const abort = () => coordinator.requestStop(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", abort);
  const threads = Array.from(
    { length: workers },
    (_, i) => new DecodeThread({ name: `decode worker ${i}`, module, stallMs }),
  );
  try {
    const { jobs, ordered } = startJobs(paths, workers, coordinator);
    for (const thread of threads) {
      const done = coordinator.stopOnException(() => drive(thread, jobs, options, coordinator));
      coordinator.registerThread({ name: thread.name, done });
    }
    for (let i = 0; i < paths.length; i++) {
      const job = await ordered.dequeue({ signal: coordinator.signal });
      yield await unlessStopped(job.decoded.promise, coordinator.signal);
    }
  } catch (error) {
    coordinator.requestStop(error);
  } finally {
    signal?.removeEventListener("abort", abort);
    coordinator.requestStop();
    await Promise.all(threads.map((thread) => thread.terminate()));
    await coordinator.join();
  }
}

/** Each path becomes a job for whichever thread is free, and keeps its place among the results. */
function startJobs(paths: readonly string[], workers: number, coordinator: Coordinator) {
  const capacity = workers * JOBS_A_WORKER;
  const jobs = new FIFOQueue<Job>({ name: "image files", capacity });
  const ordered = new FIFOQueue<Job>({ name: "decoded images", capacity });
  let next = 0;
  const enqueue = async (options: WaitOptions) => {
    if (next === paths.length) throw new OutOfRangeError(`All ${next} files were given out`);
    const job = { path: paths[next++], decoded: Promise.withResolvers<Decoded>() };
    // First its place: while the results wait to be taken, no thread runs ahead.
    await ordered.enqueue(job, options);
    await jobs.enqueue(job, options);
  };
  new QueueRunner({ queue: jobs, enqueueOps: [enqueue] }).createThreads({ coordinator });
  return { jobs, ordered };
}

async function drive(
  thread: DecodeThread,
  jobs: FIFOQueue<Job>,
  { size, refused = "throw" }: DecodeOptions,
  coordinator: Coordinator,
): Promise<void> {
  for await (const { path, decoded } of jobs) {
    if (coordinator.shouldStop) return;
    decoded.resolve(await thread.decode({ path, size, refused }));
  }
}

async function unlessStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([promise, stopped.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
