// Moving elements: axes reordered or repeated, padding, rows into a larger tensor.
import { BLOCK, i32Param, pointer, u32Param } from "./block";

// Rows along the last axis in a unit: ROWS of src/ops/layout_wasm.ts.
const ROWS: u32 = 16;

// 4 rows of y, 4 columns each, from 4 rows of x `stride` bytes apart.
// @ts-ignore: decorator
@inline
function transpose4(x: usize, stride: usize, y: usize, width: usize): void {
  const a = v128.load(x), b = v128.load(x + stride);
  const c = v128.load(x + 2 * stride), d = v128.load(x + 3 * stride);
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5), ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(y, v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5));
  v128.store(y + width, v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7));
  v128.store(y + 2 * width, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5));
  v128.store(y + 3 * width, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7));
}

// One row: y[i] = x[i * stride].
function gatherRow(x: usize, y: usize, from: u32, count: u32, stride: u32): void {
  if (stride == 1) {
    memory.copy(y + (from << 2), x + (from << 2), (count - from) << 2);
    return;
  }
  for (let i = from; i < count; i++) {
    store<f32>(y + (i << 2), load<f32>(x + ((i * stride) << 2)));
  }
}

// y[i0, i1, i2, i3] = x[i0 s0 + i1 s1 + i2 s2 + i3 s3]. A unit is ROWS rows (i0, i1, i2).
export function permute(p: usize, first: i32, last: i32, _scratch: usize): void {
  const x = pointer(p, 0), y = pointer(p, 1);
  const rows = u32Param(p, 2), d1 = u32Param(p, 3), d2 = u32Param(p, 4), d3 = u32Param(p, 5);
  const s2 = u32Param(p, 8), s3 = u32Param(p, 9);
  const end = min<u32>(<u32> last * ROWS, rows);
  let row = <u32> first * ROWS;
  while (row < end) {
    const i2 = row % d2, i1 = (row / d2) % d1, i0 = row / d2 / d1;
    const from = x + ((i0 * u32Param(p, 6) + i1 * u32Param(p, 7) + i2 * s2) << 2);
    const to = y + ((row * d3) << 2);
    let group = min<u32>(min<u32>(ROWS, end - row), d2 - i2);
    if (s2 == 1 && s3 != 1 && group >= 4) {
      // A transposed plane, in squares of 4 along whole cache lines of x.
      group &= ~3;
      const whole = d3 & ~3;
      for (let i3: u32 = 0; i3 < whole; i3 += 4) {
        for (let g: u32 = 0; g < group; g += 4) {
          const source = from + ((i3 * s3 + g) << 2);
          transpose4(source, s3 << 2, to + ((g * d3 + i3) << 2), d3 << 2);
        }
      }
      for (let g: u32 = 0; g < group; g++) {
        gatherRow(from + (g << 2), to + ((g * d3) << 2), whole, d3, s3);
      }
      row += group;
    } else {
      gatherRow(from, to, 0, d3, s3);
      row++;
    }
  }
}

// Zero padding or, with negative offsets, slicing: y[i] = x[i - before] inside x, else 0.
// y: [d0, d1, d2, d3]; x: [x0, x1, x2, x3]. A unit is ROWS rows along the last axis.
export function pad(p: usize, first: i32, last: i32, _scratch: usize): void {
  const x = pointer(p, 0), y = pointer(p, 1);
  const rows = u32Param(p, 2), d1 = u32Param(p, 3), d2 = u32Param(p, 4), d3 = i32Param(p, 5);
  const x0 = i32Param(p, 6), x1 = i32Param(p, 7), x2 = i32Param(p, 8), x3 = i32Param(p, 9);
  const b3 = i32Param(p, 13);
  const left = max(0, min(d3, b3)), right = max(left, min(d3, b3 + x3));
  const end = min<u32>(<u32> last * ROWS, rows);
  for (let row = <u32> first * ROWS; row < end; row++) {
    const i2 = <i32> (row % d2) - i32Param(p, 12);
    const i1 = <i32> ((row / d2) % d1) - i32Param(p, 11);
    const i0 = <i32> (row / d2 / d1) - i32Param(p, 10);
    const to = y + ((row * d3) << 2);
    if (i0 < 0 || i0 >= x0 || i1 < 0 || i1 >= x1 || i2 < 0 || i2 >= x2) {
      memory.fill(to, 0, d3 << 2);
      continue;
    }
    const from = x + ((((i0 * x1 + i1) * x2 + i2) * x3 + (left - b3)) << 2);
    memory.fill(to, 0, left << 2);
    memory.copy(to + (left << 2), from, (right - left) << 2);
    memory.fill(to + (right << 2), 0, (d3 - right) << 2);
  }
}

// y[r * y_width + y_start + c] = x[r * x_width + c]. A unit is a block of BLOCK elements of one row of x.
export function copy_region(p: usize, first: i32, last: i32, _scratch: usize): void {
  const x = pointer(p, 0), y = pointer(p, 1);
  const width = u32Param(p, 2), yWidth = u32Param(p, 3), start = u32Param(p, 4);
  const blocks = (width + BLOCK - 1) / BLOCK;
  for (let unit = <u32> first; unit < <u32> last; unit++) {
    const row = unit / blocks, from = (unit % blocks) * BLOCK;
    const count = min(BLOCK, width - from);
    const to = y + ((row * yWidth + start + from) << 2);
    memory.copy(to, x + ((row * width + from) << 2), count << 2);
  }
}
