import { tile } from "./gemm_tile";

/** Bytes at the start of a thread's scratch that `place` uses: one tile. */
export const PLACE_BYTES: usize = 192;

/** Copies a bias with zeros up to a multiple of 8, all zeros where `bias` is 0; returns the end. */
export function padBias(to: usize, bias: usize, columns: i32): usize {
  const end = to + (<usize> ((columns + 7) >> 3) << 5);
  memory.fill(to, 0, end - to);
  if (bias != 0) memory.copy(to, bias, <usize> columns << 2);
  return end;
}

/**
 * A tile of y: `rows` (1 to 6) by `columns` (1 to 8) numbers at `c`. Starts from eight numbers at
 * `bias` if that is not 0, else from what y holds. A tile that hangs over y's edge is made in scratch
 * and only what lies inside is copied, so that no tensor is written beyond its end.
 */
export function place(
  scratch: usize,
  rows: i32,
  columns: i32,
  bias: usize,
  relu: bool,
  c: usize,
  stride: usize,
  a: usize,
  offsets: usize,
  step: usize,
  len: i32,
  runs: i32,
  jump: usize,
  b: usize,
): void {
  const fresh = bias != 0;
  const inside = rows >= 6 && columns >= 8;
  const to = inside ? c : scratch, toStride = inside ? stride : 32;
  if (!inside && !fresh) copyEdge(scratch, 32, c, stride, rows, columns);
  const init = fresh ? bias : to, initStride: usize = fresh ? 0 : toStride;
  tile(a, offsets, step, len, runs, jump, 1, 0, b, init, initStride, to, toStride, relu);
  if (!inside) copyEdge(c, stride, scratch, 32, rows, columns);
}

function copyEdge(
  to: usize,
  toStride: usize,
  from: usize,
  fromStride: usize,
  rows: i32,
  columns: i32,
): void {
  const bytes = <usize> min(columns, 8) << 2;
  for (let row = 0; row < min(rows, 6); row++) {
    for (let i: usize = 0; i < bytes; i += 4) store<f32>(to + i, load<f32>(from + i));
    to += toStride;
    from += fromStride;
  }
}

/** Packs `len` rows of eight columns: to [len][8] from rows `stride` bytes apart; zeros beyond `columns`. */
export function packPanel(
  to: usize,
  from: usize,
  stride: usize,
  len: i32,
  columns: i32,
): void {
  const end = to + (<usize> len << 5);
  if (columns >= 8) {
    for (; to < end; to += 32) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      from += stride;
    }
    return;
  }
  const bytes = <usize> columns << 2;
  for (; to < end; to += 32) {
    v128.store(to, f32x4.splat(0));
    v128.store(to, f32x4.splat(0), 16);
    for (let i: usize = 0; i < bytes; i += 4) store<f32>(to + i, load<f32>(from + i));
    from += stride;
  }
}
