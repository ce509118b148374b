/** SVHN: MAT files fetched, turned into records once, verified and read. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { DatasetOptions } from "../../../src/data/datasets/dataset.ts";
import { openSvhn } from "../../../src/data/datasets/svhn.ts";
import { convertSvhn } from "../../../src/data/datasets/svhn_convert.ts";
import { SVHN_FILES } from "../../../src/data/datasets/svhn_files.ts";
import { SILENT } from "../../../src/data/acquire/progress.ts";
import {
  type ArrayParts,
  compressed,
  concat,
  doubles,
  matHeader,
  matrix,
  MI,
} from "../../formats/mat_support.ts";
import { describe, namesIn, sha256, temporaryFolder } from "../helpers.ts";
import { optionsIn, randomBytes } from "./support.ts";

const LITTLE = { little: true };

function images(count: number, seed: number): ArrayParts {
  const shape = count === 1 ? [32, 32, 3] : [32, 32, 3, count];
  return { name: "X", shape, type: MI.uint8, data: randomBytes(3072 * count, seed) };
}

function labels(values: readonly number[]): ArrayParts {
  return { name: "y", shape: [values.length, 1], type: MI.uint8, data: Uint8Array.from(values) };
}

function matFile(...arrays: readonly ArrayParts[]): Uint8Array<ArrayBuffer> {
  const parts = arrays.map((each) => compressed(matrix(each, LITTLE), LITTLE));
  return concat(matHeader(LITTLE), ...parts);
}

/** What the records must be: X[row, column, channel, image] becomes channel, row, column. */
function expectedRecords(x: Uint8Array, digits: readonly number[]): Uint8Array {
  const records = new Uint8Array(digits.length * 3073);
  let at = 0;
  for (const [image, digit] of digits.entries()) {
    records[at++] = digit;
    for (let channel = 0; channel < 3; channel++) {
      for (let row = 0; row < 32; row++) {
        for (let column = 0; column < 32; column++) {
          records[at++] = x[row + 32 * (column + 32 * (channel + 3 * image))];
        }
      }
    }
  }
  return records;
}

const LABELS = { train: [1, 10, 5], test: [10], extra: [9, 10] };
const X = { train: images(3, 1), test: images(1, 2), extra: images(2, 3) };
const MATS = {
  train: matFile(X.train, labels(LABELS.train)),
  // The other order, and labels as they may also be stored.
  test: matFile({
    ...labels([]),
    shape: [1, 1],
    type: MI.double,
    class: 6,
    data: doubles([10], LITTLE),
  }, X.test),
  extra: matFile(X.extra, labels(LABELS.extra)),
};
const FILES = {
  train: describe("train_32x32.mat", MATS.train),
  test: describe("test_32x32.mat", MATS.test),
  extra: describe("extra_32x32.mat", MATS.extra),
};
const PATIENCE = { connectMs: 2000, stallMs: 2000, tries: 1, pauseMs: 1 };

/** Serves the three files below /housenumbers/, and remembers what was asked for. */
async function prepare(status = 200) {
  const folder = await temporaryFolder();
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const name = new URL(request.url).pathname;
    requests.push(name);
    const split = /^\/housenumbers\/(train|test|extra)_32x32\.mat$/.exec(name)?.[1];
    if (status !== 200 || split === undefined) return new Response(null, { status });
    return new Response(MATS[split as keyof typeof MATS]);
  });
  const dataUrl = `http://127.0.0.1:${server.addr.port}/housenumbers`;
  return {
    options: optionsIn(folder.path, { dataUrl }),
    requests,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function open(options: DatasetOptions, extra = false) {
  return openSvhn(options, { extra, files: FILES, patience: PATIENCE });
}

Deno.test("the official files are three, of known lengths", () => {
  const lengths = Object.values(SVHN_FILES).map(({ name, bytes }) => `${name} ${bytes}`);
  assert.deepEqual(lengths, [
    "train_32x32.mat 182040794",
    "test_32x32.mat 64275384",
    "extra_32x32.mat 1329278602",
  ]);
});

Deno.test("files are fetched and converted once; 10 is the digit 0, and planes become row-major", async () => {
  await using test = await prepare();
  const { options, requests } = test;
  const set = await open(options);
  assert.equal(set.name, "svhn");
  assert.deepEqual(set.classes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  using store = await set.open("train");
  assert.deepEqual([...store.labels], [1, 0, 5]);
  const expected = expectedRecords(X.train.data, [1, 0, 5]);
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(store.pixels(i), expected.subarray(3073 * i + 1, 3073 * (i + 1)));
  }
  using held = await set.open("test");
  assert.deepEqual([...held.labels], [0]);
  assert.deepEqual(held.pixels(0), expectedRecords(X.test.data, [0]).subarray(1));
  const names = ["test_32x32.bin", "test_32x32.json", "train_32x32.bin", "train_32x32.json"];
  assert.deepEqual(await namesIn(options.dataDir), [".acquire.lock", ...names]);
  assert.deepEqual(
    new Uint8Array(await Deno.readFile(join(options.dataDir, "train_32x32.bin"))),
    expected,
  );
  const note = JSON.parse(await Deno.readTextFile(join(options.dataDir, "train_32x32.json")));
  assert.deepEqual(note, {
    sourceSha256: FILES.train.sha256,
    records: 3,
    sha256: sha256(expected),
  });
  await open(options);
  assert.deepEqual(requests, ["/housenumbers/train_32x32.mat", "/housenumbers/test_32x32.mat"]);
});

Deno.test("extra is appended to the training images, and images may stay in their files", async () => {
  await using test = await prepare();
  const set = await open({ ...test.options, memoryLimit: 0 }, true);
  assert.equal(set.name, "svhn:extra");
  using store = await set.open("train");
  assert.equal(store.data.source.kind, "files");
  assert.deepEqual([...store.labels], [1, 0, 5, 9, 0]);
  const expected = expectedRecords(X.extra.data, [9, 0]);
  assert.deepEqual(store.pixels(4), expected.subarray(3074));
});

Deno.test("official files in the folder are used and left there; a wrong one is an error", async () => {
  await using test = await prepare();
  const { options, requests } = test;
  await Deno.mkdir(options.dataDir, { recursive: true });
  for (const split of ["train", "test"] as const) {
    await Deno.writeFile(join(options.dataDir, FILES[split].name), MATS[split]);
  }
  await open(options);
  assert.deepEqual(requests, []);
  assert.ok((await namesIn(options.dataDir)).includes("train_32x32.mat"));
  const wrong = MATS.extra.slice();
  wrong[500] ^= 1;
  await Deno.writeFile(join(options.dataDir, FILES.extra.name), wrong);
  await assert.rejects(open(options, true), {
    name: "DataError",
    message: /extra_32x32\.mat as it is corrupted: expected sha256/,
  });
  assert.ok(!(await namesIn(options.dataDir)).includes("extra_32x32.bin"));
});

Deno.test("a converted file that was changed is an error; without it or its note it is made anew", async () => {
  await using test = await prepare();
  const { options, requests } = test;
  await open(options);
  const path = join(options.dataDir, "train_32x32.bin");
  const right = await Deno.readFile(path);
  const wrong = right.slice();
  wrong[3073] = 1;
  await Deno.writeFile(path, wrong);
  await assert.rejects((await open(options)).open("train"), {
    name: "DataError",
    message: /train_32x32\.bin as it is corrupted: expected sha256/,
    hint: /^delete it and start again/,
  });
  await Deno.truncate(path, 100);
  await assert.rejects((await open(options)).open("train"), /truncated: expected 9219 bytes/);
  const note = join(options.dataDir, "train_32x32.json");
  for (
    const damage of [
      () => Deno.remove(path),
      () => Deno.remove(note),
      () => Deno.writeTextFile(note, "{"),
      () => Deno.writeTextFile(note, `{"sourceSha256":"${FILES.train.sha256}","records":"3"}`),
      () => Deno.writeTextFile(note, `{"sourceSha256":"of another","records":3,"sha256":"x"}`),
    ]
  ) {
    await damage();
    const before = requests.length;
    await open(options);
    assert.equal(requests.length, before + 1);
    assert.deepEqual(await Deno.readFile(path), right);
  }
});

Deno.test("of two at the same time, one converts and the other waits for it", async () => {
  await using test = await prepare();
  await Promise.all([open(test.options), open(test.options)]);
  assert.equal(test.requests.length, 2);
});

Deno.test("a site that cannot be reached is one line, with both ways out", async () => {
  await using test = await prepare(404);
  const { dataDir } = test.options;
  await assert.rejects(open(test.options), (error: Error & { hint: string }) => {
    assert.equal(error.name, "DataError");
    assert.match(error.message, /^Cannot reach http:[^\n]*train_32x32\.mat: [^\n]*HTTP 404[^\n]*$/);
    assert.match(error.hint, /--data-url/);
    assert.ok(error.hint.includes(`put train_32x32.mat into ${dataDir}`));
    return true;
  });
  await assert.rejects(open({ ...test.options, dataUrl: "file:///x" }), {
    name: "ConfigError",
    message: /expected a URL of https or http$/,
  });
});

Deno.test("a MAT file of other content is refused, and nothing is left behind", async () => {
  await using folder = await temporaryFolder();
  const cases: [Uint8Array, RegExp][] = [
    [matFile(images(2, 1)), /expected the arrays X and y, found "X"$/],
    [matFile(), /expected the arrays X and y, found none$/],
    [matFile(images(2, 1), labels([1, 2, 3])), /expected 2 labels in y, found 3$/],
    [matFile(images(2, 1), labels([1, 11])), /expected labels 1 to 10 in y, found 11 for image 1$/],
    [matFile(images(2, 1), labels([0, 1])), /found 0 for image 0$/],
    [
      matFile({ ...images(2, 1), shape: [32, 32, 2, 3] }, labels([1, 2])),
      /expected X as uint8 \[32, 32, 3, N\], found uint8 \[32, 32, 2, 3\]$/,
    ],
    [
      matFile({ ...images(1, 1), type: MI.int8, class: 8 }, labels([1])),
      /found int8 \[32, 32, 3\]$/,
    ],
  ];
  const path = join(folder.path, "some.mat");
  for (const [bytes, message] of cases) {
    await Deno.writeFile(path, bytes);
    await assert.rejects(convertSvhn(path, join(folder.path, "some.bin"), SILENT), {
      name: "DataError",
      message,
    });
    assert.deepEqual(await namesIn(folder.path), ["some.mat"]);
  }
  const whole = matFile(labels([1, 2]), images(2, 1));
  await Deno.writeFile(path, whole.subarray(0, whole.length - 1000));
  await assert.rejects(convertSvhn(path, join(folder.path, "some.bin"), SILENT), {
    name: "DataError",
  });
  assert.deepEqual(await namesIn(folder.path), ["some.mat"]);
});

Deno.test("a full chunk of records, and one more, are converted in their order", async () => {
  await using folder = await temporaryFolder();
  const count = 257;
  const digits = Array.from({ length: count }, (_, i) => i % 10);
  const x = images(count, 5);
  const path = join(folder.path, "some.mat");
  await Deno.writeFile(path, matFile(x, labels(digits.map((digit) => digit === 0 ? 10 : digit))));
  const out = join(folder.path, "some.bin");
  const steps: number[] = [];
  const reporter = { message() {}, progress: (_: string, done: number) => void steps.push(done) };
  const { records } = await convertSvhn(path, out, reporter);
  assert.equal(records, count);
  assert.deepEqual(new Uint8Array(await Deno.readFile(out)), expectedRecords(x.data, digits));
  assert.deepEqual(steps, [256 * 3073, 257 * 3073]);
});
