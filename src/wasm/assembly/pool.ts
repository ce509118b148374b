// Pooling. x: [N, H, W, C]; windows: [N, OH, OW, C]. A unit is a row of the output. The taps of a pixel's
// window, or the windows of a pixel, are listed once in the scratch area for all its channels.
import { pointer, storePart, u32Param } from "./block";
import {
  C,
  coveredFrom,
  coveredTo,
  H,
  KH,
  KW,
  listTaps,
  listWindows,
  OH,
  OW,
  PAD_LEFT,
  PAD_TOP,
  STRIDE_H,
  STRIDE_W,
  W,
  WINDOW_WORDS,
} from "./window";

// Takes v, tap number `tap`, where it is larger than the best so far. NaN wins and stays.
// @ts-ignore: decorator
@inline
function better(v: v128, best: v128): v128 {
  return v128.andnot(f32x4.eq(best, best), f32x4.le(v, best));
}

// @ts-ignore: decorator
@inline
function choose(a: v128, b: v128, which: v128): v128 {
  return i32x4.relaxed_laneselect(a, b, which);
}

// Places of the maxima of whole 3x3 windows, the common case, for all channels of a pixel; x points at the
// window's first tap.
function argmax3x3(x: usize, rowBytes: usize, pixelBytes: usize, to: usize, c: u32): void {
  for (let i: u32 = 0; i < c; i += 4) {
    let row = x + (i << 2);
    let best = v128.load(row);
    let place = i32x4.splat(0);
    let v = v128.load(row + pixelBytes), is = better(v, best);
    best = choose(v, best, is), place = choose(i32x4.splat(1), place, is);
    v = v128.load(row + 2 * pixelBytes), is = better(v, best);
    best = choose(v, best, is), place = choose(i32x4.splat(2), place, is);
    row += rowBytes;
    v = v128.load(row), is = better(v, best);
    best = choose(v, best, is), place = choose(i32x4.splat(3), place, is);
    v = v128.load(row + pixelBytes), is = better(v, best);
    best = choose(v, best, is), place = choose(i32x4.splat(4), place, is);
    v = v128.load(row + 2 * pixelBytes), is = better(v, best);
    best = choose(v, best, is), place = choose(i32x4.splat(5), place, is);
    row += rowBytes;
    v = v128.load(row), is = better(v, best);
    best = choose(v, best, is), place = choose(i32x4.splat(6), place, is);
    v = v128.load(row + pixelBytes), is = better(v, best);
    best = choose(v, best, is), place = choose(i32x4.splat(7), place, is);
    v = v128.load(row + 2 * pixelBytes), is = better(v, best);
    place = choose(i32x4.splat(8), place, is);
    storePart(to + (i << 2), place, c - i);
  }
}

// Where each window has its maximum: y[n, oh, ow, c] = row * KW + column of the first one, in the window's
// row-major order. Padding never wins. NaN wins, so that it is noticed.
export function max_pool2d_argmax(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 8;
  const c = u32Param(q, C), oh = u32Param(q, OH), ow = u32Param(q, OW);
  const rowBytes = (u32Param(q, W) * c) << 2;
  const imageBytes = u32Param(q, H) * rowBytes;
  const whole = u32Param(q, KH) == 3 && u32Param(q, KW) == 3 ? scratch + 72 : 0;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const image = pointer(p, 0) + (unit / oh) * imageBytes;
    let to = pointer(p, 1) + ((unit * ow * c) << 2);
    for (let column: u32 = 0; column < ow; column++) {
      const end = listTaps(q, unit % oh, column, scratch);
      if (end == whole) {
        argmax3x3(image + load<u32>(scratch), rowBytes, c << 2, to, c);
        to += c << 2;
        continue;
      }
      for (let i: u32 = 0; i < c; i += 4) {
        const x = image + (i << 2);
        let best = v128.load(x + load<u32>(scratch));
        let place = v128.load32_splat(scratch, 4);
        for (let tap = scratch + 8; tap < end; tap += 8) {
          const v = v128.load(x + load<u32>(tap));
          const is = better(v, best);
          best = choose(v, best, is);
          place = choose(v128.load32_splat(tap, 4), place, is);
        }
        storePart(to + (i << 2), place, c - i);
      }
      to += c << 2;
    }
  }
}

// Max pooling, once the place of each maximum is known: y[n, oh, ow, c] = x at argmax[n, oh, ow, c].
export function max_pool2d_select(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 12;
  const w = u32Param(q, W), c = u32Param(q, C), oh = u32Param(q, OH), ow = u32Param(q, OW);
  const kw = u32Param(q, KW), taps = u32Param(q, KH) * kw;
  const imageBytes = (u32Param(q, H) * w * c) << 2;
  for (let tap: u32 = 0; tap < taps; tap++) {
    store<u32>(scratch + (tap << 2), ((tap / kw * w + tap % kw) * c) << 2);
  }
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const top = (unit % oh) * u32Param(q, STRIDE_H) - u32Param(q, PAD_TOP);
    const image = pointer(p, 0) + (unit / oh) * imageBytes;
    let places = pointer(p, 1) + ((unit * ow * c) << 2);
    let y = pointer(p, 2) + ((unit * ow * c) << 2);
    for (let column: u32 = 0; column < ow; column++) {
      const left = column * u32Param(q, STRIDE_W) - u32Param(q, PAD_LEFT);
      const corner = image + (((top * w + left) * c) << 2);
      for (let i: u32 = 0; i < (c << 2); i += 4) {
        const offset = load<u32>(scratch + (load<u32>(places + i) << 2));
        store<f32>(y + i, load<f32>(corner + i + offset));
      }
      places += c << 2;
      y += c << 2;
    }
  }
}

// The gradient of a window, where its maximum is tap `here`; with a mask, where it is not <= 0.
// @ts-ignore: decorator
@inline
function chosen(dy: usize, places: usize, pooled: usize, here: v128, mask: bool): v128 {
  const d = v128.and(v128.load(dy), i32x4.eq(v128.load(places), here));
  return mask ? v128.andnot(d, f32x4.le(v128.load(pooled), f32x4.splat(0))) : d;
}

// Gathers `count` windows of the list for all channels of a pixel. A known count keeps the list in registers.
// @ts-ignore: decorator
@inline
function gatherWindows(
  count: u32,
  list: usize,
  places: usize,
  dy: usize,
  pooled: usize,
  dx: usize,
  c: u32,
  mask: bool,
): void {
  const at0 = <usize> load<u32>(list), at1 = <usize> load<u32>(list, 8);
  const at2 = <usize> load<u32>(list, 16), at3 = <usize> load<u32>(list, 24);
  const here0 = v128.load32_splat(list, 4), here1 = v128.load32_splat(list, 12);
  const here2 = v128.load32_splat(list, 20), here3 = v128.load32_splat(list, 28);
  for (let i: u32 = 0; i < c; i += 4) {
    const d = dy + (i << 2), at = places + (i << 2), y = pooled + (i << 2);
    let sum = f32x4.splat(0);
    if (count >= 1) sum = chosen(d + at0, at + at0, y + at0, here0, mask);
    if (count >= 2) sum = f32x4.add(sum, chosen(d + at1, at + at1, y + at1, here1, mask));
    if (count >= 3) sum = f32x4.add(sum, chosen(d + at2, at + at2, y + at2, here2, mask));
    if (count >= 4) sum = f32x4.add(sum, chosen(d + at3, at + at3, y + at3, here3, mask));
    for (let index: u32 = 4; index < count; index++) {
      const offset = <usize> load<u32>(list + (index << 3));
      const here = v128.load32_splat(list + (index << 3), 4);
      sum = f32x4.add(sum, chosen(d + offset, at + offset, y + offset, here, mask));
    }
    storePart(dx + (i << 2), sum, c - i);
  }
}

// @ts-ignore: decorator
@inline
function gradRows(p: usize, first: i32, last: i32, scratch: usize, mask: bool): void {
  const q = p + 16;
  const h = u32Param(q, H), w = u32Param(q, W), c = u32Param(q, C);
  const windowBytes = (u32Param(q, OH) * u32Param(q, OW) * c) << 2;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const image = (unit / h) * windowBytes;
    const at = pointer(p, 0) + image, dy = pointer(p, 1) + image, y = pointer(p, 2) + image;
    let dx = pointer(p, 3) + ((unit * w * c) << 2);
    for (let column: u32 = 0; column < w; column++) {
      const count = <u32> (listWindows(q, unit % h, column, scratch) - scratch) >> 3;
      if (count == 1) gatherWindows(1, scratch, at, dy, y, dx, c, mask);
      else if (count == 2) gatherWindows(2, scratch, at, dy, y, dx, c, mask);
      else if (count == 4) gatherWindows(4, scratch, at, dy, y, dx, c, mask);
      else gatherWindows(count, scratch, at, dy, y, dx, c, mask);
      dx += c << 2;
    }
  }
}

// dx[n, h, w, c] = sum of dy[n, oh, ow, c] over the windows whose maximum is at (h, w).
// mask: without the windows whose maximum is <= 0, the gradient of the ReLU that made the image folded in:
// a pixel that a window chose is its maximum, so that the image need not be read. A unit is a row of dx.
export function max_pool2d_grad(p: usize, first: i32, last: i32, scratch: usize): void {
  if (u32Param(p + 16, WINDOW_WORDS) != 0) gradRows(p, first, last, scratch, true);
  else gradRows(p, first, last, scratch, false);
}

// Average pooling; a window clipped by the edge divides by the pixels it has (as TensorFlow and
// cuda-convnet do): y[n, oh, ow, c] = mean of x over the window.
export function avg_pool2d(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 8;
  const c = u32Param(q, C), oh = u32Param(q, OH), ow = u32Param(q, OW);
  const imageBytes = (u32Param(q, H) * u32Param(q, W) * c) << 2;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const image = pointer(p, 0) + (unit / oh) * imageBytes;
    let y = pointer(p, 1) + ((unit * ow * c) << 2);
    for (let column: u32 = 0; column < ow; column++) {
      const end = listTaps(q, unit % oh, column, scratch);
      const share = f32x4.splat(<f32> 8 / <f32> (end - scratch));
      for (let i: u32 = 0; i < c; i += 4) {
        let sum = f32x4.splat(0);
        for (let tap = scratch; tap < end; tap += 8) {
          sum = f32x4.add(sum, v128.load(image + (i << 2) + load<u32>(tap)));
        }
        storePart(y + (i << 2), f32x4.mul(sum, share), c - i);
      }
      y += c << 2;
    }
  }
}

// Its gradient: dx[n, h, w, c] = sum over windows of dy[n, oh, ow, c] / pixels of that window.
// A unit is a row of dx.
export function avg_pool2d_grad(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 8;
  const h = u32Param(q, H), w = u32Param(q, W), c = u32Param(q, C), ow = u32Param(q, OW);
  const windowBytes = (u32Param(q, OH) * ow * c) << 2;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const dy = pointer(p, 0) + (unit / h) * windowBytes;
    let dx = pointer(p, 1) + ((unit * w * c) << 2);
    for (let column: u32 = 0; column < w; column++) {
      const end = listWindows(q, unit % h, column, scratch);
      // The window's share takes the place of the tap's number.
      for (let entry = scratch; entry < end; entry += 8) {
        const place = (load<u32>(entry) >> 2) / c;
        store<f32>(entry, <f32> 1 / <f32> pixels(q, place / ow, place % ow), 4);
      }
      for (let i: u32 = 0; i < c; i += 4) {
        let sum = f32x4.splat(0);
        for (let entry = scratch; entry < end; entry += 8) {
          const d = v128.load(dy + (i << 2) + load<u32>(entry));
          sum = f32x4.relaxed_madd(d, v128.load32_splat(entry, 4), sum);
        }
        storePart(dx + (i << 2), sum, c - i);
      }
      dx += c << 2;
    }
  }
}

// Pixels of window (oh, ow) inside the image.
function pixels(q: usize, oh: u32, ow: u32): u32 {
  const padTop = u32Param(q, PAD_TOP), padLeft = u32Param(q, PAD_LEFT);
  const strideH = u32Param(q, STRIDE_H), strideW = u32Param(q, STRIDE_W);
  const rows = coveredTo(oh, strideH, u32Param(q, KH), padTop, u32Param(q, H)) -
    coveredFrom(oh, strideH, padTop);
  const columns = coveredTo(ow, strideW, u32Param(q, KW), padLeft, u32Param(q, W)) -
    coveredFrom(ow, strideW, padLeft);
  return rows * columns;
}
