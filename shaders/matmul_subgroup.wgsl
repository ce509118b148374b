// y[M, N] = activate(a · b + bias) for software adapters with subgroups of 8 lanes (llvmpipe).
//
// There a load is a loop over the lanes with a bounds check each, whatever its addresses, and costs
// far more than arithmetic. So a workgroup is one subgroup, which owns 8 * OCTETS rows of y and
// 32 * QUADS columns, 4 * QUADS a lane, all in registers. For 8 steps of k it loads b with a vec4
// of columns a lane, and a with a vec4 a lane as well: 8 rows by 4 k (or 8 k by 4 rows with
// TRANSPOSE_A), whose numbers subgroupBroadcast then spreads one by one: 32 rows by 32 columns
// by 8 k are 1024 vector FMAs for 16 loads. Rows outermost keep a row's sums in registers over 8 k,
// and tiles that share columns follow one another, so that those columns of b stay in the cache.
//
// Layout:   a [M, K], or [K, M] with TRANSPOSE_A; b [K, N]; bias [N] (any buffer without HAS_BIAS);
//           y [M, N]. N is a multiple of 4. So is the inner dimension of a; where it is not, set
//           a_elem to f32 and A_WIDTH to 1.
// Dispatch: ceil(M / (8 * OCTETS)) * ceil(N / (32 * QUADS)) workgroups, folded.
// Limit:    K < 500000, as llvmpipe ends an invocation's loops after 65535 trips in all.

override TRANSPOSE_A: bool;
override HAS_BIAS: bool;
override ACTIVATION: u32;

const OCTETS = 4u;
const QUADS = 1u;
const A_WIDTH = 4u;
alias a_elem = vec4f;

struct Params {
  m: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> a: array<a_elem>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
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

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = folded(workgroup, groups);
  let tiles_m = (p.m + 8u * OCTETS - 1u) / (8u * OCTETS);
  let row = tile % tiles_m * 8u * OCTETS;
  // In vec4s. Past the end the last column is computed again, and not stored.
  let stride = p.n / 4u;
  let first_col = tile / tiles_m * 8u * QUADS;
  if (first_col >= stride) {
    return;
  }
  let col = first_col + lane;
  let k_last = p.k - 1u;
  var acc = array<vec4f, 8u * OCTETS * QUADS>();

  for (var k = 0u; k < p.k; k += 8u) {
    var b_part = array<vec4f, 8u * QUADS>();
    for (var i = 0u; i < 8u; i++) { //! unroll
      let from_b = min(k + i, k_last) * stride;
      for (var q = 0u; q < QUADS; q++) { //! unroll
        b_part[i * QUADS + q] = b[from_b + min(col + 8u * q, stride - 1u)];
      }
    }
    for (var t = 0u; t < OCTETS; t++) { //! unroll
      var a_part = array<vec4f, 2>();
      for (var h = 0u; h < 2u; h++) { //! unroll
        if (TRANSPOSE_A) {
          let value = load_a(min(k + lane, k_last) * p.m, row + 8u * t + 4u * h, p.m);
          a_part[h] = select(vec4f(), value, k + lane < p.k);
        } else {
          a_part[h] = load_a(min(row + 8u * t + lane, p.m - 1u) * p.k, k + 4u * h, p.k);
        }
      }
      for (var r = 0u; r < 8u; r++) { //! unroll
        for (var i = 0u; i < 8u; i++) { //! unroll
          var element = 0.0;
          if (TRANSPOSE_A) {
            element = subgroupBroadcast(a_part[r / 4u][r % 4u], i);
          } else {
            element = subgroupBroadcast(a_part[i / 4u][i % 4u], r);
          }
          for (var q = 0u; q < QUADS; q++) { //! unroll
            acc[(8u * t + r) * QUADS + q] =
              fma(vec4f(element), b_part[i * QUADS + q], acc[(8u * t + r) * QUADS + q]);
          }
        }
      }
    }
  }

  for (var q = 0u; q < QUADS; q++) { //! unroll
    let at = col + 8u * q;
    var shift = vec4f();
    if (HAS_BIAS) {
      let first = 4u * min(at, stride - 1u);
      shift = vec4f(bias[first], bias[first + 1u], bias[first + 2u], bias[first + 3u]);
    }
    for (var r = 0u; r < 8u * OCTETS; r++) { //! unroll
      if (at < stride && row + r < p.m) {
        let value = acc[r * QUADS + q] + shift;
        y[(row + r) * stride + at] =
          vec4f(activate(value.x), activate(value.y), activate(value.z), activate(value.w));
      }
    }
  }
}
