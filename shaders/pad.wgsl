// Zero padding or, with negative offsets, slicing: y[i] = x[i - before] inside x, else 0.
// y: [d0, d1, d2, d3]; x: [x0, x1, x2, x3]; b0..b3: elements before x on each axis.
// Where d3, x3 and b3 are multiples of 4, elem is vec4f and all three count vectors, as length does.
// Dispatch: ceil(length / 256) workgroups, folded over x and y.
//! use lib/fold.wgsl

const WORKGROUP = 256u;
alias elem = f32;

struct Params {
  length: u32, d1: u32, d2: u32, d3: u32,
  x0: i32, x1: i32, x2: i32, x3: i32,
  b0: i32, b1: i32, b2: i32, b3: i32,
}

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
  let i0 = i32(r1 / p.d1) - p.b0;
  let i1 = i32(r1 % p.d1) - p.b1;
  let i2 = i32(r2 % p.d2) - p.b2;
  let i3 = i32(i % p.d3) - p.b3;
  let inside = i0 >= 0 && i0 < p.x0 && i1 >= 0 && i1 < p.x1 && i2 >= 0 && i2 < p.x2 &&
    i3 >= 0 && i3 < p.x3;
  var v = elem(0.0);
  if (inside) { v = x[u32(((i0 * p.x1 + i1) * p.x2 + i2) * p.x3 + i3)]; }
  y[i] = v;
}
