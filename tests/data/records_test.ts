import assert from "node:assert/strict";
import { PIXEL_BYTES, PLANE_BYTES, RECORD_BYTES, Records } from "../../src/data/records.ts";
import { sharedRecords } from "./helpers.ts";

Deno.test("a record of constant planes is an image of constant colors", () => {
  const buffer = new SharedArrayBuffer(3 * RECORD_BYTES);
  const bytes = new Uint8Array(buffer);
  for (let record = 0; record < 3; record++) {
    const start = record * RECORD_BYTES;
    bytes[start] = 7 + record;
    for (let channel = 0; channel < 3; channel++) {
      const plane = start + 1 + channel * PLANE_BYTES;
      bytes.fill(10 * record + channel, plane, plane + PLANE_BYTES);
    }
  }
  const records = new Records(buffer);
  assert.equal(records.count, 3);
  for (let record = 0; record < 3; record++) {
    assert.equal(records.label(record), 7 + record);
    const image = records.image(record);
    assert.ok(image.every((value, index) => value === 10 * record + index % 3));
  }
});

Deno.test("image[y, x, c] is plane c at (y, x)", () => {
  const records = sharedRecords(2, 5);
  const bytes = new Uint8Array(records.buffer);
  const image = records.image(1);
  assert.equal(image.length, PIXEL_BYTES);
  for (const [y, x, channel] of [[0, 0, 0], [0, 1, 2], [31, 31, 1], [17, 5, 2]]) {
    const source = RECORD_BYTES + 1 + channel * 1024 + y * 32 + x;
    assert.equal(image[(y * 32 + x) * 3 + channel], bytes[source]);
  }
});

Deno.test("pixels are a view of the record without its label", () => {
  const records = sharedRecords(2, 6);
  const pixels = records.pixels(1);
  assert.equal(pixels.length, PIXEL_BYTES);
  assert.equal(pixels.byteOffset, RECORD_BYTES + 1);
  assert.equal(pixels.buffer, records.buffer);
});

Deno.test("a length that is no whole number of records is refused", () => {
  assert.throws(() => new Records(new SharedArrayBuffer(RECORD_BYTES + 1)), RangeError);
});
