import assert from "node:assert/strict";
import { join } from "node:path";
import { channelStatistics } from "../../src/data/channel_statistics.ts";
import {
  type ImageFormat,
  ImageStore,
  imageStrides,
  sharedLabels,
} from "../../src/data/image_store.ts";
import { DataError, UserError } from "../../src/util/errors.ts";
import { testRandom } from "../support.ts";
import { temporaryFolder } from "./helpers.ts";
import { randomStore } from "./stores.ts";

const FORMAT: ImageFormat = { height: 2, width: 3, channels: 3, order: "HWC" };
const RECORD = { recordBytes: 21, pixelOffset: 2 };

/** Two files of three and two records behind headers of 4 bytes, and what is in them. */
async function files(folder: string) {
  const random = testRandom(9);
  const images: number[][] = [];
  const ranges = [];
  for (const [index, records] of [3, 2].entries()) {
    const bytes = Uint8Array.from({ length: 4 + records * 21 }, () => random() * 256);
    for (let r = 0; r < records; r++) images.push([...bytes.subarray(6 + r * 21, 24 + r * 21)]);
    const path = join(folder, `${index}.bin`);
    await Deno.writeFile(path, bytes);
    ranges.push({ path, headerBytes: 4, records });
  }
  return { images, ranges };
}

Deno.test("images are read from their files by number, in any order, and from subsets", async () => {
  await using folder = await temporaryFolder();
  const { images, ranges } = await files(folder.path);
  using store = new ImageStore({
    format: FORMAT,
    ...RECORD,
    source: { kind: "files", files: ranges },
    labels: sharedLabels([5, 6, 7, 8, 300]),
  });
  assert.equal(store.count, 5);
  for (const i of [4, 0, 3, 2, 1]) assert.deepEqual([...store.pixels(i)], images[i]);
  using some = store.subset([4, 1, 3]);
  using fewer = some.subset([2, 0]);
  assert.deepEqual([...fewer.labels], [8, 300]);
  assert.deepEqual([...fewer.pixels(0)], images[3]);
  assert.deepEqual([...fewer.pixels(1)], images[4]);
  // A thread makes its own of the data.
  using other = new ImageStore(structuredClone(fewer.data));
  assert.deepEqual([...other.pixels(1)], images[4]);
});

Deno.test("a file that was cut off or removed meanwhile is named with the place", async () => {
  await using folder = await temporaryFolder();
  const { ranges } = await files(folder.path);
  const data = {
    format: FORMAT,
    ...RECORD,
    source: { kind: "files", files: ranges } as const,
    labels: sharedLabels([0, 0, 0, 0, 0]),
  };
  await Deno.truncate(ranges[1].path, 4 + 21 + 10);
  using store = new ImageStore(data);
  assert.throws(() => store.pixels(4), (error) => {
    assert.ok(error instanceof DataError);
    assert.match(error.message, /record 1 of .*1\.bin: expected 18 bytes at offset 27, found 8/);
    return true;
  });
  await Deno.remove(ranges[0].path);
  assert.throws(() => store.pixels(0), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /0\.bin/);
    return true;
  });
});

Deno.test("strides lead to the bytes of planes, of interleaved and of gray images", () => {
  const size = { height: 2, width: 3 };
  assert.deepEqual(imageStrides({ ...size, channels: 3, order: "CHW" }), {
    row: 3,
    column: 1,
    channel: 6,
  });
  assert.deepEqual(imageStrides({ ...size, channels: 3, order: "HWC" }), {
    row: 9,
    column: 3,
    channel: 1,
  });
  for (const order of ["CHW", "HWC"] as const) {
    assert.deepEqual(imageStrides({ ...size, channels: 1, order }), {
      row: 3,
      column: 1,
      channel: 0,
    });
  }
});

Deno.test("channel statistics are those of all pixels, whatever their order", () => {
  for (const order of ["CHW", "HWC"] as const) {
    const format = { height: 3, width: 5, channels: 3, order } as const;
    const store = randomStore(7, 3, format);
    const values: number[][] = [[], [], []];
    for (let i = 0; i < store.count; i++) {
      store.pixels(i).forEach((value, at) => {
        values[order === "CHW" ? Math.floor(at / 15) : at % 3].push(value);
      });
    }
    const { mean, deviation } = channelStatistics(store);
    values.forEach((channel, c) => {
      const m = channel.reduce((a, b) => a + b) / channel.length;
      const v = channel.reduce((a, b) => a + (b - m) ** 2, 0) / channel.length;
      assert.ok(Math.abs(mean[c] - m) < 1e-9);
      assert.ok(Math.abs(deviation[c] - Math.sqrt(v)) < 1e-9);
    });
  }
  const gray = randomStore(3, 3, { height: 2, width: 2, channels: 1, order: "CHW" });
  const { mean } = channelStatistics(gray);
  assert.deepEqual(mean, [mean[0], mean[0], mean[0]]);
});
