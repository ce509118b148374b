// y = activate(conv2d(x, w) + bias) for GPUs, through workgroup memory: the matrix product of
// lib/tile.wgsl, which holds the tiles, their sizes and the reasons, with the patches of x for rows
// (implicit im2col: no such matrix is written).
//
//   y[n, oh, ow, o] = sum over kh, kw, c of
//     x[n, oh * STRIDE_H + kh - pad_top, ow * STRIDE_W + kw - pad_left, c] * w[kh, kw, c, o]
//
// For one kh the KW * C numbers of a patch lie side by side in x and in w ("run"). So k counts
// along the run, C may be anything, neighbors fetch neighboring numbers, and one comparison with
// the ends of the image's line does for padding.
//
// Layout:   x [N, H, W, C]; w [KH, KW, C, O]; bias [O] (any buffer without HAS_BIAS);
//           y [N, OH, OW, O]. Where O is a multiple of 4, w_elem may be vec4f and W_WIDTH 4.
//           Outside of x is zero.
// Dispatch: ceil(N * OH * OW / (4 * SIDE * ROW_QUADS)) * ceil(O / (4 * SIDE * COL_QUADS))
//           workgroups of SIDE by SIDE threads, folded.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;
override HAS_BIAS: bool;
override ACTIVATION: u32;

const W_WIDTH = 1u;
alias w_elem = f32;

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
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<w_elem>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

//! use lib/activation.wgsl
//! use lib/fold.wgsl
//! use lib/tile.wgsl

// Past the last column the last number is loaded again, for a sum that is not stored.
fn load_w(k: u32, column: u32) -> vec4f {
  if (W_WIDTH == 4u) {
    return vec4f(w[(k * p.o + min(column, p.o - 4u)) / 4u]);
  }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) { //! unroll
    value[i] = vec4f(w[k * p.o + min(column + i, p.o - 1u)]).x;
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
  let tiles_o = (p.o + 4u * B_LINE - 1u) / (4u * B_LINE);
  let rows = p.n * p.oh * p.ow;
  let row = tile / tiles_o * 4u * SIDE * ROW_QUADS;
  let col = tile % tiles_o * 4u * B_LINE;
  if (row >= rows) {
    return;
  }

  // The patches that this thread fetches from. What lies before the image wraps to a huge u32.
  let line_length = p.w * p.c;
  var image = array<u32, 4u * ROW_QUADS>();
  var top = array<u32, 4u * ROW_QUADS>();
  var left = array<u32, 4u * ROW_QUADS>();
  for (var r = 0u; r < 4u * ROW_QUADS; r++) { //! unroll
    let pixel = min(row + 4u * (local.y + SIDE * (r / 4u)) + r % 4u, rows - 1u);
    image[r] = pixel / p.ow / p.oh * p.h;
    top[r] = pixel / p.ow % p.oh * STRIDE_H - p.pad_top;
    left[r] = (pixel % p.ow * STRIDE_W - p.pad_left) * p.c;
  }

  let run = KW * p.c;
  var acc = array<vec4f, 4u * ROW_QUADS * COL_QUADS>();
  for (var kh = 0u; kh < KH; kh++) {
    for (var k = 0u; k < run; k += SIDE) {
      let in_run = k + local.x < run;
      for (var i = 0u; i < ROW_QUADS; i++) { //! unroll
        var value = vec4f();
        for (var r = 0u; r < 4u; r++) { //! unroll
          let ih = top[4u * i + r] + kh;
          let at = left[4u * i + r] + k + local.x;
          let line = (image[4u * i + r] + min(ih, p.h - 1u)) * line_length;
          let inside = in_run && ih < p.h && at < line_length;
          value[r] = select(0.0, x[line + min(at, line_length - 1u)], inside);
        }
        a_tile[local.x * A_LINE + local.y + SIDE * i] = value;
      }
      let from_w = kh * run + min(k + local.y, run - 1u);
      for (var q = 0u; q < COL_QUADS; q++) { //! unroll
        b_tile[local.y * B_LINE + local.x + SIDE * q] =
          load_w(from_w, col + 4u * (local.x + SIDE * q));
      }
      workgroupBarrier();
      multiply_tiles(&acc, local.xy);
      workgroupBarrier();
    }
  }

  for (var q = 0u; q < COL_QUADS; q++) { //! unroll
    for (var i = 0u; i < 4u; i++) { //! unroll
      let at = col + 4u * (local.x + SIDE * q) + i;
      if (at < p.o) {
        var shift = 0.0;
        if (HAS_BIAS) {
          shift = bias[at];
        }
        for (var r = 0u; r < 4u * ROW_QUADS; r++) { //! unroll
          let to = row + 4u * (local.y + SIDE * (r / 4u)) + r % 4u;
          if (to < rows) {
            y[to * p.o + at] = activate(acc[r * COL_QUADS + q][i] + shift);
          }
        }
      }
    }
  }
}
