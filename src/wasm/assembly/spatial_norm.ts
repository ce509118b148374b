// Local response normalization within each channel, over rows and columns (cuda-convnet's rnorm). See the shaders of
// the same names for the formulas. x: [N, H, W, C]. A unit is a row of an image.
//
// A window's sum is that of its rows first, made once for the whole row of pixels in the scratch area, then of its
// columns: 2 size loads an element in place of size^2.
import { f32Param, pointer, storePart, u32Param } from "./block";
import { power } from "./lrn";

// Params behind the buffers.
// @ts-ignore: decorator
@inline
const H: u32 = 0;
// @ts-ignore: decorator
@inline
const W: u32 = 1;
// @ts-ignore: decorator
@inline
const C: u32 = 2;
// @ts-ignore: decorator
@inline
const SIZE: u32 = 3;
// @ts-ignore: decorator
@inline
const ALPHA: u32 = 4;
// @ts-ignore: decorator
@inline
const BETA: u32 = 5;
// @ts-ignore: decorator
@inline
const MASK: u32 = 6;

// The sums over the rows of the windows around row `row`: `count` numbers. A window starts `before` rows before.
// @ts-ignore: decorator
@inline
function sumRows(q: usize, image: usize, row: u32, before: u32, to: usize, square: bool): void {
  const h = u32Param(q, H), count = u32Param(q, W) * u32Param(q, C);
  const top = max<u32>(row, before) - before, bottom = min<u32>(row + u32Param(q, SIZE) - before, h);
  const line = count << 2;
  for (let i: u32 = 0; i < line; i += 16) {
    let sum = f32x4.splat(0);
    for (let at = image + top * line + i, end = image + bottom * line; at < end; at += line) {
      const v = v128.load(at);
      sum = square ? f32x4.relaxed_madd(v, v, sum) : f32x4.add(sum, v);
    }
    v128.store(to + i, sum);
  }
}

// A function each, which the compiler cannot fold into one with a branch inside.
function sumSquares(q: usize, image: usize, row: u32, before: u32, to: usize): void {
  sumRows(q, image, row, before, to, true);
}
function sumTerms(q: usize, image: usize, row: u32, before: u32, to: usize): void {
  sumRows(q, image, row, before, to, false);
}

// The sum over columns: `pixels` pixels from `line` on.
// @ts-ignore: decorator
@inline
function sumColumns(line: usize, pixels: u32, pixelBytes: u32): v128 {
  let sum = v128.load(line);
  for (let k: u32 = 1; k < pixels; k++) {
    line += pixelBytes;
    sum = f32x4.add(sum, v128.load(line));
  }
  return sum;
}

// y = x s^-beta
export function spatial_norm(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 8;
  const h = u32Param(q, H), w = u32Param(q, W), c = u32Param(q, C), size = u32Param(q, SIZE);
  const alpha = f32x4.splat(f32Param(q, ALPHA)), beta = f32Param(q, BETA), one = f32x4.splat(1);
  const before = size / 2, pixel = c << 2;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    sumSquares(q, pointer(p, 0) + unit / h * h * w * pixel, unit % h, before, scratch);
    let x = pointer(p, 0) + unit * w * pixel, y = pointer(p, 1) + unit * w * pixel;
    for (let column: u32 = 0; column < w; column++, x += pixel, y += pixel) {
      const left = max<u32>(column, before) - before, right = min<u32>(column + size - before, w);
      for (let i: u32 = 0; i < c; i += 4) {
        const sum = sumColumns(scratch + left * pixel + (i << 2), right - left, pixel);
        const s = f32x4.relaxed_madd(sum, alpha, one);
        storePart(y + (i << 2), f32x4.mul(v128.load(x + (i << 2)), power(s, beta)), c - i);
      }
    }
  }
}

// terms = dy x s^(-beta - 1), dx = dy s^-beta
export function spatial_norm_terms(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 16;
  const h = u32Param(q, H), w = u32Param(q, W), c = u32Param(q, C), size = u32Param(q, SIZE);
  const alpha = f32x4.splat(f32Param(q, ALPHA)), beta = f32Param(q, BETA), one = f32x4.splat(1);
  const before = size / 2, pixel = c << 2;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    sumSquares(q, pointer(p, 0) + unit / h * h * w * pixel, unit % h, before, scratch);
    for (let column: u32 = 0, start = unit * w * pixel; column < w; column++, start += pixel) {
      const left = max<u32>(column, before) - before, right = min<u32>(column + size - before, w);
      for (let i: u32 = 0; i < c; i += 4) {
        const at = start + (i << 2);
        const sum = sumColumns(scratch + left * pixel + (i << 2), right - left, pixel);
        const s = f32x4.relaxed_madd(sum, alpha, one);
        const direct = f32x4.mul(v128.load(pointer(p, 1) + at), power(s, beta));
        const term = f32x4.div(f32x4.mul(direct, v128.load(pointer(p, 0) + at)), s);
        storePart(pointer(p, 2) + at, term, c - i);
        storePart(pointer(p, 3) + at, direct, c - i);
      }
    }
  }
}

// dx -= 2 alpha beta x (sum of terms over the windows that the pixel is in); mask: 0 where x <= 0.
export function spatial_norm_grad(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 12;
  const h = u32Param(q, H), w = u32Param(q, W), c = u32Param(q, C), size = u32Param(q, SIZE);
  const factor = f32x4.splat(-2 * f32Param(q, ALPHA) * f32Param(q, BETA)), zero = f32x4.splat(0);
  const masked = i32x4.splat(u32Param(q, MASK) != 0 ? -1 : 0);
  // The windows that a pixel is in are those of the pixels around it, the other way around.
  const before = size - 1 - size / 2, pixel = c << 2;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    sumTerms(q, pointer(p, 1) + unit / h * h * w * pixel, unit % h, before, scratch);
    let x = pointer(p, 0) + unit * w * pixel, dx = pointer(p, 2) + unit * w * pixel;
    for (let column: u32 = 0; column < w; column++, x += pixel, dx += pixel) {
      const left = max<u32>(column, before) - before, right = min<u32>(column + size - before, w);
      for (let i: u32 = 0; i < c; i += 4) {
        const sum = sumColumns(scratch + left * pixel + (i << 2), right - left, pixel);
        const v = v128.load(x + (i << 2));
        let d = f32x4.relaxed_madd(f32x4.mul(factor, v), sum, v128.load(dx + (i << 2)));
        d = v128.andnot(d, v128.and(f32x4.le(v, zero), masked));
        storePart(dx + (i << 2), d, c - i);
      }
    }
  }
}
