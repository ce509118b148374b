/** The reader of MAT files, against files written byte by byte. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type MatArray, openMat } from "../../src/formats/mat.ts";
import { RandomStream, STREAMS } from "../../src/util/random.ts";
import { temporaryFolder } from "../data/helpers.ts";
import {
  compressed,
  concat,
  doubles,
  element,
  matHeader,
  matrix,
  MI,
  type Order,
  smallElement,
  words,
} from "./mat_support.ts";

const ORDERS: readonly Order[] = [{ little: true }, { little: false }];
const LITTLE = ORDERS[0];

/** Opens a file of these bytes. */
async function withMat<T>(bytes: Uint8Array, use: (open: () => Promise<MatArray[]>) => Promise<T>) {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "test.mat");
  await Deno.writeFile(path, bytes);
  return await use(() => openMat(path));
}

async function assertRefused(bytes: Uint8Array, message: RegExp): Promise<void> {
  await withMat(bytes, async (open) => {
    await assert.rejects(
      async () => {
        for (const array of await open()) await array.numbers(1000);
        assert.fail(`expected ${message}`);
      },
      (error: Error) => {
        assert.equal(error.name, "DataError", String(error.stack));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
  });
}

const PIXELS = Uint8Array.from({ length: 24 }, (_, i) => 10 * i);

for (const order of ORDERS) {
  for (
    const wrap of [(bytes: Uint8Array) => bytes, (bytes: Uint8Array) => compressed(bytes, order)]
  ) {
    const kind = `${order.little ? "little" : "big"}-endian, ${
      wrap(new Uint8Array(8)).length === 8 ? "plain" : "compressed"
    }`;
    Deno.test(`arrays are found with name, type, shape and numbers: ${kind}`, async () => {
      const images = { name: "X", shape: [2, 3, 4], type: MI.uint8, data: PIXELS };
      const labels = {
        name: "a_longer_name",
        shape: [3, 1],
        type: MI.double,
        class: 6,
        data: doubles([1, -2.5, 1e300], order),
      };
      const small = {
        name: "s",
        shape: [1, 2],
        type: MI.uint16,
        class: 6,
        data: words(2, [513, 7], order),
      };
      const whole = {
        name: "w",
        shape: [3, 1],
        type: MI.int32,
        class: 12,
        data: words(4, [-1, 2, 3], order),
      };
      const parts = [images, labels, small, whole].map((each) => wrap(matrix(each, order)));
      await withMat(concat(matHeader(order), ...parts), async (open) => {
        const arrays = await open();
        assert.deepEqual(arrays.map(({ name, type, shape, count }) => [name, type, shape, count]), [
          ["X", "uint8", [2, 3, 4], 24],
          ["a_longer_name", "float64", [3, 1], 3],
          ["s", "uint16", [1, 2], 2],
          ["w", "int32", [3, 1], 3],
        ]);
        const numbers = await Promise.all(arrays.map((array) => array.numbers(24)));
        assert.deepEqual(numbers.map((each) => [...each]), [
          [...PIXELS],
          [1, -2.5, 1e300],
          [513, 7],
          [-1, 2, 3],
        ]);
      });
    });
  }
}

Deno.test("data come in pieces of the file, however long they are", async () => {
  const random = new RandomStream(1, STREAMS.test);
  const data = Uint8Array.from({ length: 1_000_000 }, () => random.uniformInt(256));
  const array = matrix({ name: "X", shape: [1000, 1000], type: MI.uint8, data }, LITTLE);
  for (const bytes of [array, compressed(array, LITTLE)]) {
    await withMat(concat(matHeader(LITTLE), bytes), async (open) => {
      const [found] = await open();
      const pieces: Uint8Array[] = [];
      for await (const piece of found.pieces()) pieces.push(piece);
      assert.ok(pieces.length > 3, `${pieces.length} pieces`);
      assert.deepEqual(concat(...pieces), data);
    });
  }
});

Deno.test("arrays that are not plain numbers are passed over", async () => {
  const cell = { name: "c", shape: [1, 1], class: 1, type: MI.uint8, data: new Uint8Array(1) };
  const complex = { name: "z", shape: [1, 1], flags: 8, type: MI.uint8, data: new Uint8Array(1) };
  const plain = { name: "X", shape: [2, 12], type: MI.uint8, data: PIXELS };
  const parts = [cell, complex, plain].map((each) => compressed(matrix(each, LITTLE), LITTLE));
  await withMat(concat(matHeader(LITTLE), ...parts), async (open) => {
    assert.deepEqual((await open()).map(({ name }) => name), ["X"]);
  });
});

Deno.test("a file that is no MAT file of version 5 is refused", async () => {
  await assertRefused(new Uint8Array(0), /expected a MAT file of version 5, found something else$/);
  await assertRefused(new Uint8Array(200), /found something else$/);
  await assertRefused(matHeader(LITTLE, 0x0200), /found version 7\.3 \(HDF5\)$/);
  await assertRefused(matHeader(LITTLE, 0x0400), /found version 0x400$/);
});

Deno.test("lengths that do not fit are refused before anything is allocated", async () => {
  const array = { name: "X", shape: [2, 12], type: MI.uint8, data: PIXELS };
  const header = matHeader(LITTLE);
  const file = (...parts: Uint8Array[]) => concat(header, ...parts);
  const huge = { ...array, shape: [65536, 32767], claimed: 65536 * 32767 };
  const cases: [Uint8Array, RegExp][] = [
    [file(words(4, [MI.matrix, -1], LITTLE)), /at most 0 bytes for the element at offset 128/],
    [file(matrix(array, LITTLE).subarray(0, 60)), /at most 52 bytes for the element at offset 128/],
    [file(Uint8Array.of(1, 2, 3)), /an element at offset 128, found 3 bytes/],
    [file(matrix(huge, LITTLE)), /2147418112 bytes as data of array "X", found 24/],
    [file(compressed(matrix(huge, LITTLE), LITTLE)), /2147418112 bytes as data of array "X"/],
    [file(matrix({ ...array, shape: [2, 11] }, LITTLE)), /expected 22 bytes as data .*found 24/],
    [
      file(matrix({ ...array, shape: [2, -12] }, LITTLE)),
      /dimensions of array "X", found \[2,-12\]/,
    ],
    [file(matrix({ ...array, shape: [24] }, LITTLE)), /two or more dimensions/],
    [file(matrix({ ...array, shape: Array(33).fill(1) }, LITTLE)), /dimensions of type 5/],
    [file(matrix({ ...array, name: "n".repeat(5000) }, LITTLE)), /name of type 1 .*5000/],
    [file(matrix({ ...array, type: 3000 }, LITTLE)), /numbers as data .*type 3000/],
    [file(element(MI.uint8, PIXELS, LITTLE)), /an array at offset 128, found an element of type 2/],
    [
      file(compressed(element(MI.uint8, PIXELS, LITTLE), LITTLE)),
      /in a compressed element, found .*type 2/,
    ],
    [file(smallElement(MI.matrix, new Uint8Array(4), LITTLE)), /an array at offset 128/],
    [
      file(element(MI.matrix, new Uint8Array(0), LITTLE)),
      /8 bytes for the flags of an array, found 0/,
    ],
  ];
  for (const [bytes, message] of cases) await assertRefused(bytes, message);
});

Deno.test("more elements than any such file has are refused", async () => {
  const empty = { name: "", shape: [0, 0], type: MI.uint8, data: new Uint8Array(0) };
  const parts = Array<Uint8Array>(1025).fill(matrix(empty, LITTLE));
  await assertRefused(concat(matHeader(LITTLE), ...parts), /at most 1024 elements, found more/);
});

Deno.test("compressed data that are damaged, cut off or too long are refused", async () => {
  const random = Uint8Array.from({ length: 900 }, (_, i) => (i * i * 7919) % 256);
  const array = matrix({ name: "X", shape: [30, 30], type: MI.uint8, data: random }, LITTLE);
  const whole = concat(matHeader(LITTLE), compressed(array, LITTLE));
  const damaged = whole.slice();
  damaged[whole.length - 20] ^= 0xff;
  await assertRefused(damaged, /expected zlib data, found damage/);
  const checksum = whole.slice();
  checksum[whole.length - 1] ^= 1;
  await assertRefused(checksum, /expected zlib data, found damage/);
  const noZlib = whole.slice();
  noZlib[136] ^= 0xff;
  await assertRefused(noZlib, /expected zlib data, found damage/);
  const short = concat(matHeader(LITTLE), compressed(array.subarray(0, 500), LITTLE));
  await assertRefused(short, /truncated|expected zlib data/);
  const long = concat(matHeader(LITTLE), compressed(concat(array, new Uint8Array(8)), LITTLE));
  await assertRefused(long, /expected the end of array X, found more bytes/);
});

Deno.test("more numbers than the caller expects are refused, and a missing file is named", async () => {
  const array = matrix({ name: "X", shape: [2, 12], type: MI.uint8, data: PIXELS }, LITTLE);
  await withMat(concat(matHeader(LITTLE), array), async (open) => {
    const [found] = await open();
    await assert.rejects(found.numbers(23), /at most 23 numbers, found 24/);
  });
  await assert.rejects(openMat("no/such/file.mat"), {
    name: "UserError",
    message: "Cannot read no/such/file.mat: no such file or folder",
  });
});
