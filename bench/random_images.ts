/** Random images in place of a data set, so that nothing need be fetched. */
import { ImageStore, sharedLabels } from "../src/data/image_store.ts";
import { RandomStream } from "../src/util/random.ts";

const FORMAT = { height: 32, width: 32, channels: 3, order: "CHW" } as const;
const IMAGE_BYTES = 32 * 32 * 3;

/** Images like CIFAR-10's, of random bytes, with labels of ten classes. */
export function randomImages(count: number): ImageStore {
  const bytes = new Uint8Array(new SharedArrayBuffer(count * IMAGE_BYTES));
  const words = new Uint32Array(bytes.buffer);
  // Fast, as it counts as start of the program; quality does not matter.
  let word = 1;
  for (let i = 0; i < words.length; i++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[i] = word;
  }
  const random = new RandomStream(0, 0);
  return new ImageStore({
    format: FORMAT,
    recordBytes: IMAGE_BYTES,
    pixelOffset: 0,
    source: { kind: "memory", bytes: bytes.buffer },
    labels: sharedLabels(Uint8Array.from({ length: count }, () => random.uniformInt(10))),
  });
}
