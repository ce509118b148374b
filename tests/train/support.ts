/** Images and models for the tests of training, made on the spot: no data set is needed. */
import { evalBatches } from "../../src/data/batches/batches.ts";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import { ImageStore, sharedLabels } from "../../src/data/image_store.ts";
import { constantInitializer, truncatedNormal } from "../../src/nn/initializers.ts";
import type { Model } from "../../src/nn/model.ts";
import { conv2d } from "../../src/ops/conv.ts";
import { reshape } from "../../src/ops/layout.ts";
import { matmul } from "../../src/ops/matmul.ts";
import { maxPool2d } from "../../src/ops/pool.ts";
import { testRandom } from "../support.ts";

/** A network of 1,514 parameters for square images of 3 channels. */
export function tinyModel(size: number): Model {
  const features = (size / 2) ** 2 * 8;
  const small = truncatedNormal(0.1);
  const zero = constantInitializer(0);
  return {
    name: "tiny",
    image: [size, size, 3],
    classes: 10,
    parameters: [
      { name: "conv/weights", shape: [3, 3, 3, 8], initializer: small, decayed: false },
      { name: "conv/biases", shape: [8], initializer: zero, decayed: false },
      { name: "dense/weights", shape: [features, 10], initializer: small, decayed: true },
      { name: "dense/biases", shape: [10], initializer: zero, decayed: false },
    ],
    logits(p, images) {
      const conv = conv2d(images, p["conv/weights"], {
        bias: p["conv/biases"],
        activation: "relu",
      });
      const pooled = maxPool2d(conv, { size: [2, 2], strides: [2, 2], padding: "same" });
      const flat = reshape(pooled, [images.shape[0], features]);
      return matmul(flat, p["dense/weights"], { bias: p["dense/biases"] });
    },
  };
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
