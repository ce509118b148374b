// y[M, N] = activate(a · b + bias), one output a thread: the first rung of the ladder, and the
// oracle of the other matmul kernels.
//
// Layout:   a [M, K], or [K, M] with TRANSPOSE_A; b [K, N]; bias [N] (any buffer without HAS_BIAS);
//           y [M, N].
// Dispatch: ceil(M * N / 64) workgroups of 64 threads, folded.
// Limit:    K < 260000, as llvmpipe ends an invocation's loops after 65535 trips in all.

override TRANSPOSE_A: bool;
override HAS_BIAS: bool;
override ACTIVATION: u32;

struct Params {
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

//! use lib/activation.wgsl
//! use lib/fold.wgsl

fn product(row: u32, col: u32, k: u32) -> f32 {
  return a[select(row * p.k + k, k * p.m + row, TRANSPOSE_A)] * b[k * p.n + col];
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(workgroup, groups) * 64u + local;
  if (index >= p.m * p.n) {
    return;
  }
  let row = index / p.n;
  let col = index % p.n;
  var sum = 0.0;
  var k = 0u;
  // Four terms a trip, only for the limit above.
  for (; k + 4u <= p.k; k += 4u) {
    sum += product(row, col, k);
    sum += product(row, col, k + 1u);
    sum += product(row, col, k + 2u);
    sum += product(row, col, k + 3u);
  }
  for (; k < p.k; k++) {
    sum += product(row, col, k);
  }
  if (HAS_BIAS) {
    sum += bias[col];
  }
  y[index] = activate(sum);
}
