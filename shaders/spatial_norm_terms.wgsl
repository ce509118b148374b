// The first pass of the gradient of spatial_norm.wgsl, which makes s once for each element and not once for each
// window that it is in:
//   terms = dy x s^(-BETA - 1),   dx = dy s^-BETA
// All [N, H, W, C]; elem and c are as in spatial_norm.wgsl. Dispatch: ceil(elems of x / 256) workgroups, folded.
//! use lib/fold.wgsl

override SIZE: u32;
override BETA: f32;

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32, h: u32, w: u32, c: u32, alpha: f32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> dy: array<elem>;
@group(0) @binding(2) var<storage, read_write> terms: array<elem>;
@group(0) @binding(3) var<storage, read_write> dx: array<elem>;
@group(0) @binding(4) var<uniform> p: Params;

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
  let s = scale_of(i);
  let direct = dy[i] * power(s);
  terms[i] = direct * x[i] / s;
  dx[i] = direct;
}
