import assert from "node:assert/strict";
import { checkAugment } from "../../src/data/augment/check.ts";
import { ImageStore, sharedLabels } from "../../src/data/image_store.ts";
import { meanImage, meanValues } from "../../src/data/mean_image.ts";
import { ConfigError } from "../../src/util/errors.ts";
import { PLAIN } from "./augment/support.ts";

/** Two images of 1x2 pixels, in planes or interleaved. */
function store(order: "CHW" | "HWC", bytes: readonly number[]): ImageStore {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return new ImageStore({
    format: { height: 1, width: 2, channels: 3, order },
    recordBytes: 6,
    pixelOffset: 0,
    source: { kind: "memory", bytes: shared.buffer },
    labels: sharedLabels([0, 1]),
  });
}

Deno.test("the mean image is that of each place, interleaved however images are stored", () => {
  const expected = [2, 60, 101, 6, 1, 127.5];
  using interleaved = store("HWC", [1, 20, 101, 4, 0, 255, 3, 100, 101, 8, 2, 0]);
  const mean = meanImage(interleaved);
  assert.deepEqual([mean.height, mean.width], [1, 2]);
  assert.deepEqual([...meanValues(mean)], expected);
  using planes = store("CHW", [1, 4, 20, 0, 101, 255, 3, 8, 100, 2, 101, 0]);
  assert.deepEqual([...meanValues(meanImage(planes))], expected);
});

Deno.test("a mean image of another size than the images is refused", () => {
  using images = store("CHW", new Array(12).fill(9));
  const normalization = { kind: "pixel", ...meanImage(images) } as const;
  const spec = { ...PLAIN, crop: [1, 1], normalization } as const;
  checkAugment(spec, images.format);
  assert.throws(() => checkAugment(spec, { ...images.format, height: 2 }), ConfigError);
});
