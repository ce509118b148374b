// Gradient of local response normalization (see lrn.wgsl), with s recomputed rather than stored:
//   t[c] = dy[c] x[c] s[c]^(-BETA - 1)
//   dx[c] = dy[c] s[c]^-BETA - 2 p.alpha BETA x[c] sum_{|j| <= r} t[c + j]
// With MASK, dx is 0 where x <= 0: the gradient of the ReLU that made x, folded in.
// x, dy, dx: [pixels, C]. Dispatch: ceil(pixels * ceil(C / RUN) / 64) workgroups, folded.
//! use lib/fold.wgsl

override BETA: f32;
override MASK: bool;

const RUN = 8u;
const WINDOW = 9u; // 2 r + 1
const SPAN = 16u; // RUN + 2 r
const WIDE = 24u; // RUN + 4 r
const WORKGROUP = 64u;
alias elem = f32;

struct Params { pixels: u32, c: u32, bias: f32, alpha: f32 }

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> dy: array<elem>;
@group(0) @binding(2) var<storage, read_write> dx: array<elem>;
@group(0) @binding(3) var<uniform> p: Params;

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
  var v = array<f32, WIDE>();
  for (var j = 0u; j < WIDE; j++) { //! unroll
    let c = first + j - (WINDOW - 1u); // wraps beyond C where it is before channel 0
    v[j] = select(0.0, f32(x[row + min(c, p.c - 1u)]), c < p.c);
  }
  var t = array<f32, SPAN>();
  var direct = array<f32, SPAN>();
  for (var j = 0u; j < SPAN; j++) { //! unroll
    let c = first + j - WINDOW / 2u;
    var sum = 0.0;
    for (var q = 0u; q < WINDOW; q++) { //! unroll
      sum += v[j + q] * v[j + q];
    }
    let s = p.bias + p.alpha * sum;
    direct[j] = select(0.0, f32(dy[row + min(c, p.c - 1u)]), c < p.c) * power(s);
    t[j] = direct[j] * v[j + WINDOW / 2u] / s;
  }
  for (var k = 0u; k < RUN; k++) { //! unroll
    var sum = 0.0;
    for (var j = 0u; j < WINDOW; j++) { //! unroll
      sum += t[k + j];
    }
    let value = v[k + (WINDOW - 1u)];
    let d = direct[k + WINDOW / 2u] - 2.0 * p.alpha * BETA * value * sum;
    if (first + k < p.c) { dx[row + first + k] = elem(select(d, 0.0, MASK && value <= 0.0)); }
  }
}
