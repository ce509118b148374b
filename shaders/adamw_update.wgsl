// AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019), in place:
//   w -= rates[0] decay w + rates[1] first / (sqrt(second) rates[2] + rates[3])
// w, first, second, decay: [length]; rates: [4], the step's rate, rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
// and epsilon; first and second are the averages of the gradients and of their squares.
// Where length is a multiple of 4, elem is vec4f and length counts vectors.
// Dispatch: ceil(length / 256) workgroups, folded over x and y.
//! use lib/fold.wgsl

const WORKGROUP = 256u;
alias elem = f32;

struct Params { length: u32 }

@group(0) @binding(0) var<storage, read> first: array<elem>;
@group(0) @binding(1) var<storage, read> second: array<elem>;
@group(0) @binding(2) var<storage, read> decay: array<elem>;
@group(0) @binding(3) var<storage, read> rates: array<f32>;
@group(0) @binding(4) var<storage, read_write> w: array<elem>;
@group(0) @binding(5) var<uniform> p: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = folded(group, groups) * WORKGROUP + local;
  if (i >= p.length) { return; }
  let divisor = sqrt(second[i]) * rates[2] + elem(rates[3]);
  // One difference: a factor 1 - rate decay would round away most of a small decay.
  w[i] = w[i] - (rates[0] * decay[i] * w[i] + rates[1] * first[i] / divisor);
}
