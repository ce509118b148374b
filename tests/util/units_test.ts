import assert from "node:assert/strict";
import {
  fixed,
  formatByteRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatEta,
  formatFlopRate,
  formatFlops,
  formatShare,
  formatShort,
} from "../../src/util/units.ts";

function table<T>(format: (value: T) => string, cases: readonly (readonly [T, string])[]): void {
  for (const [value, text] of cases) assert.equal(format(value), text, `of ${value}`);
}

Deno.test("bytes", () => {
  table(formatBytes, [
    [0, "0 bytes"],
    [1, "1 byte"],
    [1023, "1023 bytes"],
    [1024, "1.00 KiB"],
    [1536, "1.50 KiB"],
    [1048575, "1.00 MiB"],
    [134217728, "128 MiB"],
    [3 * 2 ** 30, "3.00 GiB"],
    [2 ** 60, "1024 PiB"],
  ]);
});

Deno.test("counts", () => {
  table(formatCount, [[0, "0"], [999, "999"], [1000, "1,000"], [1068298, "1,068,298"]]);
  table(formatCount, [[-1234567, "-1,234,567"], [1234.5678, "1,234.5678"]]);
});

Deno.test("short counts have up to four digits", () => {
  table(formatShort, [[0, "0"], [864, "864"], [18_470_784, "18.47 M"], [5_214_492_928, "5.214 G"]]);
  table(formatShort, [[1000, "1.000 K"], [999_999, "1.000 M"], [262_144, "262.1 K"]]);
});

Deno.test("operations and rates", () => {
  table(formatFlops, [[500, "500 FLOP"], [18_470_784 * 2, "36.9 MFLOP"], [14.184e9, "14.2 GFLOP"]]);
  assert.equal(formatFlops(999_999), "1.00 MFLOP");
  assert.equal(formatFlopRate(15e9), "15.0 GFLOP/s");
  assert.equal(formatByteRate(25.6e9), "25.6 GB/s");
});

Deno.test("durations", () => {
  table(formatDuration, [
    [0, "0 s"],
    [8.5e-7, "850 ns"],
    [4.2e-6, "4.20 us"],
    [0.00418, "4.18 ms"],
    [0.99994, "1.00 s"],
    [12.34, "12.3 s"],
    [59.96, "1 min 00 s"],
    [185, "3 min 05 s"],
    [3599.6, "1 h 00 min"],
    [3720, "1 h 02 min"],
    [183600, "2 d 03 h"],
    [-2, "-2.00 s"],
    [NaN, "unknown"],
  ]);
});

Deno.test("time left", () => {
  table(formatEta, [
    [0, "0:00"],
    [42, "0:42"],
    [725, "12:05"],
    [59.6, "1:00"],
    [11229, "3:07:09"],
    [Infinity, "-:--"],
    [NaN, "-:--"],
    [-1, "-:--"],
  ]);
});

Deno.test("fixed width and shares", () => {
  assert.equal(fixed(3.14159, 2, 8), "    3.14");
  assert.equal(fixed(-1, 1), "-1.0");
  assert.equal(formatShare(0.1234), "12.3 %");
});
