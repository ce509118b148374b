// The input gradient of conv2d, gathered one element a thread, for any stride; the oracle of the
// faster way for stride 1, which is conv2d of dy with the filters of conv2d_flip_filters.wgsl.
//
//   dx[n, ih, iw, c] = sum over kh, kw, o of dy[n, oh, ow, o] * w[kh, kw, c, o]
//     where oh * STRIDE_H = ih + pad_top - kh and ow * STRIDE_W = iw + pad_left - kw
//
// Layout:   dy [N, OH, OW, O]; w [KH, KW, C, O]; dx [N, H, W, C].
// Dispatch: ceil(N * H * W * C / 64) workgroups of 64 threads, folded.

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
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

//! use lib/fold.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(workgroup, groups) * 64u + local;
  if (index >= p.n * p.h * p.w * p.c) {
    return;
  }
  let c = index % p.c;
  let pixel = index / p.c;
  let iw = pixel % p.w;
  let ih = pixel / p.w % p.h;
  let n = pixel / p.w / p.h;
  var sum = 0.0;
  for (var kh = 0u; kh < KH; kh++) {
    // A place before the image wraps to a huge u32.
    let up = ih + p.pad_top - kh;
    let oh = up / STRIDE_H;
    if (up > 0x7fffffffu || up % STRIDE_H != 0u || oh >= p.oh) {
      continue;
    }
    for (var kw = 0u; kw < KW; kw++) {
      let left = iw + p.pad_left - kw;
      let ow = left / STRIDE_W;
      if (left > 0x7fffffffu || left % STRIDE_W != 0u || ow >= p.ow) {
        continue;
      }
      let from_dy = ((n * p.oh + oh) * p.ow + ow) * p.o;
      let from_w = ((kh * KW + kw) * p.c + c) * p.o;
      // Four terms a trip, because llvmpipe ends an invocation's loops after 65535 trips in all.
      var o = 0u;
      for (; o + 4u <= p.o; o += 4u) {
        for (var i = 0u; i < 4u; i++) { //! unroll
          sum += dy[from_dy + o + i] * w[from_w + o + i];
        }
      }
      for (; o < p.o; o++) {
        sum += dy[from_dy + o] * w[from_w + o];
      }
    }
  }
  dx[index] = sum;
}
