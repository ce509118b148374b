/** Image stores made on the spot, for tests. */
import {
  imageBytes,
  type ImageFormat,
  ImageStore,
  sharedLabels,
} from "../../src/data/image_store.ts";
import { RandomStream, STREAMS } from "../../src/util/random.ts";

/** The format of CIFAR's images. */
export const CIFAR_FORMAT: ImageFormat = { height: 32, width: 32, channels: 3, order: "CHW" };

/** Random images with labels 0 to 9 in turn; the same for the same seed. */
export function randomStore(
  count: number,
  seed: number,
  format: ImageFormat = CIFAR_FORMAT,
): ImageStore {
  const random = new RandomStream(seed, STREAMS.test);
  const recordBytes = imageBytes(format);
  const bytes = new Uint8Array(new SharedArrayBuffer(count * recordBytes));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.uniformInt(256);
  return new ImageStore({
    format,
    recordBytes,
    pixelOffset: 0,
    source: { kind: "memory", bytes: bytes.buffer },
    labels: sharedLabels(Array.from({ length: count }, (_, i) => i % 10)),
  });
}
