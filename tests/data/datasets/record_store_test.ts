/** From record files to an image store: in memory or in the files, verified, labels checked. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CorruptBudget } from "../../../src/data/corrupt_budget.ts";
import { type LoadOptions, loadRecords } from "../../../src/data/datasets/record_store.ts";
import { sha256, temporaryFolder } from "../helpers.ts";
import { SMALL_LAYOUT, smallPixels, smallRecords } from "./support.ts";

const FIRST = smallRecords([0, 1, 2, 3], 1);
const SECOND = smallRecords([3, 2], 2);

/** Writes files, loads them and hands the store, or the error, on. */
async function load<T>(
  contents: readonly Uint8Array[],
  more: Partial<LoadOptions> & { known?: { bytes?: number; sha256?: string }[] },
  use: (loaded: ReturnType<typeof loadRecords>, paths: string[]) => Promise<T> | T,
): Promise<T> {
  await using folder = await temporaryFolder();
  const paths = contents.map((_, index) => join(folder.path, `${index}.bin`));
  for (const [index, bytes] of contents.entries()) await Deno.writeFile(paths[index], bytes);
  const { known = [], ...rest } = more;
  const options: LoadOptions = {
    files: paths.map((path, index) => ({ path, ...known[index] })),
    layout: SMALL_LAYOUT,
    classes: 4,
    memoryLimit: 1 << 20,
    budget: new CorruptBudget(),
    hint: "the fix",
    ...rest,
  };
  return await use(loadRecords(options), paths);
}

for (const [place, memoryLimit] of [["memory", 24], ["files", 23]] as const) {
  Deno.test(`examples are the records of all files in their order: ${place}`, async () => {
    await load([FIRST, new Uint8Array(0), SECOND], { memoryLimit }, async (loaded) => {
      using store = await loaded;
      assert.equal(store.data.source.kind, place);
      assert.deepEqual([...store.labels], [0, 1, 2, 3, 3, 2]);
      const pixels = Array.from({ length: store.count }, (_, i) => [...store.pixels(i)]);
      assert.deepEqual(pixels, [...smallPixels(FIRST), ...smallPixels(SECOND)]);
      assert.deepEqual(store.format, SMALL_LAYOUT.format);
    });
  });

  Deno.test(`header, footer and labels of two bytes: ${place}`, async () => {
    const record = (label: number) => [9, label & 255, label >> 8, label % 7, 1, 2, 3];
    const bytes = Uint8Array.of(7, 7, 7, ...record(999), ...record(258), 6, 6);
    const layout = {
      ...SMALL_LAYOUT,
      headerBytes: 3,
      footerBytes: 2,
      recordBytes: 7,
      labelBytes: 2,
      pixelOffset: 3,
    } as const;
    const limit = memoryLimit === 24 ? 8 : 7;
    await load([bytes], { layout, classes: 1000, memoryLimit: limit }, async (loaded) => {
      using store = await loaded;
      assert.equal(store.data.source.kind, place);
      assert.deepEqual([...store.labels], [999, 258]);
      assert.deepEqual([...store.pixels(1)], [258 % 7, 1, 2, 3]);
    });
  });

  Deno.test(`wrong labels and tails within the budget are left out, and the rest stays right: ${place}`, async () => {
    const bad = smallRecords([0, 9, 1, 255, 2], 3);
    const contents = [bad, FIRST.subarray(0, 33), SECOND];
    const said: string[] = [];
    const budget = new CorruptBudget(3, (message) => said.push(message));
    // 5 + 3 + 2 whole records by their length.
    const limit = memoryLimit === 24 ? 40 : 39;
    await load(contents, { memoryLimit: limit, budget }, async (loaded) => {
      using store = await loaded;
      assert.equal(store.data.source.kind, place);
      assert.deepEqual([...store.labels], [0, 1, 2, 0, 1, 2, 3, 2]);
      const all = [bad, FIRST.subarray(0, 30), SECOND].flatMap(smallPixels);
      const kept = [0, 2, 4, 5, 6, 7, 8, 9].map((record) => all[record]);
      assert.deepEqual(Array.from({ length: 8 }, (_, i) => [...store.pixels(i)]), kept);
      assert.equal(budget.skipped, 3);
      assert.match(
        said[0],
        /0\.bin as a label is out of range: expected 0 to 3, found 9 in record 1$/,
      );
      assert.match(said[2], /1\.bin as it is truncated: .*found 3 bytes at offset 30 for record 3/);
    });
  });
}

Deno.test("a wrong label is an error that names file and record", async () => {
  await load([FIRST, smallRecords([0, 4], 4)], {}, async (loaded, paths) => {
    await assert.rejects(loaded, {
      name: "DataError",
      message: `Cannot use ${
        paths[1]
      } as a label is out of range: expected 0 to 3, found 4 in record 1`,
      hint: "the fix",
    });
  });
});

Deno.test("a label of any one byte can be out of range but for 256 classes", async () => {
  await load([smallRecords([255], 5)], { classes: 256 }, async (loaded) => {
    assert.deepEqual([...(await loaded).labels], [255]);
  });
});

Deno.test("a wrong checksum is an error, whatever the budget", async () => {
  const known = [{ sha256: sha256(FIRST) }, { sha256: sha256(SECOND) }];
  await load([FIRST, SECOND], { known }, async (loaded) => {
    assert.equal((await loaded).count, 6);
  });
  const flipped = SECOND.slice();
  flipped[15] ^= 4;
  const budget = new CorruptBudget(100);
  const corrupted = `corrupted: expected sha256 ${sha256(SECOND)}, found ${sha256(flipped)}`;
  await load([FIRST, flipped], { known, budget }, async (loaded, paths) => {
    await assert.rejects(loaded, {
      name: "DataError",
      message: `Cannot use ${paths[1]} as it is ${corrupted}`,
      hint: "the fix",
    });
  });
  assert.equal(budget.skipped, 0);
});

Deno.test("a wrong label in a file of a wrong checksum is said to be the file's fault", async () => {
  const flipped = FIRST.slice();
  flipped[11] ^= 128;
  const budget = new CorruptBudget(100);
  await load([flipped], { known: [{ sha256: sha256(FIRST) }], budget }, async (loaded) => {
    await assert.rejects(loaded, /corrupted: expected sha256/);
  });
  assert.equal(budget.skipped, 0);
});

Deno.test("a file of a known length that has another is an error before it is read", async () => {
  for (const [bytes, fault] of [[FIRST.subarray(1), "truncated"], [FIRST, "too long"]] as const) {
    const known = [{ bytes: fault === "truncated" ? 40 : 39 }];
    await load([bytes], { known, budget: new CorruptBudget(9) }, async (loaded) => {
      await assert.rejects(loaded, {
        name: "DataError",
        message: new RegExp(`as it is ${fault}: expected ${known[0].bytes} bytes, found`),
        hint: "the fix",
      });
    });
  }
});

Deno.test("a missing file, a folder in its place and files without records are errors", async () => {
  await load([FIRST], { files: [{ path: "no/such.bin", bytes: 40 }] }, async (loaded) => {
    await assert.rejects(loaded, {
      name: "DataError",
      message: "Cannot find no/such.bin: expected a file of 40 bytes",
      hint: "the fix",
    });
  });
  await using folder = await temporaryFolder();
  await load([FIRST], { files: [{ path: folder.path }] }, async (loaded) => {
    await assert.rejects(loaded, {
      name: "UserError",
      message: /^Cannot read .*: it is a folder$/,
    });
  });
  await load([new Uint8Array(0)], {}, async (loaded) => {
    await assert.rejects(loaded, /expected at least one record, found none$/);
  });
  const budget = new CorruptBudget(2);
  await load([smallRecords([9, 9], 6)], { budget }, async (loaded) => {
    await assert.rejects(loaded, /expected at least one record, found none$/);
  });
});

Deno.test("a file that may not be read is an error of one line", async () => {
  await load([FIRST], {}, async (loaded, paths) => {
    await loaded;
    const options = {
      files: [{ path: paths[0] }],
      layout: SMALL_LAYOUT,
      classes: 4,
      memoryLimit: 99,
      budget: new CorruptBudget(),
      hint: "",
    };
    const open = Deno.open;
    Deno.open = () => Promise.reject(new Deno.errors.PermissionDenied("no (os error 13)"));
    try {
      await assert.rejects(loadRecords(options), {
        name: "UserError",
        message: `Cannot read ${paths[0]}: permission denied`,
      });
    } finally {
      Deno.open = open;
    }
  });
});
