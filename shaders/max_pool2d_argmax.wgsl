// Where each max-pool window has its maximum: y[n, oh, ow, c] = row * KW + column of the first one,
// in the window's row-major order. Padding never wins. NaN wins, so that it is noticed.
// x: [N, H, W, C]; y: [N, OH, OW, C] u32. Dispatch: ceil(N OH OW C / 256) workgroups, folded.
//! use lib/fold.wgsl

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32, h: u32, w: u32, c: u32, oh: u32, ow: u32, pad_top: u32, pad_left: u32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Params;

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
  var best = 0.0;
  var where_best = 0xffffffffu;
  for (var kh = 0u; kh < KH; kh++) {
    let ih = oh * STRIDE_H + kh - p.pad_top; // wraps beyond h where it is padding
    for (var kw = 0u; kw < KW; kw++) {
      let iw = ow * STRIDE_W + kw - p.pad_left;
      if (ih < p.h && iw < p.w) {
        let v = f32(x[((n * p.h + ih) * p.w + iw) * p.c + c]);
        if (where_best == 0xffffffffu || !(v <= best)) {
          best = v;
          where_best = kh * KW + kw;
        }
      }
    }
  }
  y[i] = where_best;
}
