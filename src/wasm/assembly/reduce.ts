// Sum along the middle axis, in a fixed order: y[s, o, i] = scale * sum_{r in part s} f(x[o, r, i]).
// x: [outer, length, inner]; y: [splits, outer, inner]; part s is the rows s * part to (s + 1) * part - 1.
// A unit is a part of one o over COLUMNS neighboring i.
import { f32Param, pointer, storePart, u32Param } from "./block";

// COLUMNS of src/ops/reduce_wasm.ts.
const COLUMNS: u32 = 1024;

// @ts-ignore: decorator
@inline
function accumulate(sum: v128, v: v128, square: bool): v128 {
  return square ? f32x4.relaxed_madd(v, v, sum) : f32x4.add(sum, v);
}

// The sum of `count` neighboring numbers: 32 running sums, then a tree.
// @ts-ignore: decorator
@inline
function sumRun(x: usize, count: u32, square: bool): f32 {
  const zero = f32x4.splat(0);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero;
  let i: u32 = 0;
  for (; i + 32 <= count; i += 32) {
    const at = x + (i << 2);
    s0 = accumulate(s0, v128.load(at), square);
    s1 = accumulate(s1, v128.load(at, 16), square);
    s2 = accumulate(s2, v128.load(at, 32), square);
    s3 = accumulate(s3, v128.load(at, 48), square);
    s4 = accumulate(s4, v128.load(at, 64), square);
    s5 = accumulate(s5, v128.load(at, 80), square);
    s6 = accumulate(s6, v128.load(at, 96), square);
    s7 = accumulate(s7, v128.load(at, 112), square);
  }
  const low = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  const high = f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7));
  let sums = f32x4.add(low, high);
  for (; i + 4 <= count; i += 4) sums = accumulate(sums, v128.load(x + (i << 2)), square);
  let sum = (f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1)) +
    (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3));
  for (; i < count; i++) {
    const v = load<f32>(x + (i << 2));
    sum += square ? v * v : v;
  }
  return sum;
}

// Sums of `rows` rows, `stride` bytes apart, for `columns` neighboring columns.
// @ts-ignore: decorator
@inline
function sumColumns(
  x: usize,
  y: usize,
  rows: u32,
  stride: u32,
  columns: u32,
  square: bool,
  scale: v128,
): void {
  const zero = f32x4.splat(0);
  let i: u32 = 0;
  for (; i + 32 <= columns; i += 32) {
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero;
    let at = x + (i << 2);
    for (let r: u32 = 0; r < rows; r++) {
      s0 = accumulate(s0, v128.load(at), square);
      s1 = accumulate(s1, v128.load(at, 16), square);
      s2 = accumulate(s2, v128.load(at, 32), square);
      s3 = accumulate(s3, v128.load(at, 48), square);
      s4 = accumulate(s4, v128.load(at, 64), square);
      s5 = accumulate(s5, v128.load(at, 80), square);
      s6 = accumulate(s6, v128.load(at, 96), square);
      s7 = accumulate(s7, v128.load(at, 112), square);
      at += stride;
    }
    const to = y + (i << 2);
    v128.store(to, f32x4.mul(s0, scale));
    v128.store(to, f32x4.mul(s1, scale), 16);
    v128.store(to, f32x4.mul(s2, scale), 32);
    v128.store(to, f32x4.mul(s3, scale), 48);
    v128.store(to, f32x4.mul(s4, scale), 64);
    v128.store(to, f32x4.mul(s5, scale), 80);
    v128.store(to, f32x4.mul(s6, scale), 96);
    v128.store(to, f32x4.mul(s7, scale), 112);
  }
  for (; i < columns; i += 4) {
    let sum = zero;
    let at = x + (i << 2);
    for (let r: u32 = 0; r < rows; r++) {
      sum = accumulate(sum, v128.load(at), square);
      at += stride;
    }
    storePart(y + (i << 2), f32x4.mul(sum, scale), columns - i);
  }
}

// A function each, which the compiler cannot fold into one with a branch inside.
function plainRun(x: usize, count: u32): f32 {
  return sumRun(x, count, false);
}
function squareRun(x: usize, count: u32): f32 {
  return sumRun(x, count, true);
}
function plainColumns(x: usize, y: usize, rows: u32, stride: u32, columns: u32, scale: f32): void {
  sumColumns(x, y, rows, stride, columns, false, f32x4.splat(scale));
}
function squareColumns(x: usize, y: usize, rows: u32, stride: u32, columns: u32, scale: f32): void {
  sumColumns(x, y, rows, stride, columns, true, f32x4.splat(scale));
}

export function reduce(p: usize, first: i32, last: i32, _scratch: usize): void {
  const x = pointer(p, 0), y = pointer(p, 1);
  const outer = u32Param(p, 2), length = u32Param(p, 3), inner = u32Param(p, 4);
  const part = u32Param(p, 5), square = u32Param(p, 6) != 0, scale = f32Param(p, 7);
  const columnBlocks = (inner + COLUMNS - 1) / COLUMNS;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const i = (unit % columnBlocks) * COLUMNS, rest = unit / columnBlocks;
    const o = rest % outer, r = (rest / outer) * part;
    const rows = min(part, length - r);
    const from = x + (((o * length + r) * inner + i) << 2);
    const to = y + ((rest * inner + i) << 2);
    if (inner == 1) {
      store<f32>(to, scale * (square ? squareRun(from, rows) : plainRun(from, rows)));
    } else {
      const columns = min(COLUMNS, inner - i);
      if (square) squareColumns(from, to, rows, inner << 2, columns, scale);
      else plainColumns(from, to, rows, inner << 2, columns, scale);
    }
  }
}
