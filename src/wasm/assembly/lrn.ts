// Local response normalization across channels (Krizhevsky et al. 2012, 3.3; TensorFlow's form):
//   s[c] = bias + alpha * sum_{|j| <= r} x[c + j]^2,   y[c] = x[c] s[c]^-beta
// with the window clipped at the first and last channel. x, y: [pixels, C]. A unit is PIXELS pixels.
//
// Squares go to lines of the scratch area with zeros on both sides, so that a window's sum is 2 r + 1
// unaligned loads a vector, without a branch at the edges.
import { f32Param, pointer, storePart, u32Param } from "./block";

// PIXELS of src/ops/lrn_wasm.ts.
const PIXELS: u32 = 16;

// The sum of the 2 radius + 1 numbers around 4 neighboring places; `line` points `radius` numbers before.
// @ts-ignore: decorator
@inline
function windowSum(line: usize, radius: u32): v128 {
  if (radius == 4) {
    const a = f32x4.add(v128.load(line), v128.load(line, 4));
    const b = f32x4.add(v128.load(line, 8), v128.load(line, 12));
    const c = f32x4.add(v128.load(line, 16), v128.load(line, 20));
    const d = f32x4.add(v128.load(line, 24), v128.load(line, 28));
    return f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), v128.load(line, 32));
  }
  let sum = v128.load(line);
  for (let j: u32 = 1; j <= 2 * radius; j++) sum = f32x4.add(sum, v128.load(line + (j << 2)));
  return sum;
}

// s^exponent, lane by lane.
function powers(s: v128, exponent: f32): v128 {
  let y = f32x4.splat(Mathf.pow(f32x4.extract_lane(s, 0), exponent));
  y = f32x4.replace_lane(y, 1, Mathf.pow(f32x4.extract_lane(s, 1), exponent));
  y = f32x4.replace_lane(y, 2, Mathf.pow(f32x4.extract_lane(s, 2), exponent));
  return f32x4.replace_lane(y, 3, Mathf.pow(f32x4.extract_lane(s, 3), exponent));
}

// s^-beta. The usual 0.75 needs no logarithm: with r = s^-0.5, s^-0.75 = r sqrt(r).
// @ts-ignore: decorator
@inline
export function power(s: v128, beta: f32): v128 {
  if (beta == 0.75) {
    const r = f32x4.div(f32x4.splat(1), f32x4.sqrt(s));
    return f32x4.mul(r, f32x4.sqrt(r));
  }
  return powers(s, -beta);
}

// Bits of the lanes that hold channels `i` on; the others would be the next pixel's.
// @ts-ignore: decorator
@inline
function channelLanes(c: u32, i: u32): v128 {
  return i32x4.gt_s(i32x4.splat(<i32> (c - i)), i32x4(0, 1, 2, 3));
}

// Writes the squares of PIXELS lines or fewer to scratch lines of `lineBytes`, `radius` zeros before them.
// @ts-ignore: decorator
@inline
function squares(x: usize, lines: usize, lineBytes: u32, pixels: u32, c: u32, radius: u32): void {
  memory.fill(lines, 0, pixels * lineBytes);
  for (let pixel: u32 = 0; pixel < pixels; pixel++) {
    const from = x + ((pixel * c) << 2), line = lines + pixel * lineBytes + (radius << 2);
    for (let i: u32 = 0; i < c; i += 4) {
      const v = v128.and(v128.load(from + (i << 2)), channelLanes(c, i));
      v128.store(line + (i << 2), f32x4.mul(v, v));
    }
  }
}

// Bytes of a scratch line: the channels in whole vectors, a window's reach on both sides.
// @ts-ignore: decorator
@inline
function lineSize(c: u32, radius: u32): u32 {
  return (((c + 3) & ~3) + 2 * radius + 4) << 2;
}

// @ts-ignore: decorator
@inline
function lrnRows(p: usize, first: i32, last: i32, scratch: usize, radius: u32, beta: f32): void {
  const total = u32Param(p, 2), c = u32Param(p, 3);
  const bias = f32x4.splat(f32Param(p, 4)), alpha = f32x4.splat(f32Param(p, 5));
  const lineBytes = lineSize(c, radius);
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const pixels = min<u32>(PIXELS, total - unit * PIXELS);
    const x = pointer(p, 0) + ((unit * PIXELS * c) << 2);
    const y = pointer(p, 1) + ((unit * PIXELS * c) << 2);
    squares(x, scratch, lineBytes, pixels, c, radius);
    for (let pixel: u32 = 0; pixel < pixels; pixel++) {
      const line = scratch + pixel * lineBytes;
      const from = x + ((pixel * c) << 2), to = y + ((pixel * c) << 2);
      for (let i: u32 = 0; i < c; i += 4) {
        const s = f32x4.relaxed_madd(alpha, windowSum(line + (i << 2), radius), bias);
        const v = f32x4.mul(v128.load(from + (i << 2)), power(s, beta));
        storePart(to + (i << 2), v, c - i);
      }
    }
  }
}

// The usual radius and beta, in a function that the compiler cannot fold into the general one.
function usualLrn(p: usize, first: i32, last: i32, scratch: usize): void {
  lrnRows(p, first, last, scratch, 4, 0.75);
}

export function lrn(p: usize, first: i32, last: i32, scratch: usize): void {
  const beta = f32Param(p, 6), radius = u32Param(p, 7);
  if (radius == 4 && beta == 0.75) usualLrn(p, first, last, scratch);
  else lrnRows(p, first, last, scratch, radius, beta);
}

// The gradient, with s recomputed rather than stored:
//   t[c] = dy[c] x[c] s[c]^(-beta - 1)
//   dx[c] = dy[c] s[c]^-beta - 2 alpha beta x[c] sum_{|j| <= r} t[c + j]
// mask: dx is 0 where x <= 0, the gradient of the ReLU that made x, folded in.
// @ts-ignore: decorator
@inline
function gradRows(
  p: usize,
  first: i32,
  last: i32,
  scratch: usize,
  radius: u32,
  beta: f32,
  mask: bool,
): void {
  const total = u32Param(p, 3), c = u32Param(p, 4);
  const bias = f32x4.splat(f32Param(p, 5)), alphas = f32x4.splat(f32Param(p, 6));
  const factor = f32x4.splat(-2 * f32Param(p, 6) * beta);
  const zero = f32x4.splat(0), one = f32x4.splat(1), masked = i32x4.splat(mask ? -1 : 0);
  const lineBytes = lineSize(c, radius);
  const terms = scratch + PIXELS * lineBytes, direct = terms + PIXELS * lineBytes;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const pixels = min<u32>(PIXELS, total - unit * PIXELS);
    const start = (unit * PIXELS * c) << 2;
    const x = pointer(p, 0) + start, dy = pointer(p, 1) + start, dx = pointer(p, 2) + start;
    squares(x, scratch, lineBytes, pixels, c, radius);
    memory.fill(terms, 0, pixels * lineBytes);
    for (let pixel: u32 = 0; pixel < pixels; pixel++) {
      const line = scratch + pixel * lineBytes, term = terms + pixel * lineBytes + (radius << 2);
      const keep = direct + pixel * lineBytes, row = (pixel * c) << 2;
      for (let i: u32 = 0; i < c; i += 4) {
        const at = i << 2;
        const s = f32x4.relaxed_madd(alphas, windowSum(line + at, radius), bias);
        const v = v128.load(x + row + at), d = v128.load(dy + row + at);
        let straight: v128, inverse: v128;
        if (beta == 0.75) {
          inverse = f32x4.div(one, s);
          const r = f32x4.sqrt(inverse);
          straight = f32x4.mul(d, f32x4.mul(r, f32x4.sqrt(r)));
        } else {
          inverse = f32x4.div(one, s);
          straight = f32x4.mul(d, powers(s, -beta));
        }
        const t = f32x4.mul(f32x4.mul(straight, v), inverse);
        v128.store(term + at, v128.and(t, channelLanes(c, i)));
        v128.store(keep + at, straight);
      }
    }
    for (let pixel: u32 = 0; pixel < pixels; pixel++) {
      const term = terms + pixel * lineBytes, keep = direct + pixel * lineBytes;
      const row = (pixel * c) << 2;
      for (let i: u32 = 0; i < c; i += 4) {
        const at = i << 2;
        const v = v128.load(x + row + at);
        const side = f32x4.mul(factor, v);
        let d = f32x4.relaxed_madd(side, windowSum(term + at, radius), v128.load(keep + at));
        d = v128.andnot(d, v128.and(f32x4.le(v, zero), masked));
        storePart(dx + row + at, d, c - i);
      }
    }
  }
}

function usualGrad(p: usize, first: i32, last: i32, scratch: usize): void {
  gradRows(p, first, last, scratch, 4, 0.75, u32Param(p, 9) != 0);
}

export function lrn_grad(p: usize, first: i32, last: i32, scratch: usize): void {
  const beta = f32Param(p, 7), radius = u32Param(p, 8);
  if (radius == 4 && beta == 0.75) usualGrad(p, first, last, scratch);
  else gradRows(p, first, last, scratch, radius, beta, u32Param(p, 9) != 0);
}
