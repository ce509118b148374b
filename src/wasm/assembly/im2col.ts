// A convolution's patches, written out: the oracle of the convolutions.
import { pointer, u32Param } from "./block";
import {
  C,
  coveredFrom,
  coveredTo,
  H,
  KH,
  KW,
  OH,
  OW,
  PAD_LEFT,
  PAD_TOP,
  STRIDE_H,
  STRIDE_W,
  W,
} from "./window";

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
        const from = image + (((y * w + left) * c) << 2);
        memory.copy(to + ((tap * c) << 2), from, ((right - left) * c) << 2);
      }
    }
  }
}
