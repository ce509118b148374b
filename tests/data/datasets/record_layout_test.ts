/** `records:PATH`: any fixed-length layout, described by a JSON file. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openRecordSet, parseRecordSet } from "../../../src/data/datasets/record_layout.ts";
import { CorruptBudget } from "../../../src/data/corrupt_budget.ts";
import { sha256, temporaryFolder } from "../helpers.ts";
import { optionsIn, randomBytes } from "./support.ts";

/** Gray images of 2x3 behind a label. */
const GRAY = {
  image: { height: 2, width: 3, channels: 1, order: "HWC" },
  recordBytes: 7,
  labelOffset: 0,
  labelBytes: 1,
  imageOffset: 1,
  classes: ["a", "b", "c"],
  train: ["train.bin"],
};

function recordsOf(labels: readonly number[], recordBytes: number, labelOffset: number, seed = 1) {
  const bytes = randomBytes(labels.length * recordBytes, seed);
  labels.forEach((label, i) => bytes[i * recordBytes + labelOffset] = label);
  return bytes;
}

Deno.test("gray images of files beside the description are read", async () => {
  await using folder = await temporaryFolder();
  const bytes = recordsOf([2, 0, 1], 7, 0);
  await Deno.mkdir(join(folder.path, "sub"));
  await Deno.writeFile(join(folder.path, "sub", "train.bin"), bytes);
  const path = join(folder.path, "sub", "gray.json");
  await Deno.writeTextFile(path, JSON.stringify(GRAY));
  const set = await openRecordSet(optionsIn(folder.path), path);
  assert.equal(set.name, `records:${path}`);
  assert.deepEqual(set.classes, ["a", "b", "c"]);
  assert.deepEqual(set.splits, ["train"]);
  assert.match(set.origin, /gray\.json, 0 of 1 file\(s\) verified/);
  using store = await set.open("train");
  assert.deepEqual(store.format, { height: 2, width: 3, channels: 1, order: "HWC" });
  assert.deepEqual([...store.labels], [2, 0, 1]);
  assert.deepEqual([...store.pixels(2)], [...bytes.subarray(15, 21)]);
  await assert.rejects(set.open("test"), /has only: train$/);
});

Deno.test("interleaved color images behind a header, with labels of two bytes behind them", async () => {
  await using folder = await temporaryFolder();
  const record = (label: number, seed: number) => [
    ...randomBytes(12, seed),
    label & 255,
    label >> 8,
  ];
  const file = (labels: number[]) =>
    Uint8Array.from([1, 2, 3, ...labels.flatMap((label) => record(label, label)), 4]);
  const [train, test] = [file([299, 0]), file([256])];
  await Deno.writeFile(join(folder.path, "train.bin"), train);
  await Deno.writeFile(join(folder.path, "test.bin"), test);
  const path = join(folder.path, "color.json");
  const description = {
    image: { height: 2, width: 2, channels: 3, order: "HWC" },
    recordBytes: 14,
    labelOffset: 12,
    labelBytes: 2,
    imageOffset: 0,
    headerBytes: 3,
    footerBytes: 1,
    classes: Array.from({ length: 300 }, (_, i) => `class ${i}`),
    train: [{ path: "train.bin", sha256: sha256(train).toUpperCase() }],
    test: [{ path: join(folder.path, "test.bin") }],
  };
  await Deno.writeTextFile(path, JSON.stringify(description));
  for (const memoryLimit of [0, 1000]) {
    const set = await openRecordSet(optionsIn(folder.path, { memoryLimit }), path);
    assert.deepEqual(set.splits, ["train", "test"]);
    assert.match(set.origin, /1 of 2 file\(s\) verified/);
    using store = await set.open("train");
    assert.deepEqual([...store.labels], [299, 0]);
    assert.deepEqual([...store.pixels(1)], [...randomBytes(12, 0)]);
    using held = await set.open("test");
    assert.deepEqual([...held.labels], [256]);
  }
  await Deno.writeFile(join(folder.path, "train.bin"), file([299, 1]));
  const set = await openRecordSet(optionsIn(folder.path), path);
  await assert.rejects(set.open("train"), {
    name: "DataError",
    message: /train\.bin as it is corrupted: expected sha256/,
    hint: /color\.json/,
  });
});

Deno.test("damaged examples count against the budget of the run", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeFile(join(folder.path, "train.bin"), recordsOf([0, 3, 1], 7, 0).subarray(0, 20));
  const path = join(folder.path, "gray.json");
  await Deno.writeTextFile(path, JSON.stringify(GRAY));
  const budget = new CorruptBudget(2);
  const set = await openRecordSet(optionsIn(folder.path, { budget }), path);
  using store = await set.open("train");
  assert.deepEqual([...store.labels], [0]);
  assert.equal(budget.skipped, 2);
});

Deno.test("what is wrong with a description is named by file and key", () => {
  const image = GRAY.image;
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ recordBytes: undefined }, /at recordBytes: expected a whole number .*, found nothing$/],
    [{ image: undefined }, /at image: expected an object, found nothing$/],
    [{ image: 7 }, /at image: expected an object, found 7$/],
    [{ image: { ...image, height: 0 } }, /at image\.height: .* from 1 to 16384, found 0$/],
    [{ image: { ...image, width: 2.5 } }, /at image\.width: .*, found 2\.5$/],
    [{ image: { ...image, channels: 4 } }, /at image\.channels: expected 1 or 3, found 4$/],
    [
      { image: { ...image, order: "NHWC" } },
      /at image\.order: expected "CHW" or "HWC", found "NHWC"$/,
    ],
    [{ image: { ...image, depth: 8 } }, /at image\.depth: expected only height, .*unknown key$/],
    [{ labels: 1 }, /at labels: expected only image, .*, found an unknown key$/],
    [{ labelBytes: 3 }, /at labelBytes: expected 1 or 2, found 3$/],
    [{ labelBytes: "1" }, /at labelBytes: expected 1 or 2, found "1"$/],
    [
      { labelOffset: 7 },
      /at labelOffset: expected at most 6, as the label of 1 bytes .* 7, found 7$/,
    ],
    [{ labelOffset: -1 }, /at labelOffset: .*, found -1$/],
    [
      { labelOffset: 4 },
      /at labelOffset: expected a label outside of the image \(bytes 1 to 6\), found 4$/,
    ],
    [{ imageOffset: 2 }, /at imageOffset: expected at most 1, .*, found 2$/],
    [{ recordBytes: 5 }, /at imageOffset: expected recordBytes of at least 6, .*, found 5$/],
    [{ recordBytes: 2 ** 40 }, /at recordBytes: .*, found 1099511627776$/],
    [{ headerBytes: null }, /at headerBytes: .*, found null$/],
    [{ footerBytes: -1 }, /at footerBytes: .*, found -1$/],
    [{ classes: ["a"] }, /at classes: expected 2 to 256 names, found 1$/],
    [{ classes: ["a", "b", "a"] }, /at classes: expected different names, found "a" twice$/],
    [{ classes: ["a", 1] }, /at classes\[1\]: expected text that is not empty, found 1$/],
    [{ classes: "ab" }, /at classes: expected a list, found "ab"$/],
    [{ train: [] }, /at train: expected at least one file, found none$/],
    [{ train: [""] }, /at train\[0\]: expected an object, found ""$/],
    [{ train: [{ file: "a" }] }, /at train\[0\]\.path: expected text .*, found nothing$/],
    [{ train: [{ path: "a", size: 1 }] }, /at train\[0\]\.size: expected only path, sha256, /],
    [
      { test: [{ path: "a", sha256: "abc" }] },
      /at test\[0\]\.sha256: expected 64 hex.*, found "abc"$/,
    ],
    [{ test: [{ path: "a", sha256: null }] }, /at test\[0\]\.sha256: .*, found null$/],
  ];
  assert.doesNotThrow(() => parseRecordSet(JSON.stringify(GRAY), "x.json"));
  for (const [change, message] of cases) {
    const text = JSON.stringify({ ...GRAY, ...change });
    assert.throws(() => parseRecordSet(text, "x.json"), (error: Error) => {
      assert.equal(error.name, "ConfigError", String(error.stack));
      assert.match(error.message, /^Cannot use x\.json at [^\n]*$/);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("what is no JSON, no object, or has a key twice is refused", () => {
  const wrong: [string, RegExp][] = [
    ["{", /x\.json: expected JSON, found/],
    ["[]", /x\.json: expected an object, found \[\]$/],
    ["null", /expected an object, found null$/],
    [`{"train":["a"],"train":["b"]}`, /expected every key once, found "train" twice$/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => parseRecordSet(text, "x.json"), { name: "ConfigError", message });
  }
});

Deno.test("nothing of a description reaches the terminal but as one line of plain text", () => {
  const noise = "a\x1b[31m\n\x9b2J\x7f";
  const texts = [
    noise,
    JSON.stringify({ ...GRAY, [noise]: 1 }),
    JSON.stringify({ ...GRAY, labelBytes: noise }),
    JSON.stringify({ ...GRAY, classes: [noise, noise] }),
    `{"train":[],${JSON.stringify(noise)}:1,${JSON.stringify(noise)}:2}`,
  ];
  for (const text of texts) {
    assert.throws(() => parseRecordSet(text, "x.json"), (error: Error) => {
      assert.equal(error.name, "ConfigError");
      assert.match(error.message, /^Cannot use x\.json\P{Cc}*a\P{Cc}*$/u);
      return true;
    });
  }
});

Deno.test("a description that is missing, a folder, or as large as records is an error of one line", async () => {
  await using folder = await temporaryFolder();
  const options = optionsIn(folder.path);
  await assert.rejects(openRecordSet(options, join(folder.path, "absent.json")), {
    name: "UserError",
    message: /^Cannot read .*absent\.json: no such file or folder$/,
  });
  await assert.rejects(openRecordSet(options, folder.path), {
    message: /^Cannot read .*: it is a folder$/,
  });
  const large = join(folder.path, "records.bin");
  await Deno.writeFile(large, new Uint8Array(0));
  await Deno.truncate(large, (1 << 24) + 1);
  await assert.rejects(openRecordSet(options, large), {
    name: "ConfigError",
    message: /expected a description of at most 16777216 bytes, found 16777217$/,
  });
});
