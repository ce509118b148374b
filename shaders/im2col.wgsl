// The patches of an image as rows of a matrix, written out: y = columns · w is then a conv2d. The
// conv2d kernels fold this into their loads and write no such matrix; this is their oracle.
//
//   columns[(n * OH + oh) * OW + ow, (kh * KW + kw) * C + c] =
//     x[n, oh * STRIDE_H + kh - pad_top, ow * STRIDE_W + kw - pad_left, c], or 0 outside
//
// Layout:   x [N, H, W, C]; columns [N * OH * OW, KH * KW * C].
// Dispatch: ceil(N * OH * OW * KH * KW * C / 64) workgroups of 64 threads, folded.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;

struct Params {
  n: u32,
  h: u32,
  w: u32,
  c: u32,
  oh: u32,
  ow: u32,
  pad_top: u32,
  pad_left: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> columns: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

//! use lib/fold.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(workgroup, groups) * 64u + local;
  let k_length = KH * KW * p.c;
  if (index >= p.n * p.oh * p.ow * k_length) {
    return;
  }
  let k = index % k_length;
  let row = index / k_length;
  let c = k % p.c;
  let kw = k / p.c % KW;
  let kh = k / p.c / KW;
  // A place before the image wraps to a huge u32, so that one comparison guards both ends.
  let ih = row / p.ow % p.oh * STRIDE_H + kh - p.pad_top;
  let iw = row % p.ow * STRIDE_W + kw - p.pad_left;
  let n = row / p.ow / p.oh;
  var value = 0.0;
  if (ih < p.h && iw < p.w) {
    value = x[((n * p.h + ih) * p.w + iw) * p.c + c];
  }
  columns[index] = value;
}
