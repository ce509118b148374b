// The weight gradient of conv2d for software adapters without subgroups of 8 lanes, and for the
// shapes that conv2d_grad_weight_subgroup.wgsl does not take: a register tile as in
// matmul_register.wgsl. A thread owns 8 rows of dw by 4 * QUADS output channels, one pixel a trip.
//
//   dw[kh, kw, c, o] = sum over n, oh, ow of
//     x[n, oh * STRIDE_H + kh - pad_top, ow * STRIDE_W + kw - pad_left, c] * dy[n, oh, ow, o]
//
// The N * OH * OW rows are cut into S splits of split_rows rows, one partial dw each, which
// reduce.wgsl adds up in order.
//
// Layout:   x [N, H, W, C]; dy [N, OH, OW, O]; partial [S, KH, KW, C, O] (dw itself if S is 1).
//           Where C is a multiple of 4, x_elem may be vec4f and X_WIDTH 4; where O is, dy_elem may
//           be vec4f and DY_WIDTH 4.
// Dispatch: S * ceil(KH * KW * C / 32) * ceil(O / (32 * QUADS)) workgroups of 8 by 4 threads,
//           folded.
// Limit:    split_rows < 65000, as llvmpipe ends an invocation's loops after 65535 trips in all.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;

const QUADS = 2u;
const X_WIDTH = 1u;
alias x_elem = f32;
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

@group(0) @binding(0) var<storage, read> x: array<x_elem>;
@group(0) @binding(1) var<storage, read> dy: array<dy_elem>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

//! use lib/fold.wgsl

// Four numbers of one row of dy; past its end some number of the row, for columns not stored.
fn load_dy(from_row: u32, column: u32) -> vec4f {
  if (DY_WIDTH == 4u) {
    return vec4f(dy[(from_row + min(column, p.o - 4u)) / 4u]);
  }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) { //! unroll
    value[i] = vec4f(dy[from_row + min(column + i, p.o - 1u)]).x;
  }
  return value;
}

@compute @workgroup_size(8, 4)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let run = KW * p.c;
  let k_length = KH * run;
  let rows = p.n * p.oh * p.ow;
  let tiles_o = (p.o + 32u * QUADS - 1u) / (32u * QUADS);
  let tiles_k = (k_length + 31u) / 32u;
  let tile = folded(workgroup, groups);
  let split = tile / tiles_o / tiles_k;
  let row = split * p.split_rows;
  let k = tile / tiles_o % tiles_k * 32u + local.y * 8u;
  let col = (tile % tiles_o * 8u * QUADS + local.x) * 4u;
  if (row >= rows || k >= k_length) {
    return;
  }
  let row_end = row + min(p.split_rows, rows - row);

  // Where each k lies in a patch: its filter row, and its place in the run of KW * C numbers of
  // that row. Divisions are slow, so they stay out of the loop.
  var patch_h = array<u32, 8>();
  var patch_at = array<u32, 8>();
  for (var r = 0u; r < 8u; r++) { //! unroll
    patch_h[r] = min(k + r, k_length - 1u) / run;
    patch_at[r] = min(k + r, k_length - 1u) % run;
  }
  var ow = row % p.ow;
  var oh = row / p.ow % p.oh;
  var n = row / p.ow / p.oh;

  let line_length = p.w * p.c;
  var acc = array<vec4f, 8u * QUADS>();
  for (var pixel = row; pixel < row_end; pixel++) {
    // What lies before the image wraps to a huge u32.
    let top = oh * STRIDE_H - p.pad_top;
    let left = (ow * STRIDE_W - p.pad_left) * p.c;
    var x_part = array<vec4f, 2>();
    for (var t = 0u; t < 2u; t++) { //! unroll
      if (X_WIDTH == 4u) {
        let ih = top + patch_h[4u * t];
        let at = left + patch_at[4u * t];
        let line = (n * p.h + min(ih, p.h - 1u)) * line_length;
        let value = vec4f(x[(line + min(at, line_length - 4u)) / 4u]);
        x_part[t] = select(vec4f(), value, ih < p.h && at < line_length);
      } else {
        for (var j = 0u; j < 4u; j++) { //! unroll
          let ih = top + patch_h[4u * t + j];
          let at = left + patch_at[4u * t + j];
          let line = (n * p.h + min(ih, p.h - 1u)) * line_length;
          let value = vec4f(x[line + min(at, line_length - 1u)]).x;
          x_part[t][j] = select(0.0, value, ih < p.h && at < line_length);
        }
      }
    }
    for (var q = 0u; q < QUADS; q++) { //! unroll
      let dy_part = load_dy(pixel * p.o, col + 32u * q);
      for (var r = 0u; r < 8u; r++) { //! unroll
        acc[r * QUADS + q] = fma(vec4f(x_part[r / 4u][r % 4u]), dy_part, acc[r * QUADS + q]);
      }
    }
    ow += 1u;
    let line_done = ow >= p.ow;
    ow = select(ow, 0u, line_done);
    oh += u32(line_done);
    let image_done = oh >= p.oh;
    oh = select(oh, 0u, image_done);
    n += u32(image_done);
  }

  for (var r = 0u; r < 8u; r++) { //! unroll
    for (var q = 0u; q < QUADS; q++) { //! unroll
      for (var i = 0u; i < 4u; i++) { //! unroll
        if (k + r < k_length && col + 32u * q + i < p.o) {
          partial[(split * k_length + k + r) * p.o + col + 32u * q + i] = acc[r * QUADS + q][i];
        }
      }
    }
  }
}
