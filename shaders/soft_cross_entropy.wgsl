// Cross-entropy with a weight for every class, rows of logits z[n, :] of C classes, one invocation a row,
// shifted by the row's maximum so that exp does not overflow (Goodfellow et al., "Deep Learning", 4.1).
//   OUTPUT 0: loss          y[n] = sum_c t_c (log(sum) + max - z_c)               y: [N]
//   OUTPUT 1: its gradient  y[n, c] = (softmax_c sum(t) - t_c) dy[n]              y: [N, C]
// targets t: [N, C]; dy: [N].
// Dispatch: ceil(N / 64) workgroups, folded over x and y.
//! use lib/fold.wgsl

override OUTPUT: u32;

// Classes a trip, because llvmpipe ends an invocation's loops after 65535 trips in all.
const TERMS = 4u;
const WORKGROUP = 64u;
alias elem = f32;

struct Params { rows: u32, classes: u32 }

@group(0) @binding(0) var<storage, read> logits: array<elem>;
@group(0) @binding(1) var<storage, read> targets: array<elem>;
@group(0) @binding(2) var<storage, read> dy: array<elem>;
@group(0) @binding(3) var<storage, read_write> y: array<elem>;
@group(0) @binding(4) var<uniform> p: Params;

// Past the row's end the last logit again,
fn logit(start: u32, c: u32) -> f32 {
  return f32(logits[start + min(c, p.classes - 1u)]);
}

// and no target.
fn wanted(start: u32, c: u32) -> f32 {
  return select(0.0, f32(targets[start + min(c, p.classes - 1u)]), c < p.classes);
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
  var weight = 0.0;
  for (var c = 0u; c < p.classes; c += TERMS) {
    for (var i = 0u; i < TERMS; i++) { //! unroll
      sum += select(0.0, exp(logit(start, c + i) - top), c + i < p.classes);
      weight += wanted(start, c + i);
    }
  }
  if (OUTPUT == 0u) {
    let level = log(sum) + top;
    var loss = 0.0;
    for (var c = 0u; c < p.classes; c += TERMS) {
      for (var i = 0u; i < TERMS; i++) { //! unroll
        loss += wanted(start, c + i) * (level - logit(start, c + i));
      }
    }
    y[row] = elem(loss);
    return;
  }
  let scale = f32(dy[row]);
  for (var c = 0u; c < p.classes; c += TERMS) {
    for (var i = 0u; i < TERMS; i++) { //! unroll
      let softmax = exp(logit(start, c + i) - top) / sum;
      if (c + i < p.classes) {
        y[start + c + i] = elem((softmax * weight - wanted(start, c + i)) * scale);
      }
    }
  }
}
