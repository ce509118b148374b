// The weight gradient of conv2d, one element of a partial sum a thread: the oracle of the other
// conv2d_grad_weight kernels.
//
//   dw[kh, kw, c, o] = sum over n, oh, ow of
//     x[n, oh * STRIDE_H + kh - pad_top, ow * STRIDE_W + kw - pad_left, c] * dy[n, oh, ow, o]
//
// The N * OH * OW rows are cut into S splits of split_rows rows, one partial dw each, which
// reduce.wgsl adds up in order: an invocation may loop at most 65535 times on
// llvmpipe, and a gradient of few elements would leave most of a GPU idle.
//
// Layout:   x [N, H, W, C]; dy [N, OH, OW, O]; partial [S, KH, KW, C, O] (dw itself if S is 1).
// Dispatch: ceil(S * KH * KW * C * O / 64) workgroups of 64 threads, folded.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;

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
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

//! use lib/fold.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let rows = p.n * p.oh * p.ow;
  let splits = (rows + p.split_rows - 1u) / p.split_rows;
  let index = folded(workgroup, groups) * 64u + local;
  if (index >= splits * KH * KW * p.c * p.o) {
    return;
  }
  let o = index % p.o;
  let c = index / p.o % p.c;
  let kw = index / p.o / p.c % KW;
  let kh = index / p.o / p.c / KW % KH;
  let split = index / p.o / p.c / KW / KH;
  var sum = 0.0;
  for (var row = split * p.split_rows; row < min((split + 1u) * p.split_rows, rows); row++) {
    // A place before the image wraps to a huge u32, so that one comparison guards both ends.
    let ih = row / p.ow % p.oh * STRIDE_H + kh - p.pad_top;
    let iw = row % p.ow * STRIDE_W + kw - p.pad_left;
    if (ih < p.h && iw < p.w) {
      let n = row / p.ow / p.oh;
      sum += x[((n * p.h + ih) * p.w + iw) * p.c + c] * dy[row * p.o + o];
    }
  }
  partial[index] = sum;
}
