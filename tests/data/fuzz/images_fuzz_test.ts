/** Three and a half thousand damaged pictures: refused, or an image of the size that was asked for. */
import assert from "node:assert/strict";
import { decodeImage } from "../../../src/data/images/decode_image.ts";
import { resizeImage } from "../../../src/data/images/resize_image.ts";
import { DataError } from "../../../src/util/errors.ts";
import golden from "../../golden/images.json" with { type: "json" };
import { testRandom } from "../../support.ts";

const FILES = 3500;

/** Cut off, with some bits flipped, or with a part written over. */
function damage(bytes: Uint8Array, random: () => number): Uint8Array {
  const below = (n: number) => Math.floor(random() * n);
  const way = below(3);
  if (way === 0) return bytes.slice(0, below(bytes.length));
  const damaged = bytes.slice();
  if (way === 1) {
    for (let flips = 1 + below(4); flips > 0; flips--) {
      damaged[below(damaged.length)] ^= 1 << below(8);
    }
  } else {
    const start = below(damaged.length);
    for (let i = start; i < Math.min(start + 1 + below(20), damaged.length); i++) {
      damaged[i] = below(256);
    }
  }
  return damaged;
}

Deno.test("damaged PNG and JPEG files are refused, or decode to pixels; nothing else happens", async () => {
  const random = testRandom(31);
  const files = [...golden.pngs.map((png) => ({ ...png, png: true })), ...golden.jpegs];
  const counts = { refused: 0, decoded: 0, pngDecoded: 0 };
  for (let i = 0; i < FILES; i++) {
    const { name, file, ...rest } = files[i % files.length];
    const bytes = damage(Uint8Array.fromBase64(file), random);
    try {
      const image = await decodeImage(bytes, name);
      assert.equal(image.data.length, image.width * image.height * 3);
      const fitted = resizeImage(image, 8, 8);
      assert.equal(fitted.data.length, 8 * 8 * 3);
      counts.decoded++;
      if ("png" in rest) counts.pngDecoded++;
    } catch (error) {
      assert.ok(error instanceof DataError, `${name}, file ${i}: ${(error as Error).stack}`);
      assert.ok(!error.message.includes("\n"));
      counts.refused++;
    }
  }
  assert.equal(counts.refused + counts.decoded, FILES);
  assert.ok(counts.refused > FILES / 2, JSON.stringify(counts));
  // Every pixel of a PNG is under a checksum: what decodes was damaged elsewhere, in what is not read.
  assert.ok(counts.pngDecoded < FILES / 20, JSON.stringify(counts));
});
