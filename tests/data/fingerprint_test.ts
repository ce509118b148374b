/** A fingerprint tells other images and labels from those that a run began with, wherever they are kept. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fingerprint } from "../../src/data/fingerprint.ts";
import {
  imageBytes,
  type ImageFormat,
  ImageStore,
  type ImageStoreData,
  sharedLabels,
} from "../../src/data/image_store.ts";
import { temporaryFolder } from "./helpers.ts";
import { randomStore } from "./stores.ts";

const FORMAT: ImageFormat = { height: 2, width: 3, channels: 3, order: "HWC" };
/** More than are sampled. */
const COUNT = 1000;
const SAMPLED = 256;

/** A store like another but for some of its parts. */
function changed(store: ImageStore, changes: Partial<ImageStoreData>): ImageStore {
  return new ImageStore({ ...store.data, ...changes });
}

function bytesOf({ data: { source } }: ImageStore): Uint8Array {
  assert.ok(source.kind === "memory");
  return new Uint8Array(source.bytes);
}

/** A copy with one bit of one image changed. */
function withPixel(store: ImageStore, image: number, at: number): ImageStore {
  const bytes = new Uint8Array(new SharedArrayBuffer(bytesOf(store).length));
  bytes.set(bytesOf(store));
  bytes[image * imageBytes(store.format) + at] ^= 1;
  return changed(store, { source: { kind: "memory", bytes: bytes.buffer } });
}

Deno.test("every label counts, all of its bits", () => {
  const store = randomStore(COUNT, 1, FORMAT);
  const before = fingerprint(store);
  assert.match(before, /^[0-9a-f]{64}$/);
  assert.equal(fingerprint(randomStore(COUNT, 1, FORMAT)), before, "the same images again");
  const found = new Set([before]);
  let made = 1;
  for (const image of [0, 1, 3, 500, COUNT - 1]) {
    for (const label of [store.labels[image] + 1, store.labels[image] + 256]) {
      const labels = store.labels.slice();
      labels[image] = label;
      found.add(fingerprint(changed(store, { labels: sharedLabels(labels) })));
      made++;
    }
  }
  assert.equal(found.size, made);
});

Deno.test("every byte of the sampled images counts: all of few, an even choice of many", () => {
  for (const [count, images] of [[3, [0, 1, 2]], [SAMPLED, [0, 1, 100, 255]]] as const) {
    const store = randomStore(count, 2, FORMAT);
    const before = fingerprint(store);
    for (const image of images) {
      for (let at = 0; at < imageBytes(FORMAT); at++) {
        assert.notEqual(fingerprint(withPixel(store, image, at)), before, `${image}, byte ${at}`);
      }
    }
  }
  const store = randomStore(COUNT, 2, FORMAT);
  const before = fingerprint(store);
  const telling: number[] = [];
  for (let image = 0; image < COUNT; image++) {
    if (fingerprint(withPixel(store, image, 17)) !== before) telling.push(image);
  }
  assert.equal(telling.length, SAMPLED);
  assert.equal(telling[0], 0);
  const gaps = telling.map((image, i) => (telling[i + 1] ?? COUNT) - image);
  assert.ok(Math.max(...gaps) <= Math.ceil(COUNT / SAMPLED), `gaps of up to ${Math.max(...gaps)}`);
});

Deno.test("the number of images and their format count", () => {
  const store = randomStore(COUNT, 3, FORMAT);
  const formats: ImageFormat[] = [
    FORMAT,
    { ...FORMAT, order: "CHW" },
    { ...FORMAT, height: 3, width: 2 },
    { ...FORMAT, height: 6, channels: 1 },
  ];
  const found = formats.map((format) => fingerprint(changed(store, { format })));
  for (const count of [COUNT - 1, SAMPLED, 1]) {
    found.push(fingerprint(store.subset(Array.from({ length: count }, (_, i) => i))));
  }
  assert.equal(new Set(found).size, found.length);
});

Deno.test("the order of the images counts", () => {
  const store = randomStore(20, 4, FORMAT);
  const order = Array.from({ length: 20 }, (_, i) => i);
  assert.equal(fingerprint(store.subset(order)), fingerprint(store));
  // Two images of one label: the labels are the same.
  [order[0], order[10]] = [10, 0];
  assert.equal(store.labels[0], store.labels[10]);
  assert.notEqual(fingerprint(store.subset(order)), fingerprint(store));
});

Deno.test("images in memory and in files have the same fingerprint", async () => {
  await using folder = await temporaryFolder();
  for (const count of [1, 37, COUNT]) {
    const store = randomStore(count, 5, FORMAT);
    const bytes = Uint8Array.from(bytesOf(store));
    const size = imageBytes(FORMAT);
    const first = Math.ceil(count / 3);
    const files = [];
    for (const [name, part] of [["a", [0, first]], ["b", [first, count]]] as const) {
      const path = join(folder.path, `${name}-${count}`);
      await Deno.writeFile(path, bytes.subarray(part[0] * size, part[1] * size));
      files.push({ path, headerBytes: 0, records: part[1] - part[0] });
    }
    using inFiles = changed(store, { source: { kind: "files", files } });
    assert.equal(fingerprint(inFiles), fingerprint(store), `${count} images`);
    const [{ path }] = files;
    const spoiled = await Deno.readFile(path);
    spoiled[0] ^= 1;
    await Deno.writeFile(path, spoiled);
    assert.notEqual(fingerprint(inFiles), fingerprint(store), `${count} images`);
  }
});
