/** Reading back: right every time, though Deno's promise is not awaited (see src/webgpu/staging.ts). */
import assert from "node:assert/strict";
import { testDevice, testRandom } from "../support.ts";

Deno.test("2,000 reads of changing values are all right", async () => {
  const device = await testDevice();
  const buffer = device.allocate(256, "changing");
  const slice = { buffer, offset: 0, bytes: 64 };
  const random = testRandom(1);
  for (let i = 0; i < 2000; i++) {
    const values = Uint32Array.from({ length: 16 }, () => random() * 2 ** 32);
    device.write(slice, values);
    const read = new Uint32Array(await device.read(slice));
    if (!read.every((value, at) => value === values[at])) {
      assert.deepEqual(read, values, `read ${i}`);
    }
  }
  device.free(buffer);
});

Deno.test("reads of many sizes, offsets and at the same time keep apart", async () => {
  const device = await testDevice();
  const buffer = device.allocate(1 << 20, "block");
  const values = Uint32Array.from({ length: 1 << 18 }, (_, i) => i * 2654435761);
  device.write({ buffer, offset: 0, bytes: values.byteLength }, values);
  const slices = Array.from({ length: 20 }, (_, i) => ({
    buffer,
    offset: i * device.alignment,
    bytes: 4 * (1 + 37 * i * i),
  }));
  const reads = await Promise.all(slices.map((slice) => device.read(slice)));
  for (const [i, { offset, bytes }] of slices.entries()) {
    assert.equal(reads[i].byteLength, bytes);
    const expected = values.subarray(offset / 4, (offset + bytes) / 4);
    assert.deepEqual(new Uint32Array(reads[i]), expected, `read ${i}`);
  }
  device.free(buffer);
});

Deno.test("a write that does not fit its slice, and a freed buffer, are errors", async () => {
  const device = await testDevice();
  const buffer = device.allocate(16, "small");
  const slice = { buffer, offset: 0, bytes: 8 };
  assert.throws(() => device.write(slice, new Float32Array(3)), /12 bytes to small .* has 8/);
  assert.throws(() => device.write(slice, new Uint8Array(3)), RangeError);
  device.free(buffer);
  device.free(buffer);
  assert.throws(() => device.write(slice, new Float32Array(2)), /small as it was freed/);
  await assert.rejects(device.read(slice), /small as it was freed/);
});

Deno.test("new memory is zero, also where another buffer was before", async () => {
  const device = await testDevice();
  for (let round = 0; round < 3; round++) {
    const buffer = device.allocate(4096, "fresh");
    const slice = { buffer, offset: 0, bytes: 4096 };
    assert.ok(new Uint32Array(await device.read(slice)).every((value) => value === 0));
    device.write(slice, new Uint32Array(1024).fill(7));
    await device.read(slice);
    device.free(buffer);
  }
});
