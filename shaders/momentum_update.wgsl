// Momentum (Polyak 1964), in place: velocity = momentum * velocity + g; the weights then step along it by
// sgd_update. velocity, g: [length]; momentum: [1].
// Where length is a multiple of 4, elem is vec4f and length counts vectors.
// Dispatch: ceil(length / 256) workgroups, folded over x and y.
//! use lib/fold.wgsl

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32 }

@group(0) @binding(0) var<storage, read> g: array<elem>;
@group(0) @binding(1) var<storage, read> momentum: array<f32>;
@group(0) @binding(2) var<storage, read_write> velocity: array<elem>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.length) { return; }
  velocity[i] = momentum[0] * velocity[i] + g[i];
}
