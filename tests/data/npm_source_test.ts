import assert from "node:assert/strict";
import { join } from "node:path";
import { encode } from "npm:fast-png@8.0.0";
import { convertPackage } from "../../src/data/acquire/npm_source.ts";
import { pngToRecords } from "../../src/data/acquire/png_records.ts";
import { RECORD_BYTES } from "../../src/data/datasets/cifar10_files.ts";
import {
  namesIn,
  RecordingReporter,
  smallDataSet,
  temporaryFolder,
  writeFiles,
} from "./helpers.ts";

const PIXEL_BYTES = RECORD_BYTES - 1;

/** The PNG of records, one image a row, interleaved: the inverse of what is tested. */
function recordsToPng(records: Uint8Array): Uint8Array {
  const height = records.length / RECORD_BYTES;
  const data = new Uint8Array(height * PIXEL_BYTES);
  for (let i = 0; i < data.length; i++) {
    const [image, pixel, channel] = [
      Math.floor(i / 3072),
      Math.floor(i / 3) % 1024,
      i % 3,
    ];
    data[i] = records[image * RECORD_BYTES + 1 + channel * 1024 + pixel];
  }
  return encode({ width: 1024, height, data, channels: 3, depth: 8 });
}

function labelsOf(records: Uint8Array): number[] {
  return Array.from({ length: records.length / RECORD_BYTES }, (_, i) => records[i * RECORD_BYTES]);
}

/** A package folder and an empty data folder; `damage` may replace or (with undefined) drop files. */
async function convert(
  damage: Record<string, Uint8Array | undefined> = {},
  wantedNames?: string[],
) {
  await using package_ = await temporaryFolder();
  await using folder = await temporaryFolder();
  const { contents, files, all } = smallDataSet();
  const train = [...contents].filter(([name]) => name.startsWith("data")).map(([, bytes]) => bytes);
  const json = (labels: number[]) => new TextEncoder().encode(JSON.stringify(labels));
  const inside: Record<string, Uint8Array | undefined> = {
    "train_lables.json": json(train.flatMap(labelsOf)),
    "test_lables.json": json(labelsOf(contents.get("test_batch.bin")!)),
    ...Object.fromEntries(
      Array.from(contents, ([name, bytes]) => [name.replace("bin", "png"), recordsToPng(bytes)]),
    ),
    ...damage,
  };
  for (const [name, bytes] of Object.entries(inside)) {
    if (bytes) await writeFiles(package_.path, [[name, bytes]]);
  }
  const wanted = all.filter((file) => wantedNames?.includes(file.name) ?? true);
  const reporter = new RecordingReporter();
  let error: Error | undefined;
  try {
    await convertPackage(package_.path, folder.path, files, wanted, reporter);
  } catch (caught) {
    error = caught as Error;
  }
  const written = new Map<string, Uint8Array>();
  for (const name of await namesIn(folder.path)) {
    written.set(name, await Deno.readFile(join(folder.path, name)));
  }
  return { error, written, contents, reporter };
}

Deno.test("the package's images and labels become the record files, byte for byte", async () => {
  const { error, written, contents, reporter } = await convert();
  assert.equal(error, undefined);
  assert.deepEqual(written, contents);
  assert.deepEqual(reporter.steps.at(-1), ["converting", 9 * 3073, 9 * 3073]);
});

Deno.test("one wanted file gets its own labels out of the middle of the list", async () => {
  const { error, written, contents } = await convert({}, ["data_batch_2.bin"]);
  assert.equal(error, undefined);
  assert.deepEqual([...written], [["data_batch_2.bin", contents.get("data_batch_2.bin")]]);
});

Deno.test("a package that is not what it should be is an error, and nothing wrong is kept", async () => {
  const { contents } = smallDataSet();
  const png = recordsToPng(contents.get("data_batch_1.bin")!);
  const otherPixels = contents.get("data_batch_1.bin")!.slice();
  otherPixels[77] ^= 1;
  const damagedPng = png.slice();
  damagedPng[100] ^= 1;
  const text = (content: string) => new TextEncoder().encode(content);
  const cases: [string, Uint8Array | undefined, RegExp][] = [
    ["data_batch_1.png", undefined, /Cannot read data_batch_1\.png of npm package/],
    ["data_batch_1.png", text("<html>"), /data_batch_1\.png: expected a PNG file/],
    ["data_batch_1.png", damagedPng, /Cannot decode data_batch_1\.png/],
    ["data_batch_1.png", png.slice(0, png.length / 2), /Cannot decode data_batch_1\.png/],
    ["data_batch_1.png", recordsToPng(otherPixels), /data_batch_1\.bin .*expected sha256/],
    ["train_lables.json", text("[0,1,2,3,0,1]"), /train_lables\.json .*expected 7 labels/],
    ["train_lables.json", text("[0,1,2,3,0,1,9]"), /data_batch_2\.bin .*expected sha256/],
    ["train_lables.json", text("{}"), /expected 7 labels/],
    ["train_lables.json", text("["), /expected 7 labels/],
  ];
  for (const [name, content, message] of cases) {
    const { error, written } = await convert({ [name]: content });
    assert.equal(error?.name, "DataError", `${name}: ${error}`);
    assert.match(error!.message, message);
    assert.ok(!error!.message.includes("\n"));
    for (const [file, bytes] of written) assert.deepEqual(bytes, contents.get(file));
  }
});

Deno.test("the dimensions of a PNG are checked before it is decoded", () => {
  // A header that promises 4 billion rows, and no pixels at all.
  const png = recordsToPng(new Uint8Array(RECORD_BYTES)).slice(0, 33);
  new DataView(png.buffer).setUint32(20, 0xffffffff);
  assert.throws(() => pngToRecords(png, [1], "huge.png"), {
    name: "DataError",
    message: /huge\.png: expected 1024x1 pixels of 8-bit RGB, found 1024x4294967295/,
  });
});

Deno.test("a PNG of another width, depth or color type is refused", () => {
  const gray = encode({ width: 1024, height: 1, data: new Uint8Array(1024), channels: 1 });
  const narrow = encode({ width: 32, height: 1, data: new Uint8Array(96), channels: 3 });
  const deep = encode({
    width: 1024,
    height: 1,
    data: new Uint16Array(3072),
    channels: 3,
    depth: 16,
  });
  for (const png of [gray, narrow, deep]) {
    assert.throws(() => pngToRecords(png, [1], "other.png"), { message: /expected 1024x1 pixels/ });
  }
});
