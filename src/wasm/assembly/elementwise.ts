// Elementwise functions. A unit is a block of BLOCK elements.
import { f32Param, pointer, u32Param } from "./block";

export const BLOCK: u32 = 4096;

// y[i] = factor * x[i] + offset
export function affine(p: usize, first: i32, last: i32, scratch: usize): void {
  const x = pointer(p, 0), y = pointer(p, 1);
  const length = u32Param(p, 2);
  const factor = f32Param(p, 3), offset = f32Param(p, 4);
  const end = min<u32>(<u32>last * BLOCK, length);
  const f = f32x4.splat(factor), o = f32x4.splat(offset);
  let i = <u32>first * BLOCK;
  for (; i + 4 <= end; i += 4) {
    v128.store(y + (i << 2), f32x4.relaxed_madd(f, v128.load(x + (i << 2)), o));
  }
  for (; i < end; i++) store<f32>(y + (i << 2), factor * load<f32>(x + (i << 2)) + offset);
}
