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

// Where each window has its maximum: y[n, oh, ow, c] = row * KW + column of the first one, in the window's
// row-major order. Padding never wins. NaN wins, so that it is noticed.
export function max_pool2d_argmax(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 8;
  const c = u32Param(q, C), oh = u32Param(q, OH), ow = u32Param(q, OW);
  const imageBytes = (u32Param(q, H) * u32Param(q, W) * c) << 2;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const image = pointer(p, 0) + (unit / oh) * imageBytes;
    let to = pointer(p, 1) + ((unit * ow * c) << 2);
    for (let column: u32 = 0; column < ow; column++) {
      const end = listTaps(q, unit % oh, column, scratch);
      for (let i: u32 = 0; i < c; i += 4) {
        const x = image + (i << 2);
        let best = v128.load(x + load<u32>(scratch));
        let place = v128.load32_splat(scratch, 4);
        for (let tap = scratch + 8; tap < end; tap += 8) {
          const v = v128.load(x + load<u32>(tap));
          const isNumber = f32x4.eq(best, best);
          const better = v128.andnot(isNumber, f32x4.le(v, best));
          best = i32x4.relaxed_laneselect(v, best, better);
          place = i32x4.relaxed_laneselect(v128.load32_splat(tap, 4), place, better);
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

// What reaches 4 channels of a pixel: the gradients of the windows whose maximum it is.
// @ts-ignore: decorator
@inline
function chosen(dy: usize, places: usize, list: usize, index: u32): v128 {
  const at = load<u32>(list + (index << 3));
  const here = v128.load32_splat(list + (index << 3), 4);
  return v128.and(v128.load(dy + at), i32x4.eq(v128.load(places + at), here));
}

// dx[n, h, w, c] = sum of dy[n, oh, ow, c] over the windows whose maximum is at (h, w).
// mask: dx is 0 where x <= 0, the gradient of the ReLU that made x, folded in. A unit is a row of x.
export function max_pool2d_grad(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 16;
  const h = u32Param(q, H), w = u32Param(q, W), c = u32Param(q, C);
  const windowBytes = (u32Param(q, OH) * u32Param(q, OW) * c) << 2;
  const mask = u32Param(q, WINDOW_WORDS) != 0;
  const zero = f32x4.splat(0);
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const places = pointer(p, 0) + (unit / h) * windowBytes;
    const dy = pointer(p, 1) + (unit / h) * windowBytes;
    let x = pointer(p, 2) + ((unit * w * c) << 2);
    let dx = pointer(p, 3) + ((unit * w * c) << 2);
    for (let column: u32 = 0; column < w; column++) {
      const count = <u32> (listWindows(q, unit % h, column, scratch) - scratch) >> 3;
      for (let i: u32 = 0; i < c; i += 4) {
        const d = dy + (i << 2), places4 = places + (i << 2);
        let sum = zero;
        for (let index: u32 = 0; index < count; index++) {
          sum = f32x4.add(sum, chosen(d, places4, scratch, index));
        }
        if (mask) sum = v128.andnot(sum, f32x4.le(v128.load(x + (i << 2)), zero));
        storePart(dx + (i << 2), sum, c - i);
      }
      x += c << 2;
      dx += c << 2;
    }
  }
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
