// Reorders axes, or repeats them with stride 0: y[i0, i1, i2, i3] = x[i0 s0 + i1 s1 + i2 s2 + i3 s3].
// y: [d0, d1, d2, d3]; one stride of x for each axis of y.
// Dispatch: ceil(d0 d1 d2 d3 / 256) workgroups, folded over x and y.
//! use lib/fold.wgsl

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32, d1: u32, d2: u32, d3: u32, s0: u32, s1: u32, s2: u32, s3: u32 }

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
  let r2 = i / p.d3;
  let r1 = r2 / p.d2;
  y[i] = x[(r1 / p.d1) * p.s0 + (r1 % p.d1) * p.s1 + (r2 % p.d2) * p.s2 + (i % p.d3) * p.s3];
}
