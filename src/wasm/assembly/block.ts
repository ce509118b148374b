// Reading a launch's block: words of 4 bytes, first the buffers' offsets, then the params.

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
