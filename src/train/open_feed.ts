import { BatchLoader } from "../data/batches/batches.ts";
import { DeviceFeed, type Feed } from "./feed.ts";
import type { TrainOptions } from "./train.ts";

/**
 * Worker threads that make the batches, or the numbers of those that the device makes.
 *
 * @param firstBatch the number of the first one
 */
export function openFeed(options: TrainOptions, firstBatch: number): Feed {
  const { train: store, augment, shuffle, workers, logEvery } = options;
  const { batchSize, seed } = options.recipe;
  if (options.input === "device") {
    const { count, format } = store;
    return new DeviceFeed(store, { count, format, augment, shuffle, batchSize, seed }, firstBatch);
  }
  // The steps between two reads are queued at once: their batches must be ready by then.
  const slots = Math.min(Math.max(logEvery, 2 * workers) + 2, 64);
  return new BatchLoader({ store, augment, shuffle, batchSize, seed, workers, slots, firstBatch });
}
