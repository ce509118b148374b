// y[i] = sum over s of x[s, i], in the order of s: adds up the partial sums of a split reduction,
// the same way every time (no atomics).
//
// Layout:   x [S, LENGTH]; y [LENGTH].
// Dispatch: ceil(LENGTH / 64) workgroups of 64 threads, folded.

struct Params {
  splits: u32,
  length: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

//! use lib/fold.wgsl

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(workgroup, groups) * 64u + local;
  if (index >= p.length) {
    return;
  }
  var sum = 0.0;
  for (var s = 0u; s < p.splits; s++) {
    sum += x[s * p.length + index];
  }
  y[index] = sum;
}
