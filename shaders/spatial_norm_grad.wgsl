// The second pass of the gradient of spatial_norm.wgsl, after spatial_norm_terms.wgsl:
//   dx -= 2 p.alpha BETA x (sum of terms over the windows that the pixel is in)
// With MASK, dx is 0 where x <= 0: the gradient of the ReLU that made x, folded in.
// All [N, H, W, C]; elem and c are as in spatial_norm.wgsl. Dispatch: ceil(elems of x / 256) workgroups, folded.
//! use lib/fold.wgsl

override SIZE: u32;
override BETA: f32;

override MASK: bool;

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32, h: u32, w: u32, c: u32, alpha: f32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> terms: array<elem>;
@group(0) @binding(2) var<storage, read_write> dx: array<elem>;
@group(0) @binding(3) var<uniform> p: Params;

//! use lib/window_sum.wgsl

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.length) { return; }
  let start = image_start(i);
  // The windows that a pixel is in are those of the pixels around it, the other way around.
  let window = window_of(i / p.c, SIZE - 1u - SIZE / 2u);
  var sum = elem(0.0);
  for (var h = window.x; h < window.y; h++) {
    for (var w = window.z; w < window.w; w++) {
      sum += terms[start + (h * p.w + w) * p.c];
    }
  }
  let v = x[i];
  let d = dx[i] - 2.0 * p.alpha * BETA * v * sum;
  dx[i] = select(d, select(d, elem(0.0), v <= elem(0.0)), MASK);
}
