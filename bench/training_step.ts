/** The training step, of the reference CNN unless asked otherwise, on a batch that stays the same. */
import type { Device } from "../src/engine/device.ts";
import { Trainer, type TrainingBatch } from "../src/train/trainer.ts";
import { HISTORY_ROWS } from "../src/train/training_graph.ts";
import { kilnNet, recipeOf } from "./kiln_nets.ts";
import { createFence, median, time, type Timing } from "./measure.ts";
import type { Net } from "./peers/nets/net.ts";
import { reference } from "./peers/nets/reference.ts";
import { batchOf } from "./peers/numbers.ts";

const TRAINING_IMAGES = 50_000;

/** A trainer with the batch that it is fed. */
export interface TrainingStep extends Disposable {
  readonly trainer: Trainer;
  readonly batch: TrainingBatch;
}

/** Compiles the step; the reference's has `train`'s defaults. Its images are the same numbers as the peers'. */
export async function createStep(
  device: Device,
  batchSize: number,
  net: Net = reference,
): Promise<TrainingStep> {
  const recipe = recipeOf(net, batchSize);
  const options = { model: kilnNet(net).model, recipe, trainingImages: TRAINING_IMAGES };
  const trainer = await Trainer.create(device, options);
  const { images, labels } = batchOf(batchSize, net.image);
  const batch = { images, labels: Uint32Array.from(labels) };
  return { trainer, batch, [Symbol.dispose]: () => trainer.destroy() };
}

/** What the whole step takes. */
export interface StepResult {
  readonly time: Timing;
  readonly imagesPerSecond: number;
  readonly dispatches: number;
  readonly flops: number;
  /** Bytes of the plan's own buffers, and what they would be if none were shared. */
  readonly planBytes: number;
  readonly unsharedBytes: number;
  /** All bytes on the device, parameters and their averages included. */
  readonly deviceBytes: number;
}

/** Times the step, upload of the batch included, without making the batch. */
export async function timeStep(
  device: Device,
  batchSize: number,
  net?: Net,
): Promise<StepResult> {
  using step = await createStep(device, batchSize, net);
  const { trainer, batch } = step;
  const work = { run: () => trainer.run(batch), finish: () => trainer.losses() };
  const timing = await time(work, { seconds: 5, samples: 10, maxQueued: HISTORY_ROWS });
  const { dispatches, flops, bytes, unsharedBytes } = trainer.plan.summary;
  return {
    time: timing,
    imagesPerSecond: batchSize / timing.median,
    dispatches,
    flops,
    planBytes: bytes,
    unsharedBytes,
    deviceBytes: device.memory.used,
  };
}

/** What it takes JavaScript to upload a batch, encode the step and submit it. */
export interface EncodeResult {
  /** Seconds. */
  readonly median: number;
  readonly minimum: number;
  readonly runs: number;
  /** The small batch that was used. */
  readonly batch: number;
  readonly dispatches: number;
}

const ENCODE_RUNS = 300;

/**
 * Times the calls alone, each on an idle device, at the smallest batch whose step has as many dispatches
 * as the one of `batchSize`: the time does not depend on shapes but for the upload of the images.
 */
export async function timeEncode(
  device: Device,
  batchSize: number,
  net?: Net,
): Promise<EncodeResult> {
  using step = await smallStep(device, batchSize, net);
  using fence = createFence(device);
  const { trainer, batch } = step;
  const times: number[] = [];
  for (let i = -ENCODE_RUNS / 4; i < ENCODE_RUNS; i++) {
    const start = performance.now();
    trainer.run(batch);
    const elapsed = (performance.now() - start) / 1000;
    if (i >= 0) times.push(elapsed);
    await (trainer.step % 100 === 0 ? trainer.losses() : fence.wait());
  }
  return {
    median: median(times),
    minimum: Math.min(...times),
    runs: times.length,
    batch: batch.labels.length,
    dispatches: trainer.plan.summary.dispatches,
  };
}

/** The smallest step with as many dispatches as the step of a whole batch. */
export async function smallStep(
  device: Device,
  batchSize: number,
  net?: Net,
): Promise<TrainingStep> {
  const dispatches = await dispatchesAt(device, batchSize, net);
  for (let batch = 1; batch < batchSize; batch *= 2) {
    const step = await createStep(device, batch, net);
    if (step.trainer.plan.summary.dispatches === dispatches) return step;
    step[Symbol.dispose]();
  }
  return await createStep(device, batchSize, net);
}

async function dispatchesAt(device: Device, batchSize: number, net?: Net): Promise<number> {
  using step = await createStep(device, batchSize, net);
  return step.trainer.plan.summary.dispatches;
}
