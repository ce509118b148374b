/** Seeds 6.4: fixed-length records of files whose names come from a queue. */
import assert from "node:assert/strict";
import { CorruptBudget } from "../../../src/data/corrupt_budget.ts";
import { OutOfRangeError } from "../../../src/data/queues/errors.ts";
import { FIFOQueue } from "../../../src/data/queues/fifo_queue.ts";
import { FixedLengthRecordReader } from "../../../src/data/readers/record_reader.ts";
import { temporaryFolder } from "../helpers.ts";
import { numbered, packed, queueOfFiles, readAll } from "./support.ts";

Deno.test("the key is the file and the number of the record, which restarts in each file", async () => {
  await using folder = await temporaryFolder();
  const { records, paths, reader } = await readAll(folder.path, [numbered(9), numbered(6)], {
    recordBytes: 3,
  });
  assert.deepEqual(records.map(({ key, path, number }) => [key, path, number]), [
    [`${paths[0]}:0`, paths[0], 0],
    [`${paths[0]}:1`, paths[0], 1],
    [`${paths[0]}:2`, paths[0], 2],
    [`${paths[1]}:0`, paths[1], 0],
    [`${paths[1]}:1`, paths[1], 1],
  ]);
  assert.deepEqual(records.map(({ value }) => [...value]), [
    [0, 1, 2],
    [3, 4, 5],
    [6, 7, 8],
    [0, 1, 2],
    [3, 4, 5],
  ]);
  assert.equal(reader.recordsProduced, 5);
  assert.equal(reader.filesCompleted, 2);
});

Deno.test("header and footer are no part of any record, and records overlap or lie apart by the hop", async () => {
  await using folder = await temporaryFolder();
  const cases = [
    { headerBytes: 4, recordBytes: 3, footerBytes: 2, records: [[4, 5, 6], [7, 8, 9]], bytes: 12 },
    { recordBytes: 4, hopBytes: 2, records: [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]], bytes: 8 },
    // The gap behind the last record may be there or not.
    { recordBytes: 2, hopBytes: 5, records: [[0, 1], [5, 6]], bytes: 7 },
    { recordBytes: 2, hopBytes: 5, records: [[0, 1], [5, 6]], bytes: 10 },
    {
      headerBytes: 1,
      recordBytes: 3,
      hopBytes: 1,
      footerBytes: 1,
      records: [[1, 2, 3], [2, 3, 4]],
      bytes: 6,
    },
    { headerBytes: 3, recordBytes: 7, footerBytes: 2, records: [], bytes: 5 },
  ];
  for (const { records: expected, bytes, ...framing } of cases) {
    const { records } = await readAll(folder.path, [numbered(bytes)], framing);
    assert.deepEqual(records.map(({ value }) => [...value]), expected, JSON.stringify(framing));
  }
});

Deno.test("records are the same across the ends of the 256 KiB buffer", async () => {
  await using folder = await temporaryFolder();
  const bytes = numbered(600_000);
  for (const [recordBytes, headerBytes, hopBytes] of [[3073, 300_000, 3073], [1000, 7, 400]]) {
    const count = Math.floor((bytes.length - headerBytes - recordBytes) / hopBytes) + 1;
    const end = headerBytes + (count - 1) * hopBytes + recordBytes;
    const { records } = await readAll(folder.path, [bytes.subarray(0, end)], {
      recordBytes,
      headerBytes,
      hopBytes,
    });
    assert.equal(records.length, count);
    records.forEach(({ value }, number) => {
      const start = headerBytes + number * hopBytes;
      assert.deepEqual(value, bytes.slice(start, start + recordBytes));
    });
  }
});

Deno.test("a record longer than the buffer is read whole", async () => {
  await using folder = await temporaryFolder();
  const bytes = numbered(900_000);
  const { records } = await readAll(folder.path, [bytes], { recordBytes: 450_000 });
  assert.equal(records.length, 2);
  assert.deepEqual(records[1].value, bytes.slice(450_000));
});

Deno.test("gzip and zlib files give the records of what was compressed, footer included", async () => {
  await using folder = await temporaryFolder();
  const framing = { headerBytes: 5, recordBytes: 3073, footerBytes: 11 };
  const bytes = numbered(5 + 200 * 3073 + 11);
  const plain = await readAll(folder.path, [bytes], framing);
  assert.equal(plain.records.length, 200);
  for (const encoding of ["gzip", "zlib"] as const) {
    const content = await packed(bytes, encoding === "gzip" ? "gzip" : "deflate");
    const { records } = await readAll(folder.path, [content], { ...framing, encoding });
    assert.deepEqual(records.map(({ value }) => value), plain.records.map(({ value }) => value));
  }
});

Deno.test("a damaged or cut compressed file is an error that names it", async () => {
  await using folder = await temporaryFolder();
  const whole = await packed(numbered(100_000), "gzip");
  const damaged = whole.slice();
  damaged[whole.length >> 1] ^= 0xff;
  for (const content of [damaged, whole.subarray(0, whole.length - 20), numbered(50)]) {
    await assert.rejects(
      readAll(folder.path, [content], { recordBytes: 10, encoding: "gzip" }),
      { name: "DataError", message: /^Cannot read .*0\.bin.*: expected gzip data[^\n]*$/ },
    );
  }
});

Deno.test("after a damaged file the next read goes on with the next file", async () => {
  await using folder = await temporaryFolder();
  const contents = [numbered(50), await packed(numbered(10), "gzip")];
  const { queue, paths } = await queueOfFiles(folder.path, contents);
  using reader = new FixedLengthRecordReader(queue, { recordBytes: 10, encoding: "gzip" });
  await assert.rejects(reader.read(), { name: "DataError" });
  assert.equal((await reader.read()).key, `${paths[1]}:0`);
  await assert.rejects(reader.read(), OutOfRangeError);
});

Deno.test("a truncated tail is an error that names file, offset, lengths and what was found", async () => {
  await using folder = await temporaryFolder();
  const options = { headerBytes: 4, recordBytes: 10, footerBytes: 2 };
  await assert.rejects(readAll(folder.path, [numbered(4 + 20 + 7 + 2)], options), {
    name: "DataError",
    message:
      /^Cannot read .*0\.bin as it is truncated: expected 4 header bytes, records of 10 and 2 footer bytes, found 7 bytes at offset 24 for record 2$/,
    hint: /--skip-corrupt/,
  });
  await assert.rejects(readAll(folder.path, [numbered(5)], options), /found a file of 5 bytes$/);
});

Deno.test("the end of overlapping records is whole or truncated by its last byte", async () => {
  await using folder = await temporaryFolder();
  const options = { recordBytes: 4, hopBytes: 3 };
  assert.equal((await readAll(folder.path, [numbered(7)], options)).records.length, 2);
  await assert.rejects(
    readAll(folder.path, [numbered(8)], options),
    /found 2 bytes at offset 6 for record 2$/,
  );
});

Deno.test("truncated tails are counted against the budget, and reading goes on with the next file", async () => {
  await using folder = await temporaryFolder();
  const said: string[] = [];
  const budget = new CorruptBudget(2, (message) => said.push(message));
  const contents = [numbered(7), numbered(6), numbered(8), numbered(3)];
  const { records } = await readAll(folder.path, contents, { recordBytes: 3, budget });
  assert.equal(records.length, 2 + 2 + 2 + 1);
  assert.equal(budget.skipped, 2);
  assert.match(said[1], /skipped 2 of at most 2: .*2\.bin as it is truncated/);
  await assert.rejects(
    readAll(folder.path, contents, { recordBytes: 3, budget: new CorruptBudget(1) }),
    { name: "DataError", message: /2\.bin .*1 were skipped before/ },
  );
});

Deno.test("without a budget a truncated tail stops one read, and the next goes on with the next file", async () => {
  await using folder = await temporaryFolder();
  const { queue, paths } = await queueOfFiles(folder.path, [numbered(4), numbered(3)]);
  using reader = new FixedLengthRecordReader(queue, { recordBytes: 3 });
  assert.equal((await reader.read()).key, `${paths[0]}:0`);
  await assert.rejects(reader.read(), { name: "DataError" });
  assert.equal((await reader.read()).key, `${paths[1]}:0`);
  await assert.rejects(reader.read(), OutOfRangeError);
});

Deno.test("read waits for the next file name in the same call", async () => {
  await using folder = await temporaryFolder();
  const { paths } = await queueOfFiles(folder.path, [numbered(3), numbered(0), numbered(3)]);
  const queue = new FIFOQueue<string>({ name: "files", capacity: 4 });
  using reader = new FixedLengthRecordReader(queue, { recordBytes: 3 });
  const first = reader.read();
  await queue.enqueue(paths[0]);
  assert.equal((await first).key, `${paths[0]}:0`);
  const second = reader.read();
  // An empty file has no record: the same read goes on to the one behind it.
  await queue.enqueue(paths[1]);
  await queue.enqueue(paths[2]);
  assert.equal((await second).key, `${paths[2]}:0`);
});

Deno.test("readUpTo gives at most so many records of one file, and never none", async () => {
  await using folder = await temporaryFolder();
  const { queue } = await queueOfFiles(folder.path, [numbered(15), numbered(6)]);
  using reader = new FixedLengthRecordReader(queue, { recordBytes: 3 });
  const lengths: number[] = [];
  for (let i = 0; i < 4; i++) lengths.push((await reader.readUpTo(2)).length);
  assert.deepEqual(lengths, [2, 2, 1, 2]);
  await assert.rejects(reader.readUpTo(2), OutOfRangeError);
  assert.equal(reader.recordsProduced, 7);
  await assert.rejects(reader.readUpTo(0), /at least 1: current value is 0/);
});

Deno.test("reads at the same time are served in their order, each record once", async () => {
  await using folder = await temporaryFolder();
  const { queue } = await queueOfFiles(folder.path, [numbered(9), numbered(9)]);
  using reader = new FixedLengthRecordReader(queue, { recordBytes: 3 });
  const records = await Promise.all(Array.from({ length: 6 }, () => reader.read()));
  assert.deepEqual(records.map(({ number }) => number), [0, 1, 2, 0, 1, 2]);
});

Deno.test("records that were given out stay as they are, unless they are borrowed", async () => {
  await using folder = await temporaryFolder();
  const bytes = numbered(600_000);
  for (const borrow of [false, true]) {
    const { queue } = await queueOfFiles(folder.path, [bytes]);
    using reader = new FixedLengthRecordReader(queue, { recordBytes: 1000, borrow });
    const first = (await reader.read()).value;
    while (reader.recordsProduced < 600) await reader.readUpTo(600);
    assert.equal(first.every((value, i) => value === bytes[i]), !borrow);
  }
});

Deno.test("a wait is called off by its signal, at the queue as behind another read", async () => {
  await using folder = await temporaryFolder();
  const { paths } = await queueOfFiles(folder.path, [numbered(3)]);
  const queue = new FIFOQueue<string>({ name: "files", capacity: 1 });
  using reader = new FixedLengthRecordReader(queue, { recordBytes: 3 });
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = [first, second].map(({ signal }) => reader.read({ signal }));
  const third = reader.read();
  second.abort(new Error("second"));
  await assert.rejects(waiting[1], { message: "second" });
  first.abort(new Error("first"));
  await assert.rejects(waiting[0]);
  await queue.enqueue(paths[0]);
  assert.equal((await third).number, 0);
  await assert.rejects(reader.read({ signal: AbortSignal.abort(new Error("late")) }), /late/);
});

Deno.test("a file that cannot be read is an error of one line", async () => {
  await using folder = await temporaryFolder();
  for (const encoding of ["none", "gzip"] as const) {
    for (const path of [`${folder.path}/absent.bin`, folder.path]) {
      const queue = new FIFOQueue<string>({ name: "files", capacity: 1 });
      await queue.enqueue(path);
      using reader = new FixedLengthRecordReader(queue, { recordBytes: 3, encoding });
      await assert.rejects(reader.read(), {
        name: "UserError",
        message: /^Cannot read [^\n]*: (no such file or folder|it is a folder)$/,
      });
    }
  }
});

Deno.test("lengths that cannot be are refused", () => {
  const queue = new FIFOQueue<string>({ name: "files", capacity: 1 });
  const wrong = [
    { recordBytes: 0 },
    { recordBytes: 1.5 },
    { recordBytes: 3, headerBytes: -1 },
    { recordBytes: 3, footerBytes: NaN },
    { recordBytes: 3, hopBytes: 0 },
  ];
  for (const options of wrong) {
    assert.throws(() => new FixedLengthRecordReader(queue, options), RangeError);
  }
});

Deno.test("a watcher sees the bytes of each file as they stand on the disk, then its end", async () => {
  await using folder = await temporaryFolder();
  const content = await packed(numbered(5000), "gzip");
  const seen: number[] = [];
  const ends: string[] = [];
  const { paths } = await readAll(folder.path, [content], {
    recordBytes: 50,
    encoding: "gzip",
    watcher: { bytes: (_path, bytes) => seen.push(...bytes), end: (path) => ends.push(path) },
  });
  assert.deepEqual(seen, [...content]);
  assert.deepEqual(ends, paths);
});
