// Elementwise function of one tensor: y[i] = f(x[i]).
// x, y: [length]; where it is a multiple of 4, elem is vec4f and length counts vectors.
// Dispatch: ceil(length / 256) workgroups, folded over x and y.
//! use lib/fold.wgsl

// 0 relu, 1 negate, 2 exp, 3 log, 4 sqrt, 5 square, 6 tanh, 7 sigmoid, 8 abs, 9 reciprocal,
// 10 leaky relu of p.slope, 11 gelu
override FUNCTION: u32;

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32, slope: f32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<elem>;
@group(0) @binding(2) var<uniform> p: Params;

//! use lib/normal.wgsl

fn apply(v: elem) -> elem {
  switch FUNCTION {
    // Written so that NaN passes: max(NaN, 0) would hide it.
    case 0u: { return select(v, elem(0.0), v <= elem(0.0)); }
    case 1u: { return -v; }
    case 2u: { return exp(v); }
    case 3u: { return log(v); }
    case 4u: { return sqrt(v); }
    case 5u: { return v * v; }
    case 6u: { return tanh(v); }
    case 7u: { return 1.0 / (1.0 + exp(-v)); }
    case 8u: { return abs(v); }
    case 9u: { return 1.0 / v; }
    case 10u: { return select(v, p.slope * v, v <= elem(0.0)); }
    default: { return gelu(v); }
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
  y[i] = apply(x[i]);
}
