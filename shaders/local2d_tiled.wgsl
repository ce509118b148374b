// A locally connected layer, or its gradient in x or w, for GPUs, through workgroup memory: the matrix product of
// lib/tile.wgsl, which holds the tiles, their sizes and the reasons, for each place and tap. See lib/local.wgsl for
// the three products and what a and b are. Not measured on a GPU. cuda-convnet's layers, 36 places of 128 rows by
// 32 or 64 columns, are products too small for tiles of 64 by 64, but many: tiles of 32 by 32 make 144 to 288
// workgroups of them, and dw, which has one for each tap, thousands.
//
// Layout:   bias [places, columns] (any buffer without HAS_BIAS). Where columns is a multiple of 4, b_elem may be vec4f
//           and B_WIDTH 4, but not in product 1, whose b has its k side by side.
// Dispatch: places * ceil(rows / (4 * SIDE * ROW_QUADS)) * ceil(columns / (4 * SIDE * COL_QUADS)) workgroups of SIDE
//           by SIDE threads, folded; in product 2 as many for each tap.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;
override PRODUCT: u32;
override HAS_BIAS: bool;
override ACTIVATION: u32;

const B_WIDTH = 1u;
alias b_elem = f32;

struct Params {
  rows: u32,
  depth: u32,
  columns: u32,
  h: u32,
  w: u32,
  oh: u32,
  ow: u32,
  pad_top: u32,
  pad_left: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<b_elem>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

//! use lib/activation.wgsl
//! use lib/fold.wgsl
//! use lib/local.wgsl
//! use lib/tile.wgsl

// Past the end of a dimension the last number is loaded again: for a row or a column it goes into a sum that is not
// stored, and for k it counts as zero, in a alone.
fn load_a(source: u32, row: u32, k: u32) -> f32 {
  let r = min(row, p.rows - 1u);
  let i = min(k, p.depth - 1u);
  if (PRODUCT == 2u) {
    return select(0.0, a[a_line(source, i) + r], k < p.depth);
  }
  return select(0.0, a[a_line(source, r) + i], k < p.depth);
}

fn load_b(place: u32, tap: u32, source: u32, k: u32, column: u32) -> vec4f {
  let index = min(k, p.depth - 1u);
  var value = vec4f();
  if (PRODUCT == 1u) {
    for (var i = 0u; i < 4u; i++) { //! unroll
      let line = b_line(place, tap, source, min(column + i, p.columns - 1u));
      value[i] = vec4f(b[line + index]).x;
    }
    return value;
  }
  let line = b_line(place, tap, source, index);
  if (B_WIDTH == 4u) {
    return vec4f(b[(line + min(column, p.columns - 4u)) / 4u]);
  }
  for (var i = 0u; i < 4u; i++) { //! unroll
    value[i] = vec4f(b[line + min(column + i, p.columns - 1u)]).x;
  }
  return value;
}

@compute @workgroup_size(SIDE, SIDE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let tile = folded(workgroup, groups);
  let tiles_c = (p.columns + 4u * B_LINE - 1u) / (4u * B_LINE);
  let tiles_r = (p.rows + 4u * SIDE * ROW_QUADS - 1u) / (4u * SIDE * ROW_QUADS);
  let row = tile / tiles_c % tiles_r * 4u * SIDE * ROW_QUADS;
  let col = tile % tiles_c * 4u * B_LINE;
  let batch = tile / tiles_c / tiles_r;
  let one_tap = PRODUCT == 2u;
  let place = select(batch, batch / (KH * KW), one_tap);
  let first = select(0u, batch % (KH * KW), one_tap);
  if (place >= places()) {
    return;
  }
  // Neighbors fetch what lies side by side: a along k, in product 2 along the rows; b along the columns, in
  // product 1 along k. The latter then write down a column of b's tile, into the same banks, once for 64 FMAs.
  let a_quad = select(local.y, local.x, one_tap);
  let a_k = select(local.x, local.y, one_tap);
  let b_quad = select(local.x, local.y, PRODUCT == 1u);
  let b_k = select(local.y, local.x, PRODUCT == 1u);
  var acc = array<vec4f, 4u * ROW_QUADS * COL_QUADS>();
  for (var tap = first; tap < select(KH * KW, first + 1u, one_tap); tap++) {
    let source = source_of(place, tap);
    if (source == NOWHERE) {
      continue;
    }
    for (var k = 0u; k < p.depth; k += SIDE) {
      for (var i = 0u; i < ROW_QUADS; i++) { //! unroll
        var value = vec4f();
        for (var r = 0u; r < 4u; r++) { //! unroll
          value[r] = load_a(source, row + 4u * (a_quad + SIDE * i) + r, k + a_k);
        }
        a_tile[a_k * A_LINE + a_quad + SIDE * i] = value;
      }
      for (var q = 0u; q < COL_QUADS; q++) { //! unroll
        b_tile[b_k * B_LINE + b_quad + SIDE * q] =
          load_b(place, tap, source, k + b_k, col + 4u * (b_quad + SIDE * q));
      }
      workgroupBarrier();
      multiply_tiles(&acc, local.xy);
      workgroupBarrier();
    }
  }
  for (var q = 0u; q < COL_QUADS; q++) { //! unroll
    for (var i = 0u; i < 4u; i++) { //! unroll
      let at = col + 4u * (local.x + SIDE * q) + i;
      if (at < p.columns) {
        var shift = 0.0;
        if (HAS_BIAS) {
          shift = bias[place * p.columns + at];
        }
        for (var r = 0u; r < 4u * ROW_QUADS; r++) { //! unroll
          let to = row + 4u * (local.y + SIDE * (r / 4u)) + r % 4u;
          if (to < p.rows) {
            y[y_line(place, first, to) + at] = activate(acc[r * COL_QUADS + q][i] + shift);
          }
        }
      }
    }
  }
}
