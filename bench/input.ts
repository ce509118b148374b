/** The input system: how fast batches are made, and whether a step waits for them. */
import { AUGMENT_LENGTH, MIX_LENGTH } from "../src/ops/augment_row.ts";
import { createAugmenter } from "../src/data/augment/apply.ts";
import { centerRow, drawAugment } from "../src/data/augment/draw.ts";
import { REFERENCE_AUGMENT } from "../src/data/augment/spec.ts";
import { BatchDraw } from "../src/data/batches/batch_draw.ts";
import { BatchLoader } from "../src/data/batches/batches.ts";
import type { ImageStore } from "../src/data/image_store.ts";
import type { Device } from "../src/engine/device.ts";
import { DeviceFeed, type Feed } from "../src/train/feed.ts";
import { DeviceImages } from "../src/train/device_images.ts";
import { InputWindow } from "../src/train/input_summary.ts";
import { referenceCnn } from "../src/nn/models/reference.ts";
import { REFERENCE_RECIPE } from "../src/train/recipe.ts";
import { Trainer } from "../src/train/trainer.ts";
import { formatTable } from "../src/util/table.ts";
import { fixed, formatBytes, formatShare } from "../src/util/units.ts";
import { RandomStream, STREAMS } from "../src/util/random.ts";
import { time } from "./measure.ts";
import { randomImages } from "./random_images.ts";

/** More than fit in a processor's caches. */
const IMAGES = 10_000;
const SEED = 0;
/** Batches kept ready, as `train` keeps them by default. */
const SLOTS = 12;
const SECONDS = 3;

/** One way to get images, and what it reaches. */
export interface InputRow {
  readonly what: string;
  readonly imagesPerSecond: number;
  /** Share of the time that the step waited; where there is a step and a queue. */
  readonly waitShare?: number;
  /** How full the queue was on average. */
  readonly fill?: number;
}

/** What the input system reaches on this machine. */
export interface InputResult {
  readonly rows: readonly InputRow[];
  /** Bytes of the data set on the device, of 50,000 images. */
  readonly deviceBytes: number;
}

/** Times the parts of the input and the training step with each of them. */
export async function timeInput(
  open: () => Promise<Device>,
  batchSize: number,
): Promise<InputResult> {
  const store = randomImages(IMAGES);
  const cores = navigator.hardwareConcurrency;
  const rows: InputRow[] = [
    await timeAugment(store, batchSize),
    await timePreparation(store, batchSize),
    await timeDraw(store, batchSize),
  ];
  for (const workers of new Set([1, cores])) {
    rows.push(await timeLoader(store, { batchSize, workers }));
  }
  for (const input of ["host", "device"] as const) {
    const device = await open();
    try {
      rows.push(await timeTraining(store, { device, batchSize, input }));
    } finally {
      device.destroy();
    }
  }
  return { rows, deviceBytes: 50_000 * 32 * 32 * 3 };
}

/** Decoding and augmenting on one thread. */
async function timeAugment(store: ImageStore, batchSize: number): Promise<InputRow> {
  const apply = createAugmenter(REFERENCE_AUGMENT, store.format);
  const random = new RandomStream(SEED, STREAMS.augment);
  const row = new Float32Array(AUGMENT_LENGTH);
  const out = new Float32Array(24 * 24 * 3);
  let next = 0;
  const { median } = await time({
    run() {
      for (let i = 0; i < batchSize; i++) {
        next = (next + 1) % store.count;
        drawAugment(REFERENCE_AUGMENT, store.format, random.seek(0, next), row);
        apply(store.pixels(next), row, out);
      }
    },
    finish: () => Promise.resolve(),
  });
  return { what: "one thread, training images", imagesPerSecond: batchSize / median };
}

/** What evaluation does, on one thread. */
async function timePreparation(store: ImageStore, batchSize: number): Promise<InputRow> {
  const apply = createAugmenter(REFERENCE_AUGMENT, store.format);
  const row = new Float32Array(AUGMENT_LENGTH);
  const out = new Float32Array(24 * 24 * 3);
  centerRow(REFERENCE_AUGMENT, store.format, row);
  let next = 0;
  const { median } = await time({
    run() {
      for (let i = 0; i < batchSize; i++) apply(store.pixels(next++ % store.count), row, out);
    },
    finish: () => Promise.resolve(),
  });
  return { what: "one thread, evaluation images", imagesPerSecond: batchSize / median };
}

/** What is left to the host when the device makes the images. */
async function timeDraw(store: ImageStore, batchSize: number): Promise<InputRow> {
  const draw = new BatchDraw({ ...drawOptions(store, batchSize) });
  const arrays = {
    ids: new Uint32Array(batchSize),
    rows: new Float32Array(batchSize * AUGMENT_LENGTH),
    mix: new Float32Array(MIX_LENGTH),
  };
  let batch = 0;
  const { median } = await time({
    run: () => draw.draw(batch++, arrays),
    finish: () => Promise.resolve(),
  });
  return { what: "one thread, random numbers alone", imagesPerSecond: batchSize / median };
}

function drawOptions(store: ImageStore, batchSize: number) {
  const { count, format } = store;
  const augment = REFERENCE_AUGMENT;
  return { count, format, batchSize, augment, seed: SEED, shuffle: "epoch" as const };
}

/** The queue with a reader that does nothing else: the limit of the input itself. */
async function timeLoader(
  store: ImageStore,
  { batchSize, workers }: { batchSize: number; workers: number },
): Promise<InputRow> {
  const augment = REFERENCE_AUGMENT;
  await using loader = new BatchLoader({ store, augment, batchSize, seed: SEED, workers });
  const take = async (batches: number) => {
    for (let i = 0; i < batches; i++) {
      using _batch = loader.tryNext() ?? await loader.next();
    }
  };
  await take(100);
  const start = performance.now();
  let batches = 0;
  for (; performance.now() - start < SECONDS * 1000; batches += 10) await take(10);
  const seconds = (performance.now() - start) / 1000;
  return {
    what: `queue, ${workers} worker thread${workers === 1 ? "" : "s"}, no step`,
    imagesPerSecond: batches * batchSize / seconds,
  };
}

/** Training's own step with batches that are made meanwhile. */
async function timeTraining(
  store: ImageStore,
  { device, batchSize, input }: { device: Device; batchSize: number; input: "host" | "device" },
): Promise<InputRow> {
  const recipe = { ...REFERENCE_RECIPE, batchSize };
  const onDevice = input === "device";
  const images = onDevice
    ? new DeviceImages(store, REFERENCE_AUGMENT, device.maxBindingBytes)
    : undefined;
  using trainer = await Trainer.create(device, {
    model: referenceCnn,
    recipe,
    trainingImages: store.count,
    input: { device: images },
  });
  await using feed: Feed = onDevice
    ? new DeviceFeed(store, drawOptions(store, batchSize))
    : new BatchLoader({ store, augment: REFERENCE_AUGMENT, batchSize, seed: SEED, slots: SLOTS });
  const steps = async (count: number) => {
    for (let i = 0; i < count; i++) {
      using batch = feed.tryNext() ?? await feed.next();
      trainer.run(batch);
    }
    await trainer.losses();
  };
  await steps(5);
  const window = new InputWindow(feed.stats(), batchSize);
  const start = performance.now();
  let done = 0;
  for (; performance.now() - start < 2 * SECONDS * 1000; done += 10) await steps(10);
  const seconds = (performance.now() - start) / 1000;
  const summary = window.until(feed.stats(), seconds);
  return {
    what: `training step, images made by the ${onDevice ? "device" : "worker threads"}`,
    imagesPerSecond: done * batchSize / seconds,
    waitShare: summary?.waitShare,
    fill: summary?.fill,
  };
}

export function formatInput({ rows, deviceBytes }: InputResult, batchSize: number): string {
  const table = formatTable(
    rows.map(({ what, imagesPerSecond, waitShare, fill }) => [
      what,
      fixed(imagesPerSecond, 0),
      waitShare === undefined ? "" : formatShare(waitShare),
      fill === undefined ? "" : formatShare(fill),
    ]),
    {
      heading: `Input, 32x32 images to ${referenceCnn.image[0]}x${
        referenceCnn.image[1]
      }, the reference's augmentation, batch ${batchSize}`,
      columns: ["", "images/s", "waited", "queue full"],
      indent: 2,
    },
  );
  return `${table}\n  50,000 images take ${formatBytes(deviceBytes)} on the device`;
}
