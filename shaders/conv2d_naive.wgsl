// y = activate(conv2d(x, w) + bias), one output a thread: the oracle of the other conv2d kernels.
//
//   y[n, oh, ow, o] = sum over kh, kw, c of
//     x[n, oh * STRIDE_H + kh - pad_top, ow * STRIDE_W + kw - pad_left, c] * w[kh, kw, c, o]
//
// Layout:   x [N, H, W, C]; w [KH, KW, C, O]; bias [O] (any buffer without HAS_BIAS);
//           y [N, OH, OW, O]. Outside of x is zero; oh and ow alone say how far to pad at the end.
// Dispatch: ceil(N * OH * OW * O / 64) workgroups of 64 threads, folded.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;
override HAS_BIAS: bool;
override ACTIVATION: u32;

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
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

//! use lib/activation.wgsl
//! use lib/fold.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(workgroup, groups) * 64u + local;
  if (index >= p.n * p.oh * p.ow * p.o) {
    return;
  }
  let o = index % p.o;
  let pixel = index / p.o;
  let ow = pixel % p.ow;
  let oh = pixel / p.ow % p.oh;
  let n = pixel / p.ow / p.oh;
  var sum = 0.0;
  for (var kh = 0u; kh < KH; kh++) {
    // A place before the image wraps to a huge u32, so that one comparison guards both ends.
    let ih = oh * STRIDE_H + kh - p.pad_top;
    for (var kw = 0u; kw < KW; kw++) {
      let iw = ow * STRIDE_W + kw - p.pad_left;
      if (ih < p.h && iw < p.w) {
        let from_x = ((n * p.h + ih) * p.w + iw) * p.c;
        let from_w = (kh * KW + kw) * p.c * p.o + o;
        for (var c = 0u; c < p.c; c++) {
          sum += x[from_x + c] * w[from_w + c * p.o];
        }
      }
    }
  }
  if (HAS_BIAS) {
    sum += bias[o];
  }
  y[index] = activate(sum);
}
