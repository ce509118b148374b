// Matrix products and convolutions as plain loops: version 1, and the oracle of the fast ones.
import { pointer, u32Param } from "./block";
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

// @ts-ignore: decorator
@inline
function activate(v: f32, relu: bool): f32 {
  return relu && v <= 0 ? 0 : v;
}

// y [M, N] = activation(a b + bias); a [M, K], or [K, M] if transpose_a. A unit is a row of y.
export function matmul_naive(p: usize, first: i32, last: i32, _scratch: usize): void {
  const a = pointer(p, 0), b = pointer(p, 1), bias = pointer(p, 2), y = pointer(p, 3);
  const m = u32Param(p, 4), n = u32Param(p, 5), k = u32Param(p, 6);
  const transposed = u32Param(p, 7) != 0, hasBias = u32Param(p, 8) != 0, relu = u32Param(p, 9) == 1;
  for (let row = <u32> first; row < <u32> last; row++) {
    for (let column: u32 = 0; column < n; column++) {
      let sum: f32 = hasBias ? load<f32>(bias + (column << 2)) : 0;
      for (let i: u32 = 0; i < k; i++) {
        const u = load<f32>(a + ((transposed ? i * m + row : row * k + i) << 2));
        sum += u * load<f32>(b + ((i * n + column) << 2));
      }
      store<f32>(y + ((row * n + column) << 2), activate(sum, relu));
    }
  }
}

// y [N, OH, OW, O] = activation(convolution of x [N, H, W, C] with w [KH, KW, C, O] + bias).
// A unit is a row of pixels of y.
export function conv2d_naive(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 16;
  const x = pointer(p, 0), w = pointer(p, 1), bias = pointer(p, 2), y = pointer(p, 3);
  const c = u32Param(q, C), oh = u32Param(q, OH), ow = u32Param(q, OW);
  const o = u32Param(q, WINDOW_WORDS);
  const hasBias = u32Param(q, WINDOW_WORDS + 1) != 0, relu = u32Param(q, WINDOW_WORDS + 2) == 1;
  const imageBytes = (u32Param(q, H) * u32Param(q, W) * c) << 2;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const image = x + (unit / oh) * imageBytes;
    for (let column: u32 = 0; column < ow; column++) {
      const end = listTaps(q, unit % oh, column, scratch);
      for (let j: u32 = 0; j < o; j++) {
        let sum: f32 = hasBias ? load<f32>(bias + (j << 2)) : 0;
        for (let entry = scratch; entry < end; entry += 8) {
          const from = image + load<u32>(entry), tap = load<u32>(entry, 4);
          for (let i: u32 = 0; i < c; i++) {
            const v = load<f32>(w + (((tap * c + i) * o + j) << 2));
            sum += load<f32>(from + (i << 2)) * v;
          }
        }
        store<f32>(y + (((unit * ow + column) * o + j) << 2), activate(sum, relu));
      }
    }
  }
}

// dx [N, H, W, C] of dy [N, OH, OW, O] and w. A unit is a row of pixels of dx.
export function conv2d_grad_input_naive(p: usize, first: i32, last: i32, scratch: usize): void {
  const q = p + 12;
  const dy = pointer(p, 0), w = pointer(p, 1), dx = pointer(p, 2);
  const h = u32Param(q, H), width = u32Param(q, W), c = u32Param(q, C);
  const o = u32Param(q, WINDOW_WORDS);
  const windowBytes = (u32Param(q, OH) * u32Param(q, OW) * o) << 2;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const image = dy + (unit / h) * windowBytes;
    for (let column: u32 = 0; column < width; column++) {
      const end = listWindows(q, unit % h, column, scratch);
      for (let i: u32 = 0; i < c; i++) {
        let sum: f32 = 0;
        for (let entry = scratch; entry < end; entry += 8) {
          const from = image + load<u32>(entry) / c * o, tap = load<u32>(entry, 4);
          for (let j: u32 = 0; j < o; j++) {
            const v = load<f32>(w + (((tap * c + i) * o + j) << 2));
            sum += load<f32>(from + (j << 2)) * v;
          }
        }
        store<f32>(dx + (((unit * width + column) * c + i) << 2), sum);
      }
    }
  }
}

// dw [KH, KW, C, O] of x and dy. A unit is a row (kh, kw, c) of dw.
export function conv2d_grad_weight_naive(p: usize, first: i32, last: i32, _scratch: usize): void {
  const q = p + 12;
  const x = pointer(p, 0), dy = pointer(p, 1), dw = pointer(p, 2);
  const h = u32Param(q, H), w = u32Param(q, W), c = u32Param(q, C);
  const oh = u32Param(q, OH), ow = u32Param(q, OW), kw = u32Param(q, KW);
  const n = u32Param(q, WINDOW_WORDS), o = u32Param(q, WINDOW_WORDS + 1);
  const strideH = u32Param(q, STRIDE_H), strideW = u32Param(q, STRIDE_W);
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const i = unit % c, column = (unit / c) % kw - u32Param(q, PAD_LEFT);
    const row = unit / c / kw - u32Param(q, PAD_TOP);
    const to = dw + ((unit * o) << 2);
    memory.fill(to, 0, o << 2);
    for (let pixel: u32 = 0; pixel < n * oh * ow; pixel++) {
      // Before the first row or column they wrap and are beyond the last.
      const y = (pixel / ow) % oh * strideH + row, left = pixel % ow * strideW + column;
      if (y >= h || left >= w) continue;
      const v = load<f32>(x + ((((pixel / ow / oh * h + y) * w + left) * c + i) << 2));
      const from = dy + ((pixel * o) << 2);
      for (let j: u32 = 0; j < o; j++) {
        const at = to + (j << 2);
        store<f32>(at, load<f32>(at) + v * load<f32>(from + (j << 2)));
      }
    }
  }
}

// The patches that a convolution multiplies: [N OH OW, KH KW C] of x. A unit is a row of output pixels.
export function im2col(p: usize, first: i32, last: i32, _scratch: usize): void {
  const q = p + 8;
  const h = u32Param(q, H), w = u32Param(q, W), c = u32Param(q, C);
  const oh = u32Param(q, OH), ow = u32Param(q, OW);
  const kh = u32Param(q, KH), kw = u32Param(q, KW);
  const padTop = u32Param(q, PAD_TOP), padLeft = u32Param(q, PAD_LEFT);
  const strideH = u32Param(q, STRIDE_H), strideW = u32Param(q, STRIDE_W);
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const image = pointer(p, 0) + ((unit / oh * h * w * c) << 2);
    const row = unit % oh;
    const top = coveredFrom(row, strideH, padTop), bottom = coveredTo(row, strideH, kh, padTop, h);
    for (let column: u32 = 0; column < ow; column++) {
      const left = coveredFrom(column, strideW, padLeft);
      const right = coveredTo(column, strideW, kw, padLeft, w);
      const to = pointer(p, 1) + (((unit * ow + column) * kh * kw * c) << 2);
      memory.fill(to, 0, (kh * kw * c) << 2);
      for (let y = top; y < bottom; y++) {
        const tap = (y + padTop - row * strideH) * kw + left + padLeft - column * strideW;
        memory.copy(to + ((tap * c) << 2), image + (((y * w + left) * c) << 2), ((right - left) * c) << 2);
      }
    }
  }
}
