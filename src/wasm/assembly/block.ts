// What all kernels share: reading a launch's block (words of 4 bytes, first the buffers' offsets, then the
// params) and storing the last, partial vector of a row.

// Elements of a unit of a flat pass: BLOCK of ../launch.ts.
export const BLOCK: u32 = 4096;

// @ts-ignore: decorator
@inline
export function pointer(p: usize, word: u32): usize {
  return <usize>load<u32>(p + (word << 2));
}

// @ts-ignore: decorator
@inline
export function u32Param(p: usize, word: u32): u32 {
  return load<u32>(p + (word << 2));
}

// @ts-ignore: decorator
@inline
export function i32Param(p: usize, word: u32): i32 {
  return load<i32>(p + (word << 2));
}

// @ts-ignore: decorator
@inline
export function f32Param(p: usize, word: u32): f32 {
  return load<f32>(p + (word << 2));
}

// Stores the first `count` lanes, all four if count is 4 or more.
// @ts-ignore: decorator
@inline
export function storePart(to: usize, v: v128, count: u32): void {
  if (count >= 4) {
    v128.store(to, v);
    return;
  }
  v128.store_lane<f32>(to, v, 0);
  if (count > 1) v128.store_lane<f32>(to, v, 1, 4);
  if (count > 2) v128.store_lane<f32>(to, v, 2, 8);
}
