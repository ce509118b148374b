// The weight gradient of conv2d for GPUs, through workgroup memory: the matrix product of
// lib/tile.wgsl, which holds the tiles, their sizes and the reasons. The tile of a holds parts of
// the patches of SIDE output pixels, that of b their rows of dy.
//
//   dw[kh, kw, c, o] = sum over n, oh, ow of
//     x[n, oh * STRIDE_H + kh - pad_top, ow * STRIDE_W + kw - pad_left, c] * dy[n, oh, ow, o]
//
// The N * OH * OW rows are cut into S splits of split_rows rows, one partial dw each, which
// reduce.wgsl adds up in order: dw alone has too few tiles to fill a GPU.
//
// Layout:   x [N, H, W, C]; dy [N, OH, OW, O]; partial [S, KH, KW, C, O] (dw itself if S is 1).
//           Where O is a multiple of 4, dy_elem may be vec4f and DY_WIDTH 4.
// Dispatch: S * ceil(KH * KW * C / (4 * SIDE * ROW_QUADS)) * ceil(O / (4 * SIDE * COL_QUADS))
//           workgroups of SIDE by SIDE threads, folded.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;

const DY_WIDTH = 1u;
alias dy_elem = f32;

struct Params {
  n: u32,
  h: u32,
  w: u32,
  c: u32,
  o: u32,
  oh: u32,
  ow: u32,
  pad_top: u32,
  pad_left: u32,
  split_rows: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<dy_elem>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

//! use lib/fold.wgsl
//! use lib/tile.wgsl

// Past the last column the last number is loaded again, for a sum that is not stored.
fn load_dy(row: u32, column: u32) -> vec4f {
  if (DY_WIDTH == 4u) {
    return vec4f(dy[(row * p.o + min(column, p.o - 4u)) / 4u]);
  }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) { //! unroll
    value[i] = vec4f(dy[row * p.o + min(column + i, p.o - 1u)]).x;
  }
  return value;
}

@compute @workgroup_size(SIDE, SIDE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let run = KW * p.c;
  let k_length = KH * run;
  let rows = p.n * p.oh * p.ow;
  let tiles_o = (p.o + 4u * B_LINE - 1u) / (4u * B_LINE);
  let tiles_k = (k_length + 4u * SIDE * ROW_QUADS - 1u) / (4u * SIDE * ROW_QUADS);
  let tile = folded(workgroup, groups);
  let split = tile / tiles_o / tiles_k;
  let first_row = split * p.split_rows;
  let k = tile / tiles_o % tiles_k * 4u * SIDE * ROW_QUADS;
  let col = tile % tiles_o * 4u * B_LINE;
  if (first_row >= rows) {
    return;
  }
  let row_end = first_row + min(p.split_rows, rows - first_row);

  // Where each k that this thread fetches lies in a patch: its filter row, and its place in the run
  // of KW * C numbers of that row.
  var patch_h = array<u32, 4u * ROW_QUADS>();
  var patch_at = array<u32, 4u * ROW_QUADS>();
  for (var r = 0u; r < 4u * ROW_QUADS; r++) { //! unroll
    let place = min(k + 4u * (local.x + SIDE * (r / 4u)) + r % 4u, k_length - 1u);
    patch_h[r] = place / run;
    patch_at[r] = place % run;
  }

  let line_length = p.w * p.c;
  var acc = array<vec4f, 4u * ROW_QUADS * COL_QUADS>();
  for (var row = first_row; row < row_end; row += SIDE) {
    let pixel = min(row + local.y, row_end - 1u);
    // What lies before the image wraps to a huge u32.
    let top = pixel / p.ow % p.oh * STRIDE_H - p.pad_top;
    let left = (pixel % p.ow * STRIDE_W - p.pad_left) * p.c;
    let image = pixel / p.ow / p.oh * p.h;
    for (var i = 0u; i < ROW_QUADS; i++) { //! unroll
      var value = vec4f();
      for (var r = 0u; r < 4u; r++) { //! unroll
        let ih = top + patch_h[4u * i + r];
        let at = left + patch_at[4u * i + r];
        let line = (image + min(ih, p.h - 1u)) * line_length;
        // A row past the end is the last one again, and counts as zero here alone.
        let inside = row + local.y < row_end && ih < p.h && at < line_length;
        value[r] = select(0.0, x[line + min(at, line_length - 1u)], inside);
      }
      a_tile[local.y * A_LINE + local.x + SIDE * i] = value;
    }
    for (var q = 0u; q < COL_QUADS; q++) { //! unroll
      b_tile[local.y * B_LINE + local.x + SIDE * q] =
        load_dy(pixel, col + 4u * (local.x + SIDE * q));
    }
    workgroupBarrier();
    multiply_tiles(&acc, local.xy);
    workgroupBarrier();
  }

  for (var r = 0u; r < 4u * ROW_QUADS; r++) { //! unroll
    let to = k + 4u * (local.y + SIDE * (r / 4u)) + r % 4u;
    for (var q = 0u; q < COL_QUADS; q++) { //! unroll
      for (var i = 0u; i < 4u; i++) { //! unroll
        let at = col + 4u * (local.x + SIDE * q) + i;
        if (to < k_length && at < p.o) {
          partial[(split * k_length + to) * p.o + at] = acc[r * COL_QUADS + q][i];
        }
      }
    }
  }
}
