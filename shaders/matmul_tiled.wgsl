// y[M, N] = activate(a · b + bias) for GPUs, through workgroup memory: see lib/tile.wgsl, which
// holds the tiles, their sizes and the reasons.
//
// Layout:   a [M, K], or [K, M] with TRANSPOSE_A; b [K, N]; bias [N] (any buffer without HAS_BIAS);
//           y [M, N]. Where N is a multiple of 4, b_elem may be vec4f and B_WIDTH 4.
// Dispatch: ceil(M / (4 * SIDE * ROW_QUADS)) * ceil(N / (4 * SIDE * COL_QUADS)) workgroups of SIDE
//           by SIDE threads, folded.

override TRANSPOSE_A: bool;
override HAS_BIAS: bool;
override ACTIVATION: u32;

const B_WIDTH = 1u;
alias b_elem = f32;

struct Params {
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<b_elem>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

//! use lib/activation.wgsl
//! use lib/fold.wgsl
//! use lib/tile.wgsl

// Past the end of a dimension the last number is loaded again: for a row or a column it goes into a
// sum that is not stored, and for k it counts as zero, in a alone.
fn load_a(row: u32, k: u32) -> f32 {
  let r = min(row, p.m - 1u);
  let i = min(k, p.k - 1u);
  return select(0.0, a[select(r * p.k + i, i * p.m + r, TRANSPOSE_A)], k < p.k);
}

fn load_b(k: u32, column: u32) -> vec4f {
  let from_b = min(k, p.k - 1u) * p.n;
  if (B_WIDTH == 4u) {
    return vec4f(b[(from_b + min(column, p.n - 4u)) / 4u]);
  }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) { //! unroll
    value[i] = vec4f(b[from_b + min(column + i, p.n - 1u)]).x;
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
  let tiles_n = (p.n + 4u * B_LINE - 1u) / (4u * B_LINE);
  let row = tile / tiles_n * 4u * SIDE * ROW_QUADS;
  let col = tile % tiles_n * 4u * B_LINE;
  if (row >= p.m) {
    return;
  }
  // Neighbors fetch along k, or along the rows where those lie side by side.
  let a_quad = select(local.y, local.x, TRANSPOSE_A);
  let a_k = select(local.x, local.y, TRANSPOSE_A);
  var acc = array<vec4f, 4u * ROW_QUADS * COL_QUADS>();

  for (var k = 0u; k < p.k; k += SIDE) {
    for (var i = 0u; i < ROW_QUADS; i++) { //! unroll
      var value = vec4f();
      for (var r = 0u; r < 4u; r++) { //! unroll
        value[r] = load_a(row + 4u * (a_quad + SIDE * i) + r, k + a_k);
      }
      a_tile[a_k * A_LINE + a_quad + SIDE * i] = value;
    }
    for (var q = 0u; q < COL_QUADS; q++) { //! unroll
      b_tile[local.y * B_LINE + local.x + SIDE * q] =
        load_b(k + local.y, col + 4u * (local.x + SIDE * q));
    }
    workgroupBarrier();
    multiply_tiles(&acc, local.xy);
    workgroupBarrier();
  }

  for (var q = 0u; q < COL_QUADS; q++) { //! unroll
    for (var i = 0u; i < 4u; i++) { //! unroll
      let at = col + 4u * (local.x + SIDE * q) + i;
      if (at < p.n) {
        var shift = 0.0;
        if (HAS_BIAS) {
          shift = bias[at];
        }
        for (var r = 0u; r < 4u * ROW_QUADS; r++) { //! unroll
          let to = row + 4u * (local.y + SIDE * (r / 4u)) + r % 4u;
          if (to < p.m) {
            y[to * p.n + at] = activate(acc[r * COL_QUADS + q][i] + shift);
          }
        }
      }
    }
  }
}
