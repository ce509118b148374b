// Filters for the input gradient of a conv2d of stride 1: dx is the conv2d of dy with these, padded
// by KH - 1 - pad_top and KW - 1 - pad_left.
//
//   flipped[kh, kw, o, c] = w[KH - 1 - kh, KW - 1 - kw, c, o]
//
// Layout:   w [KH, KW, C, O]; flipped [KH, KW, O, C].
// Dispatch: ceil(KH * KW * C * O / 64) workgroups of 64 threads, folded.

struct Params {
  // KH * KW: flipping both axes reverses the order of the taps.
  taps: u32,
  c: u32,
  o: u32,
}

@group(0) @binding(0) var<storage, read> w: array<f32>;
@group(0) @binding(1) var<storage, read_write> flipped: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

//! use lib/fold.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(workgroup, groups) * 64u + local;
  if (index >= p.taps * p.c * p.o) {
    return;
  }
  let c = index % p.c;
  let o = index / p.c % p.o;
  let tap = index / p.c / p.o;
  flipped[index] = w[((p.taps - 1u - tap) * p.c + c) * p.o + o];
}
