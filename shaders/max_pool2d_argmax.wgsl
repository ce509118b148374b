// Where each max-pool window has its maximum: y[n, oh, ow, c] = row * KW + column of the first one,
// in the window's row-major order. Padding never wins. NaN wins, so that it is noticed.
// x: [N, H, W, C]; y: [N, OH, OW, C] u32. Dispatch: ceil(N OH OW c / 256) workgroups, folded.
// Where C is a multiple of 4, elem is vec4f, place is vec4u and c counts vectors: index arithmetic costs
// more than the loads here.
//! use lib/fold.wgsl
//! use lib/nan.wgsl

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;

const WORKGROUP = 256u;
alias elem = f32;
alias place = u32;
alias truth = bool;

struct Params { length: u32, h: u32, w: u32, c: u32, oh: u32, ow: u32, pad_top: u32, pad_left: u32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<place>;
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
  let line = pixel / p.ow;
  let oh = line % p.oh;
  let n = line / p.oh;
  // The part of the window that lies inside the image.
  let top = oh * STRIDE_H;
  let left = ow * STRIDE_W;
  let kh_first = max(p.pad_top, top) - top;
  let kw_first = max(p.pad_left, left) - left;
  let kh_end = min(KH, p.h + p.pad_top - top);
  let kw_end = min(KW, p.w + p.pad_left - left);
  let corner = ((n * p.h + top - p.pad_top) * p.w + left - p.pad_left) * p.c + c;
  var best = x[corner + (kh_first * p.w + kw_first) * p.c];
  var where_best = place(kh_first * KW + kw_first);
  for (var kh = kh_first; kh < kh_end; kh++) {
    for (var kw = kw_first; kw < kw_end; kw++) {
      let v = x[corner + (kh * p.w + kw) * p.c];
      let better = !(v <= best) & !is_nan(best);
      best = select(best, v, better);
      where_best = select(where_best, place(kh * KW + kw), better);
    }
  }
  y[i] = where_best;
}
