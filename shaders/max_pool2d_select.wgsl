// Max pooling, once the place of each maximum is known: y[n, oh, ow, c] = x at argmax[n, oh, ow, c].
// x: [N, H, W, C]; argmax, y: [N, OH, OW, C]. Dispatch: ceil(N OH OW C / 256) workgroups, folded.
//! use lib/fold.wgsl

override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;

const WORKGROUP = 256u;
const QUAD = 1u; // channels an invocation; 4 where C is a multiple of 4
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
  let first = (folded(group, groups) * WORKGROUP + local) * QUAD;
  if (first >= p.length) { return; }
  let c = first % p.c;
  let pixel = first / p.c;
  let ow = pixel % p.ow;
  let line = pixel / p.ow;
  let oh = line % p.oh;
  let n = line / p.oh;
  let corner = ((n * p.h + oh * STRIDE_H - p.pad_top) * p.w + ow * STRIDE_W - p.pad_left) * p.c + c;
  for (var q = 0u; q < QUAD; q++) { //! unroll
    let at = argmax[first + q];
    y[first + q] = x[corner + (at / KW * p.w + at % KW) * p.c + q];
  }
}
