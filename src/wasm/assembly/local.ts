import { i32Param, pointer } from "./block";
import { packPanel, padBias, place, PLACE_BYTES } from "./gemm_store";
import { C, H, KH, KW, OH, OW, PAD_LEFT, PAD_TOP, STRIDE_H, STRIDE_W, W } from "./window";

/**
 * Locally connected layers: at each output position P of [OH, OW] filters w [P, KH, KW, C, O] of its own. A unit is
 * a position (in the gradient in x, a pixel), a matrix product with the images for rows; images are read where they
 * lie, as a row of a window is KW * C numbers side by side. What of a window lies outside the image is left out, so
 * that there are no zeros to be multiplied.
 */

// The params behind the buffers: images, output channels, and those of every window.
// @ts-ignore: decorator
@inline
const N: u32 = 0;
// @ts-ignore: decorator
@inline
const O: u32 = 1;
// @ts-ignore: decorator
@inline
const WINDOW: usize = 8;
// The first word behind them.
// @ts-ignore: decorator
@inline
const MORE: u32 = 13;

// Byte offsets of `rows` images from the first, `image` bytes each; rows of a last tile that do not exist read the
// last one again. Returns the table's end, at a cache line.
function listImages(table: usize, rows: i32, image: usize): usize {
  const whole = (rows + 5) / 6 * 6;
  for (let i = 0; i < whole; i++) {
    store<u32>(table + (<usize> i << 2), <u32> (<usize> min(i, rows - 1) * image));
  }
  return (table + (<usize> whole << 2) + 63) & ~63;
}

// y [N, P, O] = act(windows of x times the position's filters + bias [P, O]).
export function local2d(p: usize, first: i32, last: i32, scratch: usize): void {
  const x = pointer(p, 0), w = pointer(p, 1), bias = pointer(p, 2), y = pointer(p, 3), q = p + 16;
  const n = i32Param(q, N), o = i32Param(q, O), c = i32Param(q + WINDOW, C);
  const height = i32Param(q + WINDOW, H), width = i32Param(q + WINDOW, W), ow = i32Param(q + WINDOW, OW);
  const kh = i32Param(q + WINDOW, KH), kw = i32Param(q + WINDOW, KW);
  const relu = i32Param(q, MORE + 1) != 0, depth = i32Param(q, MORE + 2);
  const line = <usize> o << 2;
  const yImage = <usize> (i32Param(q + WINDOW, OH) * ow) * line;
  const biases = scratch + PLACE_BYTES;
  const table = biases + (<usize> ((o + 7) >> 3) << 5);
  const packed = listImages(table, n, <usize> (height * width * c) << 2);
  for (let unit = first; unit < last; unit++) {
    padBias(biases, i32Param(q, MORE) != 0 ? bias + <usize> unit * line : 0, o);
    const top = unit / ow * i32Param(q + WINDOW, STRIDE_H) - i32Param(q + WINDOW, PAD_TOP);
    const left = unit % ow * i32Param(q + WINDOW, STRIDE_W) - i32Param(q + WINDOW, PAD_LEFT);
    const up = max(top, 0), start = max(left, 0);
    const runs = min(top + kh, height) - up;
    const len = (min(left + kw, width) - start) * c;
    const from = x + (<usize> ((up * width + start) * c) << 2);
    const jump = (<usize> (width * c) - len) << 2;
    const weights = w + <usize> (((unit * kh + up - top) * kw + start - left) * c) * line;
    // Filters that are too many for the scratch area are taken a part of a row at a time.
    const whole = runs * len <= depth;
    const piece = whole ? len : min(len, depth), pieces = whole ? 1 : runs;
    for (let column = 0; column < o; column += 8) {
      const to = y + <usize> unit * line + (<usize> column << 2);
      for (let row = 0; row < pieces; row++) {
        for (let k = 0; k < len; k += piece) {
          const size = min(piece, len - k), lines = whole ? runs : 1;
          for (let run = 0; run < lines; run++) {
            const at = weights + <usize> ((row + run) * kw * c + k) * line;
            const panel = packed + (<usize> (run * len) << 5);
            packPanel(panel, at + (<usize> column << 2), line, size, o - column);
          }
          const init: usize = row == 0 && k == 0 ? biases + (<usize> column << 2) : 0;
          const gate = relu && row == pieces - 1 && k + size == len;
          const source = from + (<usize> (row * width * c + k) << 2);
          for (let i = 0; i < n; i += 6) {
            const at = table + (<usize> i << 2), target = to + <usize> i * yImage;
            place(scratch, n - i, o - column, init, gate, target, yImage, source, at, 4, size, lines, jump, packed);
          }
        }
      }
    }
  }
}

// Packs to [o][8] the filters of one tap for 8 input channels, `columns` of which exist: w [C, O] from the first one's.
function packTurned(to: usize, w: usize, line: usize, o: i32, columns: i32): void {
  for (let column = 0; column < 8; column++) {
    let at = to + (<usize> column << 2), from = w + <usize> column * line;
    const end = at + (<usize> o << 5);
    if (column < columns) for (; at < end; at += 32, from += 4) store<f32>(at, load<f32>(from));
    else for (; at < end; at += 32) store<f32>(at, 0);
  }
}

// dx [N, H, W, C]: for each pixel, dy at the positions that it is in the window of times the filters of its tap there.
export function local2d_grad_input(p: usize, first: i32, last: i32, scratch: usize): void {
  const dy = pointer(p, 0), w = pointer(p, 1), dx = pointer(p, 2), q = p + 12;
  const n = i32Param(q, N), o = i32Param(q, O), c = i32Param(q + WINDOW, C);
  const height = i32Param(q + WINDOW, H), width = i32Param(q + WINDOW, W);
  const oh = i32Param(q + WINDOW, OH), ow = i32Param(q + WINDOW, OW), kh = i32Param(q + WINDOW, KH), kw = i32Param(q + WINDOW, KW);
  const strideH = i32Param(q + WINDOW, STRIDE_H), strideW = i32Param(q + WINDOW, STRIDE_W);
  const depth = i32Param(q, MORE);
  const line = <usize> o << 2;
  const xImage = <usize> (height * width * c) << 2;
  const zeros = scratch + PLACE_BYTES;
  memory.fill(zeros, 0, 32);
  const table = zeros + 32;
  const packed = listImages(table, n, <usize> (oh * ow) * line);
  for (let unit = first; unit < last; unit++) {
    // Windows start at multiples of the stride; those that cover the pixel start in (pixel - k, pixel].
    const below = unit / width + i32Param(q + WINDOW, PAD_TOP), right = unit % width + i32Param(q + WINDOW, PAD_LEFT);
    const up = below < kh ? 0 : (below - kh) / strideH + 1;
    const start = right < kw ? 0 : (right - kw) / strideW + 1;
    const runs = min(below / strideH, oh - 1) - up + 1;
    const places = min(right / strideW, ow - 1) - start + 1;
    const none = runs <= 0 || places <= 0;
    const len = places * o;
    const from = dy + <usize> (up * ow + start) * line;
    const jump = <usize> (ow - places) * line;
    // Filters that are too many for the scratch area are taken a part of a tap at a time.
    const whole = runs * len <= depth;
    for (let channel = 0; channel < c; channel += 8) {
      const target = dx + (<usize> (unit * c + channel) << 2);
      let to = packed;
      // A pixel that no window covers is a product of nothing: one step of zeros.
      let init = zeros;
      if (none) rows(scratch, n, c - channel, zeros, target, xImage, zeros, table, 0, 1, 1, 0, zeros);
      else {
        for (let run = up; run < up + runs; run++) {
          for (let column = start; column < start + places; column++) {
            const tap = (below - run * strideH) * kw + right - column * strideW;
            const weights = w + <usize> (((run * ow + column) * kh * kw + tap) * c + channel) * line;
            if (whole) {
              packTurned(to, weights, line, o, c - channel);
              to += <usize> o << 5;
              continue;
            }
            const source = dy + <usize> (run * ow + column) * line;
            for (let k = 0; k < o; k += depth) {
              const size = min(depth, o - k), at = <usize> k << 2;
              packTurned(packed, weights + at, line, size, c - channel);
              rows(scratch, n, c - channel, init, target, xImage, source + at, table, 4, size, 1, 0, packed);
              init = 0;
            }
          }
        }
        if (whole) rows(scratch, n, c - channel, init, target, xImage, from, table, 4, len, runs, jump, packed);
      }
    }
  }
}

// All images' rows of a product by one panel of 8 columns.
function rows(
  scratch: usize,
  n: i32,
  columns: i32,
  init: usize,
  target: usize,
  image: usize,
  from: usize,
  table: usize,
  step: usize,
  len: i32,
  runs: i32,
  jump: usize,
  panel: usize,
): void {
  for (let i = 0; i < n; i += 6) {
    const at = step == 0 ? panel : table + (<usize> i << 2), to = target + <usize> i * image;
    place(scratch, n - i, columns, init, false, to, image, from, at, step, len, runs, jump, panel);
  }
}

// dw [P, KH, KW, C, O]: the windows of x, transposed, times dy, `images` images at a time. One row of a window is
// packed, [images][KW C], for numbers of images that lie a power of two apart would fall out of the cache.
export function local2d_grad_weight(p: usize, first: i32, last: i32, scratch: usize): void {
  const x = pointer(p, 0), dy = pointer(p, 1), dw = pointer(p, 2), q = p + 12;
  const n = i32Param(q, N), o = i32Param(q, O), c = i32Param(q + WINDOW, C);
  const height = i32Param(q + WINDOW, H), width = i32Param(q + WINDOW, W), ow = i32Param(q + WINDOW, OW);
  const kh = i32Param(q + WINDOW, KH), kw = i32Param(q + WINDOW, KW);
  const line = <usize> o << 2;
  const dyImage = <usize> (i32Param(q + WINDOW, OH) * ow) * line;
  const xImage = <usize> (height * width * c) << 2;
  const zeros = scratch + PLACE_BYTES;
  memory.fill(zeros, 0, 32);
  const table = zeros + 32;
  const most = (kw * c + 5) / 6 * 6;
  for (let i = 0; i < most; i++) store<u32>(table + (<usize> i << 2), <u32> i << 2);
  const panels = (table + (<usize> most << 2) + 63) & ~63;
  const images = i32Param(q, MORE);
  const panelBytes = <usize> images << 5;
  const block = panels + <usize> ((o + 7) >> 3) * panelBytes;
  const step = <usize> most << 2;
  for (let unit = first; unit < last; unit++) {
    const top = unit / ow * i32Param(q + WINDOW, STRIDE_H) - i32Param(q + WINDOW, PAD_TOP);
    const left = unit % ow * i32Param(q + WINDOW, STRIDE_W) - i32Param(q + WINDOW, PAD_LEFT);
    const start = max(left, 0), end = min(left + kw, width);
    const len = (end - start) * c;
    const before = <usize> ((start - left) * c) * line, inside = <usize> len * line;
    const group = <usize> (kw * c) * line;
    for (let image = 0; image < n; image += images) {
      const count = min(images, n - image);
      for (let column = 0; column < o; column += 8) {
        const from = dy + <usize> image * dyImage + <usize> unit * line + (<usize> column << 2);
        packPanel(panels + <usize> (column >> 3) * panelBytes, from, dyImage, count, o - column);
      }
      for (let tap = 0; tap < kh; tap++) {
        const to = dw + <usize> (unit * kh + tap) * group;
        const row = top + tap;
        if (row < 0 || row >= height) {
          memory.fill(to, 0, group);
          continue;
        }
        memory.fill(to, 0, before);
        memory.fill(to + before + inside, 0, group - before - inside);
        const from = x + <usize> image * xImage + (<usize> ((row * width + start) * c) << 2);
        for (let i = 0; i < count; i++) {
          const packed = block + <usize> i * step;
          memory.copy(packed, from + <usize> i * xImage, <usize> len << 2);
          // Rows of the last tile that do not exist.
          for (let k = len; k < (len + 5) / 6 * 6; k++) store<f32>(packed + (<usize> k << 2), 0);
        }
        for (let column = 0; column < o; column += 8) {
          const b = panels + <usize> (column >> 3) * panelBytes;
          const target = to + before + (<usize> column << 2);
          const init: usize = image == 0 ? zeros : 0;
          for (let i = 0; i < len; i += 6) {
            const at = table + (<usize> i << 2), y = target + <usize> i * line;
            place(scratch, len - i, o - column, init, false, y, line, block, at, step, count, 1, 0, b);
          }
        }
      }
    }
  }
}
