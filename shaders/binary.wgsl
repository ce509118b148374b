// Elementwise function of two tensors with broadcasting: y[i] = f(a[i_a], b[i_b]).
// y: [d0, d1, d2, d3]; a and b are read with one stride an axis, 0 on a broadcast axis.
// Where both have y's shape (SAME), the index is used as it is; where then the length is a multiple of 4,
// elem is vec4f and length counts vectors.
// Dispatch: ceil(d0 d1 d2 d3 / 256) workgroups, folded over x and y.
//! use lib/fold.wgsl

// 0 add, 1 subtract, 2 multiply, 3 divide, 4 maximum, 5 minimum,
// 6 relu gradient (a: output, b: upstream gradient), 7 a + p.factor * b,
// 8 leaky relu gradient of slope p.factor (a: output), 9 gelu gradient (a: input),
// 10 leaky relu of slope p.factor of a + b
override FUNCTION: u32;
override SAME: bool;

const WORKGROUP = 256u;
alias elem = f32;

struct Params {
  length: u32, d1: u32, d2: u32, d3: u32,
  a0: u32, a1: u32, a2: u32, a3: u32,
  b0: u32, b1: u32, b2: u32, b3: u32,
  factor: f32,
}

@group(0) @binding(0) var<storage, read> a: array<elem>;
@group(0) @binding(1) var<storage, read> b: array<elem>;
@group(0) @binding(2) var<storage, read_write> y: array<elem>;
@group(0) @binding(3) var<uniform> p: Params;

//! use lib/normal.wgsl

fn apply(u: elem, v: elem) -> elem {
  switch FUNCTION {
    case 0u: { return u + v; }
    case 1u: { return u - v; }
    case 2u: { return u * v; }
    case 3u: { return u / v; }
    case 4u: { return max(u, v); }
    case 5u: { return min(u, v); }
    // Written so that a NaN output keeps the gradient and is noticed.
    case 6u: { return select(v, elem(0.0), u <= elem(0.0)); }
    case 7u: { return u + p.factor * v; }
    case 8u: { return select(v, p.factor * v, u <= elem(0.0)); }
    case 9u: { return v * gelu_slope(u); }
    default: { return select(u + v, p.factor * (u + v), u + v <= elem(0.0)); }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.length) { return; }
  var ia = i;
  var ib = i;
  if (!SAME) {
    let i3 = i % p.d3;
    let r2 = i / p.d3;
    let i2 = r2 % p.d2;
    let r1 = r2 / p.d2;
    let i1 = r1 % p.d1;
    let i0 = r1 / p.d1;
    ia = i0 * p.a0 + i1 * p.a1 + i2 * p.a2 + i3 * p.a3;
    ib = i0 * p.b0 + i1 * p.b1 + i2 * p.b2 + i3 * p.b3;
  }
  y[i] = apply(a[ia], b[ib]);
}
