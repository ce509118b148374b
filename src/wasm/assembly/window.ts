// A window that slides over an NHWC image: the params that all pooling kernels share, behind `buffers` words.
import { u32Param } from "./block";

// Words of the params, in the order of WINDOW_PARAMS in ../pass_kernels.ts.
// @ts-ignore: decorator
@inline
export const H: u32 = 0;
// @ts-ignore: decorator
@inline
export const W: u32 = 1;
// @ts-ignore: decorator
@inline
export const C: u32 = 2;
// @ts-ignore: decorator
@inline
export const OH: u32 = 3;
// @ts-ignore: decorator
@inline
export const OW: u32 = 4;
// @ts-ignore: decorator
@inline
export const PAD_TOP: u32 = 5;
// @ts-ignore: decorator
@inline
export const PAD_LEFT: u32 = 6;
// @ts-ignore: decorator
@inline
export const KH: u32 = 7;
// @ts-ignore: decorator
@inline
export const KW: u32 = 8;
// @ts-ignore: decorator
@inline
export const STRIDE_H: u32 = 9;
// @ts-ignore: decorator
@inline
export const STRIDE_W: u32 = 10;
// The first word behind them.
// @ts-ignore: decorator
@inline
export const WINDOW_WORDS: u32 = 11;

// The first pixel of the axis that window `o` covers.
// @ts-ignore: decorator
@inline
export function coveredFrom(o: u32, stride: u32, pad: u32): u32 {
  return max<u32>(o * stride, pad) - pad;
}

// The pixel after the last one that window `o` covers.
// @ts-ignore: decorator
@inline
export function coveredTo(o: u32, stride: u32, k: u32, pad: u32, size: u32): u32 {
  return min<u32>(o * stride + k - pad, size);
}

// The first window that covers `pixel` (counted with the padding). Windows start at multiples of the stride;
// those that cover it start in (pixel - k, pixel].
// @ts-ignore: decorator
@inline
export function firstWindow(pixel: u32, stride: u32, k: u32): u32 {
  return pixel < k ? 0 : (pixel - k) / stride + 1;
}

// The last window that covers `pixel`.
// @ts-ignore: decorator
@inline
export function lastWindow(pixel: u32, stride: u32, windows: u32): u32 {
  return min<u32>(pixel / stride, windows - 1);
}

// Lists the taps of window (oh, ow) that lie inside the image: pairs of words, the tap's byte offset from
// the image's first pixel and its number row * KW + column. Returns the end of the list.
export function listTaps(q: usize, oh: u32, ow: u32, list: usize): usize {
  const w = u32Param(q, W), c = u32Param(q, C);
  const kw = u32Param(q, KW), padTop = u32Param(q, PAD_TOP), padLeft = u32Param(q, PAD_LEFT);
  const strideH = u32Param(q, STRIDE_H), strideW = u32Param(q, STRIDE_W);
  const top = coveredFrom(oh, strideH, padTop);
  const bottom = coveredTo(oh, strideH, u32Param(q, KH), padTop, u32Param(q, H));
  const left = coveredFrom(ow, strideW, padLeft);
  const right = coveredTo(ow, strideW, kw, padLeft, w);
  for (let h = top; h < bottom; h++) {
    const line = (h + padTop - oh * strideH) * kw;
    for (let x = left; x < right; x++) {
      store<u32>(list, ((h * w + x) * c) << 2);
      store<u32>(list, line + x + padLeft - ow * strideW, 4);
      list += 8;
    }
  }
  return list;
}

// Lists the windows that cover pixel (h, x) of the image: pairs of words, the window's byte offset from the
// image's first window and the number of the tap that the pixel is in it. Returns the end of the list.
export function listWindows(q: usize, h: u32, x: u32, list: usize): usize {
  const c = u32Param(q, C), ow = u32Param(q, OW);
  const kh = u32Param(q, KH), kw = u32Param(q, KW);
  const strideH = u32Param(q, STRIDE_H), strideW = u32Param(q, STRIDE_W);
  const top = h + u32Param(q, PAD_TOP), left = x + u32Param(q, PAD_LEFT);
  const rowLast = lastWindow(top, strideH, u32Param(q, OH));
  const columnFirst = firstWindow(left, strideW, kw);
  const columnLast = lastWindow(left, strideW, ow);
  for (let row = firstWindow(top, strideH, kh); row <= rowLast; row++) {
    for (let column = columnFirst; column <= columnLast; column++) {
      store<u32>(list, ((row * ow + column) * c) << 2);
      store<u32>(list, (top - row * strideH) * kw + left - column * strideW, 4);
      list += 8;
    }
  }
  return list;
}
