// Rows of logits z[n, :] of C classes, one invocation a row, shifted by the row's maximum so that exp
// does not overflow (Goodfellow et al., "Deep Learning", 4.1).
//   OUTPUT 0: softmax            y[n, c] = exp(z_c - max) / sum            y: [N, C]
//   OUTPUT 1: cross-entropy      y[n] = log(sum) + max - z_label           y: [N]
//   OUTPUT 2: its gradient       y[n, c] = (softmax_c - [c = label]) dy[n] y: [N, C]
// labels: [N]; a label that is no class gives NaN, so that it cannot train silently. dy: [N].
// Dispatch: ceil(N / 64) workgroups, folded over x and y.
//! use lib/fold.wgsl

override OUTPUT: u32;

// Classes a trip, because llvmpipe ends an invocation's loops after 65535 trips in all.
const TERMS = 4u;
const WORKGROUP = 64u;
alias elem = f32;

struct Params { rows: u32, classes: u32 }

@group(0) @binding(0) var<storage, read> logits: array<elem>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> dy: array<elem>;
@group(0) @binding(3) var<storage, read_write> y: array<elem>;
@group(0) @binding(4) var<uniform> p: Params;

// Past the row's end the last logit again.
fn logit(start: u32, c: u32) -> f32 {
  return f32(logits[start + min(c, p.classes - 1u)]);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = folded(group, groups) * WORKGROUP + local;
  if (row >= p.rows) { return; }
  let start = row * p.classes;
  var top = f32(logits[start]);
  for (var c = 0u; c < p.classes; c += TERMS) {
    for (var i = 0u; i < TERMS; i++) { //! unroll
      top = max(top, logit(start, c + i));
    }
  }
  var sum = 0.0;
  for (var c = 0u; c < p.classes; c += TERMS) {
    for (var i = 0u; i < TERMS; i++) { //! unroll
      sum += select(0.0, exp(logit(start, c + i) - top), c + i < p.classes);
    }
  }
  if (OUTPUT == 0u) {
    for (var c = 0u; c < p.classes; c += TERMS) {
      for (var i = 0u; i < TERMS; i++) { //! unroll
        if (c + i < p.classes) {
          y[start + c + i] = elem(exp(logit(start, c + i) - top) / sum);
        }
      }
    }
    return;
  }
  let label = labels[row];
  // A constant NaN is no constant expression in WGSL; the bits of one are data.
  let invalid = bitcast<f32>(0x7fc00000u + select(0u, 1u, label == 0xffffffffu));
  let is_class = label < p.classes;
  if (OUTPUT == 1u) {
    let z = f32(logits[start + min(label, p.classes - 1u)]);
    y[row] = elem(select(invalid, log(sum) + top - z, is_class));
    return;
  }
  let scale = f32(dy[row]);
  for (var c = 0u; c < p.classes; c += TERMS) {
    for (var i = 0u; i < TERMS; i++) { //! unroll
      let softmax = exp(logit(start, c + i) - top) / sum;
      let d = (softmax - select(0.0, 1.0, c + i == label)) * scale;
      if (c + i < p.classes) {
        y[start + c + i] = elem(select(invalid, d, is_class));
      }
    }
  }
}
