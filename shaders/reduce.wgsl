// Sum along the middle axis, in a fixed order: y[s, o, i] = p.scale * sum_{r in part s} f(x[o, r, i]).
// x: [outer, length, inner]; y: [splits, outer, inner]; part s is rows s, s + splits, s + 2 splits, ...,
// so that neighboring invocations read neighboring numbers even where inner is 1.
// With several splits a second launch sums them (x: [1, splits, outer * inner]), which gives work to more
// invocations and keeps loops below lavapipe's silent cap of 65,535 trips.
// Dispatch: ceil(splits * outer * inner / 64) workgroups, folded over x and y.
//! use lib/fold.wgsl

// 0 f(v) = v, 1 f(v) = v^2
override FUNCTION: u32;

const WORKGROUP = 64u;
alias elem = f32;

struct Params { outer: u32, length: u32, inner: u32, splits: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<elem>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(group, groups) * WORKGROUP + local;
  let plane = p.outer * p.inner;
  if (index >= p.splits * plane) { return; }
  let s = index / plane;
  let rest = index % plane;
  let o = rest / p.inner;
  let i = rest % p.inner;
  var sum = 0.0;
  for (var r = s; r < p.length; r += p.splits) {
    let v = f32(x[(o * p.length + r) * p.inner + i]);
    sum += select(v, v * v, FUNCTION == 1u);
  }
  y[index] = elem(p.scale * sum);
}
