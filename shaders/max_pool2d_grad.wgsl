// Gradient of max pooling, gathered so that no atomics are needed: each input pixel adds the upstream
// gradients of the windows that chose it, in a fixed order.
//   dx[n, h, w, c] = sum of dy[n, oh, ow, c] over windows with argmax[n, oh, ow, c] at (h, w)
// With MASK, dx is 0 where the pooled image was <= 0: the gradient of the ReLU that made it, folded in. A pixel
// that a window chose is that window's maximum, so that the maxima serve and the image need not be read.
// argmax, dy, pooled: [N, OH, OW, C]; dx: [N, H, W, C]. Dispatch: ceil(N H W c / 256) workgroups, folded.
// Where C is a multiple of 4, elem is vec4f, place is vec4u and c counts vectors: index arithmetic costs
// more than the loads here.
//! use lib/fold.wgsl

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;
override MASK: bool;

const WORKGROUP = 256u;
alias elem = f32;
alias place = u32;

struct Params { length: u32, h: u32, w: u32, c: u32, oh: u32, ow: u32, pad_top: u32, pad_left: u32 }

@group(0) @binding(0) var<storage, read> argmax: array<place>;
@group(0) @binding(1) var<storage, read> dy: array<elem>;
@group(0) @binding(2) var<storage, read> pooled: array<elem>; // any buffer without MASK
@group(0) @binding(3) var<storage, read_write> dx: array<elem>;
@group(0) @binding(4) var<uniform> p: Params;

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
  let line = pixel / p.w;
  let top = line % p.h + p.pad_top;
  let left = pixel % p.w + p.pad_left;
  let n = line / p.h;
  // Windows start at multiples of the stride; those that cover `top` start in (top - KH, top].
  let oh_first = select((top - KH) / STRIDE_H + 1u, 0u, top < KH);
  let oh_last = min(top / STRIDE_H, p.oh - 1u);
  let ow_first = select((left - KW) / STRIDE_W + 1u, 0u, left < KW);
  let ow_last = min(left / STRIDE_W, p.ow - 1u);
  var sum = elem(0.0);
  for (var oh = oh_first; oh <= oh_last; oh++) {
    for (var ow = ow_first; ow <= ow_last; ow++) {
      let at = ((n * p.oh + oh) * p.ow + ow) * p.c + c;
      let here = place((top - oh * STRIDE_H) * KW + left - ow * STRIDE_W);
      var d = select(elem(0.0), dy[at], argmax[at] == here);
      // Written so that a NaN keeps the gradient and is noticed.
      if (MASK) { d = select(d, elem(0.0), pooled[at] <= elem(0.0)); }
      sum += d;
    }
  }
  dx[i] = sum;
}
