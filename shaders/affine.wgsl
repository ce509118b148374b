// y[i] = p.factor * x[i] + p.offset. x, y: [length]; where it is a multiple of 4, elem is vec4f and length counts
// vectors.
// Dispatch: ceil(length / 256) workgroups, folded over x and y.
//! use lib/fold.wgsl

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32, factor: f32, offset: f32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<elem>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.length) { return; }
  y[i] = p.factor * x[i] + p.offset;
}
