// Max pooling, once the place of each maximum is known: y[n, oh, ow, c] = x at argmax[n, oh, ow, c].
// x: [N, H, W, C]; argmax, y: [N, OH, OW, C]. Dispatch: ceil(N OH OW C / 256) workgroups, folded.
//! use lib/fold.wgsl

override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32, h: u32, w: u32, c: u32, oh: u32, ow: u32, pad_top: u32, pad_left: u32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> argmax: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<elem>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.length) { return; }
  let c = i % p.c;
  let pixel = i / p.c;
  let ow = pixel % p.ow;
  let oh = (pixel / p.ow) % p.oh;
  let n = pixel / p.ow / p.oh;
  let at = argmax[i];
  let ih = oh * STRIDE_H + at / KW - p.pad_top;
  let iw = ow * STRIDE_W + at % KW - p.pad_left;
  y[i] = x[((n * p.h + ih) * p.w + iw) * p.c + c];
}
