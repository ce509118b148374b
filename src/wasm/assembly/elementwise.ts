// Elementwise functions. A unit is a block of BLOCK elements of y. A vector beyond the end may be read
// (see ../kernels.ts), but is stored only as far as the tensor goes.
import { BLOCK, f32Param, pointer, storePart, u32Param } from "./block";
import { gelu, geluSlope } from "./normal";

// y[i] = factor * x[i] + offset
export function affine(p: usize, first: i32, last: i32, _scratch: usize): void {
  const x = pointer(p, 0), y = pointer(p, 1);
  const end = min<u32>(<u32> last * BLOCK, u32Param(p, 2));
  const factor = f32x4.splat(f32Param(p, 3)), offset = f32x4.splat(f32Param(p, 4));
  for (let i = <u32> first * BLOCK; i < end; i += 4) {
    const v = f32x4.relaxed_madd(factor, v128.load(x + (i << 2)), offset);
    storePart(y + (i << 2), v, end - i);
  }
}

// `values` where v > 0, else slope times them. A NaN keeps them, and so is noticed.
// @ts-ignore: decorator
@inline
export function leaky(v: v128, values: v128, slope: v128): v128 {
  return v128.bitselect(f32x4.mul(values, slope), values, f32x4.le(v, f32x4.splat(0)));
}

// The codes of UNARY in src/ops/elementwise.ts. Those without an instruction go lane by lane.
// @ts-ignore: decorator
@inline
function unaryVector(code: u32, v: v128, slope: v128): v128 {
  switch (code) {
    // Written so that NaN passes: a maximum would hide it.
    case 0: return v128.andnot(v, f32x4.le(v, f32x4.splat(0)));
    case 1: return f32x4.neg(v);
    case 4: return f32x4.sqrt(v);
    case 5: return f32x4.mul(v, v);
    case 8: return f32x4.abs(v);
    case 9: return f32x4.div(f32x4.splat(1), v);
    case 10: return leaky(v, v, slope);
    case 11: return gelu(v);
  }
  let y = f32x4.splat(unaryScalar(code, f32x4.extract_lane(v, 0)));
  y = f32x4.replace_lane(y, 1, unaryScalar(code, f32x4.extract_lane(v, 1)));
  y = f32x4.replace_lane(y, 2, unaryScalar(code, f32x4.extract_lane(v, 2)));
  return f32x4.replace_lane(y, 3, unaryScalar(code, f32x4.extract_lane(v, 3)));
}

function unaryScalar(code: u32, v: f32): f32 {
  if (code == 2) return Mathf.exp(v);
  if (code == 3) return Mathf.log(v);
  if (code == 6) return Mathf.tanh(v);
  return <f32> 1 / (<f32> 1 + Mathf.exp(-v));
}

// y[i] = f(x[i]). The branch inside the loop is always the same one, and so costs little.
export function unary(p: usize, first: i32, last: i32, _scratch: usize): void {
  const x = pointer(p, 0), y = pointer(p, 1), code = u32Param(p, 3);
  const slope = f32x4.splat(f32Param(p, 4));
  const end = min<u32>(<u32> last * BLOCK, u32Param(p, 2));
  for (let i = <u32> first * BLOCK; i < end; i += 4) {
    storePart(y + (i << 2), unaryVector(code, v128.load(x + (i << 2)), slope), end - i);
  }
}

// The codes of BINARY in src/ops/elementwise.ts.
// @ts-ignore: decorator
@inline
function binaryVector(code: u32, a: v128, b: v128, factor: v128): v128 {
  if (code == 0) return f32x4.add(a, b);
  if (code == 1) return f32x4.sub(a, b);
  if (code == 2) return f32x4.mul(a, b);
  if (code == 3) return f32x4.div(a, b);
  if (code == 4) return f32x4.max(a, b);
  if (code == 5) return f32x4.min(a, b);
  // Written so that a NaN output keeps the gradient and is noticed.
  if (code == 6) return v128.andnot(b, f32x4.le(a, f32x4.splat(0)));
  if (code == 8) return leaky(a, b, factor);
  if (code == 9) return f32x4.mul(b, geluSlope(a));
  if (code == 10) {
    const sum = f32x4.add(a, b);
    return leaky(sum, sum, factor);
  }
  return f32x4.relaxed_madd(factor, b, a);
}

// `count` elements of y; a and b stand still where their step is 0.
// @ts-ignore: decorator
@inline
function binarySpan(
  code: u32,
  a: usize,
  b: usize,
  y: usize,
  count: u32,
  stepA: bool,
  stepB: bool,
  factor: v128,
): void {
  const a0 = v128.load32_splat(a), b0 = v128.load32_splat(b);
  for (let i: u32 = 0; i < count; i += 4) {
    const u = stepA ? v128.load(a + (i << 2)) : a0;
    const v = stepB ? v128.load(b + (i << 2)) : b0;
    storePart(y + (i << 2), binaryVector(code, u, v, factor), count - i);
  }
}

function binaryAny(
  code: u32,
  a: usize,
  b: usize,
  y: usize,
  count: u32,
  stepA: bool,
  stepB: bool,
  factor: v128,
): void {
  switch (code) {
    case 0: return binarySpan(0, a, b, y, count, stepA, stepB, factor);
    case 1: return binarySpan(1, a, b, y, count, stepA, stepB, factor);
    case 2: return binarySpan(2, a, b, y, count, stepA, stepB, factor);
    case 3: return binarySpan(3, a, b, y, count, stepA, stepB, factor);
    case 4: return binarySpan(4, a, b, y, count, stepA, stepB, factor);
    case 5: return binarySpan(5, a, b, y, count, stepA, stepB, factor);
    case 6: return binarySpan(6, a, b, y, count, stepA, stepB, factor);
    case 8: return binarySpan(8, a, b, y, count, stepA, stepB, factor);
    case 9: return binarySpan(9, a, b, y, count, stepA, stepB, factor);
    case 10: return binarySpan(10, a, b, y, count, stepA, stepB, factor);
    default: return binarySpan(7, a, b, y, count, stepA, stepB, factor);
  }
}

// y[i] = f(a[i_a], b[i_b]) with y [d0, d1, d2, d3]; a and b are read with one stride an axis, 0 on a
// broadcast axis. same: both have y's shape.
export function binary(p: usize, first: i32, last: i32, _scratch: usize): void {
  const a = pointer(p, 0), b = pointer(p, 1), y = pointer(p, 2);
  const code = u32Param(p, 3), same = u32Param(p, 4) != 0;
  const factor = f32x4.splat(f32Param(p, 5));
  let i = <u32> first * BLOCK;
  const end = min<u32>(<u32> last * BLOCK, u32Param(p, 6));
  if (same) {
    binaryAny(code, a + (i << 2), b + (i << 2), y + (i << 2), end - i, true, true, factor);
    return;
  }
  const d1 = u32Param(p, 7), d2 = u32Param(p, 8), d3 = u32Param(p, 9);
  const a3 = u32Param(p, 13), b3 = u32Param(p, 17);
  while (i < end) {
    const i3 = i % d3, row = i / d3;
    const i2 = row % d2, i1 = (row / d2) % d1, i0 = row / d2 / d1;
    const ia = i0 * u32Param(p, 10) + i1 * u32Param(p, 11) + i2 * u32Param(p, 12) + i3 * a3;
    const ib = i0 * u32Param(p, 14) + i1 * u32Param(p, 15) + i2 * u32Param(p, 16) + i3 * b3;
    const count = min<u32>(d3 - i3, end - i);
    binaryAny(code, a + (ia << 2), b + (ib << 2), y + (i << 2), count, a3 != 0, b3 != 0, factor);
    i += count;
  }
}
