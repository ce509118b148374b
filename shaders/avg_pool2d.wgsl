// Average pooling; a window clipped by the edge divides by the pixels it has (as TensorFlow and cuda-convnet do).
//   GRADIENT false: y[n, oh, ow, c] = mean of x over the window          x: [N, H, W, C], y: [N, OH, OW, C]
//   GRADIENT true:  y[n, h, w, c] = sum over windows of x[n, oh, ow, c] / pixels of that window
//                   (x: the upstream gradient [N, OH, OW, C], y: [N, H, W, C])
// Where C is a multiple of 4, elem is vec4f and c counts vectors.
// Dispatch: ceil(elems of y / 256) workgroups, folded.
//! use lib/fold.wgsl

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;
override GRADIENT: bool;

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32, h: u32, w: u32, c: u32, oh: u32, ow: u32, pad_top: u32, pad_left: u32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<elem>;
@group(0) @binding(2) var<uniform> p: Params;

// Pixels of the axis that window `o` covers: from .x up to, not including, .y.
fn covered(o: u32, stride: u32, k: u32, pad: u32, size: u32) -> vec2u {
  let start = o * stride;
  return vec2u(max(start, pad) - pad, min(start + k - pad, size));
}

fn forward(i: u32) -> elem {
  let c = i % p.c;
  let pixel = i / p.c;
  let rows = covered((pixel / p.ow) % p.oh, STRIDE_H, KH, p.pad_top, p.h);
  let columns = covered(pixel % p.ow, STRIDE_W, KW, p.pad_left, p.w);
  let n = pixel / p.ow / p.oh;
  var sum = elem(0.0);
  for (var h = rows.x; h < rows.y; h++) {
    for (var w = columns.x; w < columns.y; w++) {
      sum += x[((n * p.h + h) * p.w + w) * p.c + c];
    }
  }
  return sum / f32((rows.y - rows.x) * (columns.y - columns.x));
}

fn backward(i: u32) -> elem {
  let c = i % p.c;
  let pixel = i / p.c;
  let top = (pixel / p.w) % p.h + p.pad_top;
  let left = pixel % p.w + p.pad_left;
  let n = pixel / p.w / p.h;
  let oh_first = select((top - KH) / STRIDE_H + 1u, 0u, top < KH);
  let oh_last = min(top / STRIDE_H, p.oh - 1u);
  let ow_first = select((left - KW) / STRIDE_W + 1u, 0u, left < KW);
  let ow_last = min(left / STRIDE_W, p.ow - 1u);
  var sum = elem(0.0);
  for (var oh = oh_first; oh <= oh_last; oh++) {
    let rows = covered(oh, STRIDE_H, KH, p.pad_top, p.h);
    for (var ow = ow_first; ow <= ow_last; ow++) {
      let columns = covered(ow, STRIDE_W, KW, p.pad_left, p.w);
      let pixels = f32((rows.y - rows.x) * (columns.y - columns.x));
      sum += x[((n * p.oh + oh) * p.ow + ow) * p.c + c] / pixels;
    }
  }
  return sum;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.length) { return; }
  if (GRADIENT) { y[i] = backward(i); } else { y[i] = forward(i); }
}
