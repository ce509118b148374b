/** Images and models for the tests of training, made on the spot: no data set is needed. */
import { evalBatches } from "../../src/data/batches/batches.ts";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { ImageStore, sharedLabels } from "../../src/data/image_store.ts";
import { truncatedNormal } from "../../src/nn/initializers.ts";
import { batchNorm, conv, dense, flatten, globalPool, maxPool } from "../../src/nn/layers.ts";
import { createModel, type Model } from "../../src/nn/model.ts";
import { testRandom } from "../support.ts";

/** A network of few parameters for square images of 3 channels: 1,514 for 8x8. */
export function tinyModel(size: number): Model {
  const weights = truncatedNormal(0.1);
  return createModel({
    name: "tiny",
    image: [size, size, 3],
    build(net, images) {
      const x = conv(net, "conv", images, { filters: 8, size: 3, weights, activation: "relu" });
      const window = { size: [2, 2], strides: [2, 2], padding: "same" } as const;
      const flat = flatten(maxPool(net, "pool", x, window));
      return dense(net, "dense", flat, { units: net.classes, weights, decay: 1 });
    },
  }, 10);
}

/** The same with two batch normalizations. */
export function normalizedModel(size: number): Model {
  const weights = truncatedNormal(0.2);
  return createModel({
    name: "normalized",
    image: [size, size, 3],
    build(net, images) {
      const filters = conv(net, "conv", images, { filters: 8, size: 3, weights, biases: null });
      const x = batchNorm(net, "bn1", filters, { slope: 0 });
      const pooled = globalPool(net, "pool", x);
      return dense(net, "dense", batchNorm(net, "bn2", pooled), { units: net.classes, weights });
    },
  }, 10);
}

const IMAGE_SIZE = 32;
const CHANNELS = 3;

/** Images of ten classes: each a wave of its own in every color, at any phase, under noise. */
export function waveImages(count: number, seed: number): ImageStore {
  const random = testRandom(seed);
  const waves = Array.from(
    { length: 10 },
    () => Array.from({ length: CHANNELS }, () => [random(), random() / 2]),
  );
  const imageBytes = CHANNELS * IMAGE_SIZE * IMAGE_SIZE;
  const bytes = new Uint8Array(new SharedArrayBuffer(count * imageBytes));
  const labels = Array.from({ length: count }, (_, image) => image % 10);
  let at = 0;
  for (const label of labels) {
    const phase = 6 * random();
    for (const [across, down] of waves[label]) {
      for (let y = 0; y < IMAGE_SIZE; y++) {
        for (let x = 0; x < IMAGE_SIZE; x++) {
          bytes[at++] = 128 + 70 * Math.sin(across * x + down * y + phase) + 50 * (random() - 0.5);
        }
      }
    }
  }
  return new ImageStore({
    format: { height: IMAGE_SIZE, width: IMAGE_SIZE, channels: CHANNELS, order: "CHW" },
    recordBytes: imageBytes,
    pixelOffset: 0,
    source: { kind: "memory", bytes: bytes.buffer },
    labels: sharedLabels(labels),
  });
}

/** The first images and labels as an evaluation sees them: central crop, standardized. */
export async function fixedBatch(
  store: ImageStore,
  batchSize: number,
): Promise<{ images: Float32Array<ArrayBuffer>; labels: Uint32Array<ArrayBuffer> }> {
  const options = { store, augment: REFERENCE_AUGMENT, batchSize, workers: 1 };
  for await (const { images, labels } of evalBatches(options)) {
    return { images: Float32Array.from(images), labels: Uint32Array.from(labels) };
  }
  throw new RangeError("no images");
}
