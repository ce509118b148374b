// Exponential moving average, in place: shadow -= (1 - decay) * (shadow - x) (TensorFlow's
// ExponentialMovingAverage). shadow, x: [length]; decay: [1].
// Where length is a multiple of 4, elem is vec4f and length counts vectors.
// Dispatch: ceil(length / 256) workgroups, folded over x and y.
//! use lib/fold.wgsl

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> decay: array<f32>;
@group(0) @binding(2) var<storage, read_write> shadow: array<elem>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.length) { return; }
  let s = shadow[i];
  shadow[i] = s - (1.0 - decay[0]) * (s - x[i]);
}
