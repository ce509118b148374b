/** Timing on the wall clock, for work that a device does later than it is told to. */
import type { Device } from "../src/engine/device.ts";

/** Something to be timed. */
export interface Work {
  /** Queues the work once. */
  run(): void;
  /** Returns when all that was queued is done, so that its time is counted and not only its queuing. */
  finish(): Promise<unknown>;
}

/** How long to measure. */
export interface Budget {
  /** Runs before the first that counts: they compile shaders and touch fresh memory. Default 2. */
  readonly warmUps?: number;
  /** Seconds that the samples may take together, once there are `samples` of them. Default 1. */
  readonly seconds?: number;
  /** The fewest samples. Default 5. */
  readonly samples?: number;
  /** The most runs that are queued before waiting. Default 1000. */
  readonly maxQueued?: number;
}

/** Seconds of one run. */
export interface Timing {
  readonly median: number;
  /** The least disturbed sample: what the machine can do when nothing else uses it. */
  readonly minimum: number;
  readonly samples: number;
  /** Runs in a sample. */
  readonly queued: number;
}

/** A sample shorter than this is mostly the cost of waiting, so that several runs make one. */
const SAMPLE_SECONDS = 0.03;

/** Warms up, finds how many runs make a sample, then takes samples until the budget is spent. */
export async function time(work: Work, budget: Budget = {}): Promise<Timing> {
  const { warmUps = 2, seconds = 1, samples = 5, maxQueued = 1000 } = budget;
  const sample = async (runs: number) => {
    const start = performance.now();
    for (let i = 0; i < runs; i++) work.run();
    await work.finish();
    return (performance.now() - start) / 1000;
  };
  for (let i = 0; i < warmUps; i++) await sample(1);
  let queued = 1;
  while (await sample(queued) < SAMPLE_SECONDS && queued < maxQueued) {
    queued = Math.min(queued * 2, maxQueued);
  }
  const times: number[] = [];
  for (let spent = 0; times.length < samples || spent < seconds;) {
    const elapsed = await sample(queued);
    spent += elapsed;
    times.push(elapsed / queued);
  }
  return { median: median(times), minimum: Math.min(...times), samples: times.length, queued };
}

/** The middle value; of an even number of values the upper one of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** A wait for everything queued on a device that copies a few bytes only. */
export interface Fence extends Disposable {
  wait(): Promise<unknown>;
}

/** Makes a fence; disposing of it frees its memory. */
export function createFence(device: Device): Fence {
  const buffer = device.allocate(16, "fence");
  return {
    wait: () => device.read({ buffer, offset: 0, bytes: 4 }),
    [Symbol.dispose]: () => device.free(buffer),
  };
}
