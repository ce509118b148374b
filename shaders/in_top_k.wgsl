// Is the label among the k largest logits? y[n] = 1 if fewer than k classes score strictly above it, else 0.
// A tie at the boundary counts as correct, a score that is not finite as wrong (TensorFlow's in_top_k).
// logits: [N, C]; labels, y: [N]. Dispatch: ceil(N / 64) workgroups, folded over x and y.
//! use lib/fold.wgsl

// Classes a trip, because llvmpipe ends an invocation's loops after 65535 trips in all.
const TERMS = 4u;
const WORKGROUP = 64u;
alias elem = f32;

struct Params { rows: u32, classes: u32, k: u32 }

@group(0) @binding(0) var<storage, read> logits: array<elem>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<elem>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = folded(group, groups) * WORKGROUP + local;
  if (row >= p.rows) { return; }
  let start = row * p.classes;
  let label = labels[row];
  let score = f32(logits[start + min(label, p.classes - 1u)]);
  var above = 0u;
  for (var c = 0u; c < p.classes; c += TERMS) {
    for (var i = 0u; i < TERMS; i++) { //! unroll
      let higher = f32(logits[start + min(c + i, p.classes - 1u)]) > score;
      above += select(0u, 1u, higher && c + i < p.classes);
    }
  }
  // Infinity and NaN have all exponent bits set; comparing x != x is not reliable here.
  let finite = (bitcast<u32>(score) & 0x7f800000u) != 0x7f800000u;
  y[row] = select(0.0, 1.0, finite && label < p.classes && above < p.k);
}
