// Batch normalization of the columns of x [rows, C]: moments, normalization and its gradient. See the shaders of
// the same names for the formulas. A unit is `part` rows.
//
// Passes that make sums go over a part of the rows once for each few columns: the part stays in the cache.
import { f32Param, pointer, storePart, u32Param } from "./block";
import { leaky } from "./elementwise";

// partial [parts, 2, C]: mean, and sum of squared differences from it, of each part of the rows. Two passes over a
// part, as sums of squares would cancel. Means are given from the column's first number on, for float32 numbers
// about 1000 lie 6e-5 apart.
export function moments(p: usize, first: i32, last: i32, _scratch: usize): void {
  const rows = u32Param(p, 2), c = u32Param(p, 3), part = u32Param(p, 4);
  const stride = c << 2;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const count = min(part, rows - unit * part);
    const x = pointer(p, 0) + unit * part * stride;
    const to = pointer(p, 1) + 2 * unit * stride;
    const share = f32x4.splat(<f32> 1 / <f32> count);
    const zero = f32x4.splat(0);
    let i: u32 = 0;
    for (; i + 16 <= c; i += 16) {
      const origin = pointer(p, 0) + (i << 2);
      const o0 = v128.load(origin), o1 = v128.load(origin, 16);
      const o2 = v128.load(origin, 32), o3 = v128.load(origin, 48);
      let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
      let at = x + (i << 2);
      for (let r: u32 = 0; r < count; r++, at += stride) {
        s0 = f32x4.add(s0, f32x4.sub(v128.load(at), o0));
        s1 = f32x4.add(s1, f32x4.sub(v128.load(at, 16), o1));
        s2 = f32x4.add(s2, f32x4.sub(v128.load(at, 32), o2));
        s3 = f32x4.add(s3, f32x4.sub(v128.load(at, 48), o3));
      }
      const mean = to + (i << 2), square = mean + stride;
      const m0 = f32x4.mul(s0, share), m1 = f32x4.mul(s1, share);
      const m2 = f32x4.mul(s2, share), m3 = f32x4.mul(s3, share);
      v128.store(mean, m0), v128.store(mean, m1, 16), v128.store(mean, m2, 32), v128.store(mean, m3, 48);
      s0 = zero, s1 = zero, s2 = zero, s3 = zero;
      at = x + (i << 2);
      for (let r: u32 = 0; r < count; r++, at += stride) {
        let d = f32x4.sub(f32x4.sub(v128.load(at), o0), m0);
        s0 = f32x4.relaxed_madd(d, d, s0), d = f32x4.sub(f32x4.sub(v128.load(at, 16), o1), m1);
        s1 = f32x4.relaxed_madd(d, d, s1), d = f32x4.sub(f32x4.sub(v128.load(at, 32), o2), m2);
        s2 = f32x4.relaxed_madd(d, d, s2), d = f32x4.sub(f32x4.sub(v128.load(at, 48), o3), m3);
        s3 = f32x4.relaxed_madd(d, d, s3);
      }
      v128.store(square, s0), v128.store(square, s1, 16);
      v128.store(square, s2, 32), v128.store(square, s3, 48);
    }
    for (; i < c; i += 4) {
      const origin = v128.load(pointer(p, 0) + (i << 2));
      let sum = zero, squares = zero;
      let at = x + (i << 2);
      for (let r: u32 = 0; r < count; r++, at += stride) {
        sum = f32x4.add(sum, f32x4.sub(v128.load(at), origin));
      }
      const mean = f32x4.mul(sum, share);
      at = x + (i << 2);
      for (let r: u32 = 0; r < count; r++, at += stride) {
        const d = f32x4.sub(f32x4.sub(v128.load(at), origin), mean);
        squares = f32x4.relaxed_madd(d, d, squares);
      }
      storePart(to + (i << 2), mean, c - i);
      storePart(to + stride + (i << 2), squares, c - i);
    }
  }
}

// y [2, C]: the parts as one. moments: mean, to which x's first number is added, and biased variance (Chan, Golub
// and LeVeque 1979); else plain sums.
// A unit is four columns.
export function channel_merge(p: usize, first: i32, last: i32, _scratch: usize): void {
  const rows = u32Param(p, 3), c = u32Param(p, 4), part = u32Param(p, 5);
  const moments = u32Param(p, 6) != 0;
  const stride = c << 2;
  const parts = (rows + part - 1) / part;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    let at = pointer(p, 0) + (unit << 4);
    let one = v128.load(at), two = v128.load(at + stride);
    let count = min(part, rows);
    for (let i: u32 = 1; i < parts; i++) {
      at += 2 * stride;
      const first = v128.load(at), second = v128.load(at + stride);
      if (moments) {
        const more = min(part, rows - count);
        const share = <f32> more / <f32> (count + more);
        const d = f32x4.sub(first, one);
        one = f32x4.relaxed_madd(d, f32x4.splat(share), one);
        two = f32x4.add(two, second);
        two = f32x4.relaxed_madd(f32x4.mul(d, d), f32x4.splat(<f32> count * share), two);
        count += more;
      } else {
        one = f32x4.add(one, first);
        two = f32x4.add(two, second);
      }
    }
    if (moments) {
      one = f32x4.add(one, v128.load(pointer(p, 1) + (unit << 4)));
      two = f32x4.div(two, f32x4.splat(<f32> rows));
    }
    const to = pointer(p, 2) + (unit << 4);
    storePart(to, one, c - (unit << 2));
    storePart(to + stride, two, c - (unit << 2));
  }
}

// gamma / sqrt(variance + epsilon), or without gamma the root's inverse.
// @ts-ignore: decorator
@inline
function inverseRoot(variance: usize, epsilon: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(v128.load(variance), epsilon)));
}

// y = leaky((x - mean) gamma / sqrt(variance + epsilon) + beta)
export function batch_norm(p: usize, first: i32, last: i32, scratch: usize): void {
  const gamma = pointer(p, 1), beta = pointer(p, 2), means = pointer(p, 3);
  const rows = u32Param(p, 5), c = u32Param(p, 6), part = u32Param(p, 7);
  const epsilon = f32x4.splat(f32Param(p, 8)), slope = f32x4.splat(f32Param(p, 9));
  const stride = c << 2;
  // Of each four columns: mean, factor, beta.
  for (let i: u32 = 0, to = scratch; i < c; i += 4, to += 48) {
    const at = i << 2;
    v128.store(to, v128.load(means + at));
    const inverse = inverseRoot(means + stride + at, epsilon);
    v128.store(to, f32x4.mul(v128.load(gamma + at), inverse), 16);
    v128.store(to, v128.load(beta + at), 32);
  }
  const from = <u32> first * part, end = min<u32>(<u32> last * part, rows);
  let x = pointer(p, 0) + from * stride, y = pointer(p, 4) + from * stride;
  const plain = f32Param(p, 9) == 1;
  for (let r = from; r < end; r++, x += stride, y += stride) {
    for (let i: u32 = 0, table = scratch; i < c; i += 4, table += 48) {
      const d = f32x4.sub(v128.load(x + (i << 2)), v128.load(table));
      const z = f32x4.relaxed_madd(d, v128.load(table, 16), v128.load(table, 32));
      storePart(y + (i << 2), plain ? z : leaky(z, z, slope), c - i);
    }
  }
}

// Sums of dz and dz (x - mean) of `count` rows for 4 columns.
// @ts-ignore: decorator
@inline
function gradSums(p: usize, x: usize, dy: usize, to: usize, i: u32, count: u32, masked: bool): void {
  const c = u32Param(p, 7), stride = c << 2, at = i << 2;
  const means = pointer(p, 4);
  const mean = v128.load(means + at);
  const inverse = inverseRoot(means + stride + at, f32x4.splat(f32Param(p, 9)));
  const factor = f32x4.mul(v128.load(pointer(p, 2) + at), inverse);
  const beta = v128.load(pointer(p, 3) + at), slope = f32x4.splat(f32Param(p, 10));
  let sums = f32x4.splat(0), slants = f32x4.splat(0);
  for (let r: u32 = 0; r < count; r++, x += stride, dy += stride) {
    const d = f32x4.sub(v128.load(x + at), mean);
    let dz = v128.load(dy + at);
    if (masked) dz = leaky(f32x4.relaxed_madd(d, factor, beta), dz, slope);
    sums = f32x4.add(sums, dz);
    slants = f32x4.relaxed_madd(dz, d, slants);
  }
  storePart(to + at, sums, c - i);
  storePart(to + stride + at, f32x4.mul(slants, inverse), c - i);
}

// A function each, which the compiler cannot fold into one with a branch inside.
function plainSums(p: usize, x: usize, dy: usize, to: usize, i: u32, count: u32): void {
  gradSums(p, x, dy, to, i, count, false);
}
function leakySums(p: usize, x: usize, dy: usize, to: usize, i: u32, count: u32): void {
  gradSums(p, x, dy, to, i, count, true);
}

// partial [parts, 2, C]: the sums of dz and of dz (x - mean) / sqrt(variance + epsilon).
export function batch_norm_grad_sums(p: usize, first: i32, last: i32, _scratch: usize): void {
  const rows = u32Param(p, 6), c = u32Param(p, 7), part = u32Param(p, 8);
  const plain = f32Param(p, 10) == 1;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const count = min(part, rows - unit * part);
    const start = (unit * part * c) << 2;
    const dy = pointer(p, 0) + start, x = pointer(p, 1) + start;
    const to = pointer(p, 5) + ((2 * unit * c) << 2);
    for (let i: u32 = 0; i < c; i += 4) {
      if (plain) plainSums(p, x, dy, to, i, count);
      else leakySums(p, x, dy, to, i, count);
    }
  }
}

// dx = gamma / sqrt(variance + epsilon) (dz - sums[0] / rows - n sums[1] / rows); without training the sums count
// as zero. Written as factor dz + slant (x - mean) + shift.
export function batch_norm_grad_input(p: usize, first: i32, last: i32, scratch: usize): void {
  const gamma = pointer(p, 2), beta = pointer(p, 3), means = pointer(p, 4), sums = pointer(p, 5);
  const rows = u32Param(p, 7), c = u32Param(p, 8), part = u32Param(p, 9);
  const epsilon = f32x4.splat(f32Param(p, 10)), slope = f32x4.splat(f32Param(p, 11));
  const stride = c << 2;
  const share = f32x4.splat(u32Param(p, 12) != 0 ? <f32> -1 / <f32> rows : 0);
  // Of each four columns: mean, factor, beta, slant, shift.
  for (let i: u32 = 0, to = scratch; i < c; i += 4, to += 80) {
    const at = i << 2;
    const inverse = inverseRoot(means + stride + at, epsilon);
    const factor = f32x4.mul(v128.load(gamma + at), inverse);
    v128.store(to, v128.load(means + at));
    v128.store(to, factor, 16);
    v128.store(to, v128.load(beta + at), 32);
    const scaled = f32x4.mul(factor, share);
    const slant = f32x4.mul(f32x4.mul(scaled, inverse), v128.load(sums + stride + at));
    v128.store(to, slant, 48);
    v128.store(to, f32x4.mul(scaled, v128.load(sums + at)), 64);
  }
  const from = <u32> first * part, end = min<u32>(<u32> last * part, rows);
  let dy = pointer(p, 0) + from * stride, x = pointer(p, 1) + from * stride;
  let dx = pointer(p, 6) + from * stride;
  const plain = f32Param(p, 11) == 1;
  for (let r = from; r < end; r++, x += stride, dy += stride, dx += stride) {
    for (let i: u32 = 0, table = scratch; i < c; i += 4, table += 80) {
      const d = f32x4.sub(v128.load(x + (i << 2)), v128.load(table));
      const factor = v128.load(table, 16);
      let dz = v128.load(dy + (i << 2));
      if (!plain) dz = leaky(f32x4.relaxed_madd(d, factor, v128.load(table, 32)), dz, slope);
      const side = f32x4.relaxed_madd(d, v128.load(table, 48), v128.load(table, 64));
      storePart(dx + (i << 2), f32x4.relaxed_madd(dz, factor, side), c - i);
    }
  }
}
