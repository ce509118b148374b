/** Image files against Pillow's pixels, and what is no image. */
import assert from "node:assert/strict";
import { decodeImage } from "../../../src/data/images/decode_image.ts";
import { MAX_PIXELS, readImageHeader } from "../../../src/data/images/image_header.ts";
import { resizeImage, toPlanes } from "../../../src/data/images/resize_image.ts";
import { DataError } from "../../../src/util/errors.ts";
import golden from "../../golden/images.json" with { type: "json" };

const bytesOf = (text: string) => Uint8Array.fromBase64(text);

Deno.test("PNG files of every kind are Pillow's pixels to the byte", async () => {
  assert.ok(golden.pngs.length >= 10);
  for (const { name, width, height, file, rgb } of golden.pngs) {
    const image = await decodeImage(bytesOf(file), name);
    assert.deepEqual([image.width, image.height], [width, height], name);
    const expected = bytesOf(rgb);
    // Two ways to round a blend with white.
    const most = name.includes("alpha") ? 1 : 0;
    assert.ok(largestDifference(image.data, expected) <= most, name);
  }
});

Deno.test("JPEG files are Pillow's pixels, upright whatever their EXIF orientation", async () => {
  assert.ok(golden.jpegs.length >= 12);
  for (const { name, width, height, file, rgb } of golden.jpegs) {
    const image = await decodeImage(bytesOf(file), name);
    assert.deepEqual([image.width, image.height], [width, height], name);
    // Two builds of libjpeg: their transforms and upsampling round apart.
    assert.ok(largestDifference(image.data, bytesOf(rgb)) <= 4, name);
  }
});

Deno.test("a CMYK file is refused with its fix", async () => {
  await refused(bytesOf(golden.cmyk), /CMYK/);
});

Deno.test("an image is scaled and cropped as Pillow's ImageOps.fit does", () => {
  for (const { width, height, newWidth, newHeight, rgb, fitted } of golden.fits) {
    const image = resizeImage({ width, height, data: bytesOf(rgb) }, newWidth, newHeight);
    assert.deepEqual([image.width, image.height], [newWidth, newHeight]);
    const what = `${width}x${height} to ${newWidth}x${newHeight}`;
    assert.ok(largestDifference(image.data, bytesOf(fitted)) <= 1, what);
    if (width === newWidth && height === newHeight) assert.deepEqual(image.data, bytesOf(rgb));
  }
});

Deno.test("planes are the interleaved pixels, channel by channel", () => {
  const planes = toPlanes({ width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
  assert.deepEqual([...planes], [1, 4, 2, 5, 3, 6]);
});

Deno.test("a header of a hundred megapixels is refused before anything is decoded", async () => {
  const png = bytesOf(golden.pngs[0].file);
  const view = new DataView(png.buffer);
  view.setUint32(16, 10_000);
  view.setUint32(20, 10_000);
  const start = performance.now();
  const before = Deno.memoryUsage().rss;
  await refused(png, /too large: expected at most 67108864 pixels, found 10000x10000/);
  assert.ok(performance.now() - start < 100, "at once");
  assert.ok(Deno.memoryUsage().rss - before < 50e6, "without memory for the pixels");
  const jpeg = bytesOf(golden.jpegs[0].file);
  const frame = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xc0);
  new DataView(jpeg.buffer).setUint32(frame + 5, 0xffff_ffff);
  await refused(jpeg, /found 65535x65535/);
  assert.equal(MAX_PIXELS, 67_108_864);
});

Deno.test("a header that promises more pixels than there are is refused", async () => {
  const png = bytesOf(golden.pngs[0].file);
  new DataView(png.buffer).setUint32(16, 5000);
  await refused(png, /./);
});

Deno.test("what is no image, is empty or cut off is refused with its name", async () => {
  await refused(new Uint8Array(), /expected a PNG or JPEG file, found something else/);
  await refused(new TextEncoder().encode("GIF89a and so on"), /expected a PNG or JPEG file/);
  for (const { file } of [golden.pngs[0], golden.jpegs[0]]) {
    const bytes = bytesOf(file);
    for (const length of [9, 20, 40, bytes.length >> 1, bytes.length - 8]) {
      await refused(bytes.slice(0, length), /./);
    }
  }
  assert.throws(() => readImageHeader(bytesOf(golden.pngs[0].file).slice(0, 20), "x"), DataError);
});

async function refused(bytes: Uint8Array, message: RegExp): Promise<void> {
  await assert.rejects(decodeImage(bytes, "some/file"), (error) => {
    assert.ok(error instanceof DataError, String(error));
    assert.match(error.message, /^Cannot decode some\/file/);
    assert.match(error.message, message);
    return true;
  });
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
