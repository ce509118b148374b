// The weight gradient of conv2d for software adapters with subgroups of 8 lanes (llvmpipe): a
// matrix product of the transposed patches of x with dy, built as matmul_subgroup.wgsl is, whose
// header says why. A lane loads from the patch of one output pixel, 8 pixels a trip.
//
//   dw[kh, kw, c, o] = sum over n, oh, ow of
//     x[n, oh * STRIDE_H + kh - pad_top, ow * STRIDE_W + kw - pad_left, c] * dy[n, oh, ow, o]
//
// The N * OH * OW rows are cut into S splits of split_rows rows, one partial dw each, which
// reduce.wgsl adds up in order; about 1000 rows of x and dy stay in the cache.
//
// Layout:   x [N, H, W, C]; dy [N, OH, OW, O]; partial [S, KH, KW, C, O] (dw itself if S is 1).
//           O is a multiple of 4. So is C; where it is not, set x_elem to f32 and X_WIDTH to 1.
// Dispatch: S * ceil(KH * KW * C / (8 * OCTETS)) * ceil(O / (32 * QUADS)) workgroups, folded.
// Limit:    split_rows < 500000, as llvmpipe ends an invocation's loops after 65535 trips in all.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;

const OCTETS = 4u;
const QUADS = 1u;
const X_WIDTH = 4u;
alias x_elem = vec4f;

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
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(3) var<uniform> p: Params;

//! use lib/fold.wgsl

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let run = KW * p.c;
  let k_length = KH * run;
  let rows = p.n * p.oh * p.ow;
  let tiles_o = (p.o + 32u * QUADS - 1u) / (32u * QUADS);
  let tiles_k = (k_length + 8u * OCTETS - 1u) / (8u * OCTETS);
  let tile = folded(workgroup, groups);
  let split = tile / tiles_o / tiles_k;
  let row = split * p.split_rows;
  if (row >= rows) {
    return;
  }
  let row_end = row + min(p.split_rows, rows - row);
  let k = tile / tiles_o % tiles_k * 8u * OCTETS;
  // In vec4s. Past the end the last column is computed again, and not stored.
  let stride = p.o / 4u;
  let col = tile % tiles_o * 8u * QUADS + lane;

  // Where each k lies in a patch: its filter row, and its place in the run of KW * C numbers of
  // that row. Divisions are slow, so they stay out of the loop.
  var patch_h = array<u32, 8u * OCTETS>();
  var patch_at = array<u32, 8u * OCTETS>();
  for (var r = 0u; r < 8u * OCTETS; r++) { //! unroll
    patch_h[r] = min(k + r, k_length - 1u) / run;
    patch_at[r] = min(k + r, k_length - 1u) % run;
  }
  // The lane's pixel, moved on by 8 each trip.
  let step_w = 8u % p.ow;
  let step_h = 8u / p.ow % p.oh;
  let step_n = 8u / p.ow / p.oh;
  var ow = (row + lane) % p.ow;
  var oh = (row + lane) / p.ow % p.oh;
  var n = (row + lane) / p.ow / p.oh;

  let line_length = p.w * p.c;
  var acc = array<vec4f, 8u * OCTETS * QUADS>();
  for (var first = row; first < row_end; first += 8u) {
    var dy_part = array<vec4f, 8u * QUADS>();
    for (var i = 0u; i < 8u; i++) { //! unroll
      let from_dy = min(first + i, row_end - 1u) * stride;
      for (var q = 0u; q < QUADS; q++) { //! unroll
        dy_part[i * QUADS + q] = dy[from_dy + min(col + 8u * q, stride - 1u)];
      }
    }
    // What lies before the image wraps to a huge u32; past the last row everything is outside.
    let top = select(0x80000000u, oh * STRIDE_H - p.pad_top, first + lane < row_end);
    let left = (ow * STRIDE_W - p.pad_left) * p.c;
    let image = min(n, p.n - 1u) * p.h;
    for (var t = 0u; t < 2u * OCTETS; t++) { //! unroll
      var x_part = vec4f();
      if (X_WIDTH == 4u) {
        let ih = top + patch_h[4u * t];
        let at = left + patch_at[4u * t];
        let line = (image + min(ih, p.h - 1u)) * line_length;
        let value = vec4f(x[(line + min(at, line_length - 4u)) / 4u]);
        x_part = select(vec4f(), value, ih < p.h && at < line_length);
      } else {
        for (var j = 0u; j < 4u; j++) { //! unroll
          let ih = top + patch_h[4u * t + j];
          let at = left + patch_at[4u * t + j];
          let line = (image + min(ih, p.h - 1u)) * line_length;
          let value = vec4f(x[line + min(at, line_length - 1u)]).x;
          x_part[j] = select(0.0, value, ih < p.h && at < line_length);
        }
      }
      for (var r = 0u; r < 4u; r++) { //! unroll
        for (var i = 0u; i < 8u; i++) { //! unroll
          let element = vec4f(subgroupBroadcast(x_part[r], i));
          for (var q = 0u; q < QUADS; q++) { //! unroll
            acc[(4u * t + r) * QUADS + q] =
              fma(element, dy_part[i * QUADS + q], acc[(4u * t + r) * QUADS + q]);
          }
        }
      }
    }
    ow += step_w;
    let line_done = ow >= p.ow;
    ow -= select(0u, p.ow, line_done);
    oh += step_h + u32(line_done);
    let image_done = oh >= p.oh;
    oh -= select(0u, p.oh, image_done);
    n += step_n + u32(image_done);
  }

  for (var r = 0u; r < 8u * OCTETS; r++) { //! unroll
    for (var q = 0u; q < QUADS; q++) { //! unroll
      if (k + r < k_length && col + 8u * q < stride) {
        partial[(split * k_length + k + r) * stride + col + 8u * q] = acc[r * QUADS + q];
      }
    }
  }
}
