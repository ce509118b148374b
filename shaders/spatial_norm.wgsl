// Local response normalization within each channel, over rows and columns (cuda-convnet's rnorm):
//   s = 1 + p.alpha * sum of x^2 over a window of SIZE by SIZE, clipped at the edges,   y = x s^-BETA
// x, y: [N, H, W, C]; where C is a multiple of 4, elem is vec4f and c counts vectors. A window starts SIZE / 2 pixels
// before its own. Neighboring invocations share most of their windows, and so the cache.
// Dispatch: ceil(elems of y / 256) workgroups, folded.
//! use lib/fold.wgsl

override SIZE: u32;
override BETA: f32;

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32, h: u32, w: u32, c: u32, alpha: f32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<elem>;
@group(0) @binding(2) var<uniform> p: Params;

//! use lib/lrn_power.wgsl
//! use lib/window_sum.wgsl
//! use lib/spatial_scale.wgsl

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.length) { return; }
  y[i] = x[i] * power(scale_of(i));
}
