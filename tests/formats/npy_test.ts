/** NumPy's arrays: the bytes that NumPy itself writes (tests/golden/npy.py), both ways. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { decodeNpy, encodeNpy, type NpyArray, npyHeader } from "../../src/formats/npy.ts";
import { DataError } from "../../src/util/errors.ts";

const GOLDEN = join(import.meta.dirname!, "../golden");

const features: NpyArray = {
  type: "<f4",
  shape: [3, 2, 2],
  data: Float32Array.from(
    [1, 2, -4].flatMap((factor) =>
      [0.5, -1.25, Math.fround(3e-30), 16777216].map((value) => factor * value)
    ),
  ),
};
const labels: NpyArray = {
  type: "<i8",
  shape: [3],
  data: BigInt64Array.from([0n, 9n, 2n ** 53n]),
};

for (const [name, array] of Object.entries({ features, labels })) {
  Deno.test(`${name}.npy is read as NumPy wrote it, and written to the same bytes`, async () => {
    const bytes = await Deno.readFile(join(GOLDEN, `${name}.npy`));
    assert.deepEqual(decodeNpy(bytes), array);
    assert.deepEqual(encodeNpy(array), bytes);
  });
}

Deno.test("headers end at a multiple of 64, whatever the shape", () => {
  for (const shape of [[], [7], [50_000, 2304], [1, 2, 3, 4, 5, 6, 7, 8, 1234567, 10]]) {
    const header = npyHeader("<f4", shape);
    assert.equal(header.length % 64, 0);
    assert.equal(header.at(-1), 0x0a);
    const empty = shape.map((size, i) => i === 0 ? 0 : size);
    if (shape.length > 0) assert.deepEqual(decodeNpy(npyHeader("<f4", empty)).shape, empty);
  }
});

Deno.test("what is no such array is refused", () => {
  const whole = encodeNpy(features);
  const changed = (from: string, to: string) => {
    const text = String.fromCharCode(...whole).replace(from, to);
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  };
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(3), /an \.npy file/],
    [whole.subarray(0, 9), /a header, found the end/],
    [whole.subarray(0, 60), /a whole header/],
    [whole.subarray(0, whole.length - 1), /48 bytes of values, found 47/],
    [changed("<f4", ">f4"), /one of <f4, .* found ">f4"/],
    [changed("False", "True "), /fortran_order True/],
    [changed("(3, 2, 2)", "[3, 2, 2]"), /a shape/],
  ];
  for (const [bytes, rule] of cases) {
    assert.throws(
      () => decodeNpy(bytes, "x.npy"),
      (error) => error instanceof DataError && rule.test(error.message),
    );
  }
});
