// y[M, N] = activate(a · b + bias) for software adapters without subgroups of 8 lanes, and for the
// shapes that matmul_subgroup.wgsl does not take. A thread owns 8 rows by 4 * QUADS columns of y in
// registers and takes 4 steps of k a trip, so that 8 + 4 * QUADS vec4 loads feed 32 * QUADS vec4
// FMAs. No workgroup memory: on a CPU it is memory like any other, and its barriers cost.
//
// Layout:   a [M, K], or [K, M] with TRANSPOSE_A; b [K, N]; bias [N] (any buffer without HAS_BIAS);
//           y [M, N]. Where the inner dimension of a is a multiple of 4, a_elem may be vec4f and
//           A_WIDTH 4; where N is, b_elem may be vec4f and B_WIDTH 4.
// Dispatch: ceil(M / 32) * ceil(N / (32 * QUADS)) workgroups of 8 by 4 threads, folded.
// Limit:    K < 260000, as llvmpipe ends an invocation's loops after 65535 trips in all.

override TRANSPOSE_A: bool;
override HAS_BIAS: bool;
override ACTIVATION: u32;

const QUADS = 2u;
const A_WIDTH = 1u;
alias a_elem = f32;
const B_WIDTH = 1u;
alias b_elem = f32;

struct Params {
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> a: array<a_elem>;
@group(0) @binding(1) var<storage, read> b: array<b_elem>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

//! use lib/activation.wgsl
//! use lib/fold.wgsl

// Four numbers of one row of a, zero where the row has ended. vec4f(...) fits both widths.
fn load_a(from_row: u32, column: u32, length: u32) -> vec4f {
  if (A_WIDTH == 4u) {
    let value = vec4f(a[(from_row + min(column, length - 4u)) / 4u]);
    return select(vec4f(), value, column < length);
  }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) { //! unroll
    let element = vec4f(a[from_row + min(column + i, length - 1u)]).x;
    value[i] = select(0.0, element, column + i < length);
  }
  return value;
}

// Four numbers of one row of b; past its end some number of the row, for columns not stored.
fn load_b(from_row: u32, column: u32) -> vec4f {
  if (B_WIDTH == 4u) {
    return vec4f(b[(from_row + min(column, p.n - 4u)) / 4u]);
  }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) { //! unroll
    value[i] = vec4f(b[from_row + min(column + i, p.n - 1u)]).x;
  }
  return value;
}

@compute @workgroup_size(8, 4)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let tile = folded(workgroup, groups);
  // Tiles that share columns follow one another, so that those columns of b stay in the cache.
  let tiles_m = (p.m + 31u) / 32u;
  let row = tile % tiles_m * 32u + local.y * 8u;
  let col = (tile / tiles_m * 8u * QUADS + local.x) * 4u;
  if (row >= p.m || col >= p.n) {
    return;
  }
  let k_last = p.k - 1u;
  var acc = array<vec4f, 8u * QUADS>();

  for (var k = 0u; k < p.k; k += 4u) {
    // Without TRANSPOSE_A, part r is 4 k of row r; with it, part 2 * i + h is 4 rows of k + i.
    var a_part = array<vec4f, 8>();
    for (var r = 0u; r < 8u; r++) { //! unroll
      if (TRANSPOSE_A) {
        let value = load_a(min(k + r / 2u, k_last) * p.m, row + r % 2u * 4u, p.m);
        a_part[r] = select(vec4f(), value, k + r / 2u < p.k);
      } else {
        a_part[r] = load_a(min(row + r, p.m - 1u) * p.k, k, p.k);
      }
    }
    for (var i = 0u; i < 4u; i++) { //! unroll
      for (var q = 0u; q < QUADS; q++) { //! unroll
        let b_part = load_b(min(k + i, k_last) * p.n, col + 32u * q);
        for (var r = 0u; r < 8u; r++) { //! unroll
          let element = select(a_part[r][i], a_part[2u * i + r / 4u][r % 4u], TRANSPOSE_A);
          acc[r * QUADS + q] = fma(vec4f(element), b_part, acc[r * QUADS + q]);
        }
      }
    }
  }

  for (var q = 0u; q < QUADS; q++) { //! unroll
    for (var i = 0u; i < 4u; i++) { //! unroll
      let at = col + 32u * q + i;
      if (at < p.n) {
        var shift = 0.0;
        if (HAS_BIAS) {
          shift = bias[at];
        }
        for (var r = 0u; r < 8u; r++) { //! unroll
          if (row + r < p.m) {
            y[(row + r) * p.n + at] = activate(acc[r * QUADS + q][i] + shift);
          }
        }
      }
    }
  }
}
