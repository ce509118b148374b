// Local response normalization across channels (Krizhevsky et al. 2012, 3.3; TensorFlow's form):
//   s[c] = p.bias + p.alpha * sum_{|j| <= r} x[c + j]^2,   y[c] = x[c] s[c]^-BETA
// with the window clipped at the first and last channel. x, y: [pixels, C].
// One invocation makes RUN neighboring channels of a pixel, so that a value is loaded (RUN + 2 r) / RUN
// times instead of 2 r + 1. Dispatch: ceil(pixels * ceil(C / RUN) / 64) workgroups, folded.
//! use lib/fold.wgsl

override BETA: f32;

const RUN = 8u;
const WINDOW = 9u; // 2 r + 1
const SPAN = 16u; // RUN + 2 r
const WORKGROUP = 64u;
alias elem = f32;

struct Params { pixels: u32, c: u32, bias: f32, alpha: f32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<elem>;
@group(0) @binding(2) var<uniform> p: Params;

//! use lib/lrn_power.wgsl

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(group, groups) * WORKGROUP + local;
  let runs = (p.c + RUN - 1u) / RUN;
  if (index >= p.pixels * runs) { return; }
  let row = (index / runs) * p.c;
  let first = (index % runs) * RUN;
  var v = array<f32, SPAN>();
  for (var j = 0u; j < SPAN; j++) { //! unroll
    let c = first + j - WINDOW / 2u; // wraps beyond C where it is before channel 0
    v[j] = select(0.0, f32(x[row + min(c, p.c - 1u)]), c < p.c);
  }
  for (var k = 0u; k < RUN; k++) { //! unroll
    var sum = 0.0;
    for (var j = 0u; j < WINDOW; j++) { //! unroll
      sum += v[k + j] * v[k + j];
    }
    let value = v[k + WINDOW / 2u] * power(p.bias + p.alpha * sum);
    if (first + k < p.c) { y[row + first + k] = elem(value); }
  }
}
