// A locally connected layer, or its gradient in x or w: the first rung of the ladder, one output an invocation.
//   y[n, place, o] = activate(sum over tap, c of x[n, source, c] w[place, tap, c, o] + bias[place, o])
// See lib/local.wgsl for the three products and what a and b are.
// Dispatch: ceil(numbers of y / 64) workgroups, folded.
// Limit:    KH * KW * (k / 4 + 5) < 65000, as llvmpipe ends an invocation's loops after 65535 trips in all.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;
override PRODUCT: u32;
override HAS_BIAS: bool;
override ACTIVATION: u32;

struct Params {
  rows: u32,
  depth: u32,
  columns: u32,
  h: u32,
  w: u32,
  oh: u32,
  ow: u32,
  pad_top: u32,
  pad_left: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

//! use lib/activation.wgsl
//! use lib/fold.wgsl
//! use lib/local.wgsl

fn term(place: u32, tap: u32, source: u32, row: u32, k: u32, column: u32) -> f32 {
  let a_value = a[select(a_line(source, row) + k, a_line(source, k) + row, PRODUCT == 2u)];
  let straight = b_line(place, tap, source, select(k, column, PRODUCT == 1u));
  return a_value * b[straight + select(column, k, PRODUCT == 1u)];
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = folded(workgroup, groups) * 64u + local;
  let column = index % p.columns;
  let line = index / p.columns;
  let taps = KH * KW;
  var place = line % places();
  var row = line / places();
  var tap = 0u;
  var end = taps;
  if (PRODUCT == 2u) {
    row = line % p.rows;
    tap = line / p.rows % taps;
    place = line / p.rows / taps;
    end = tap + 1u;
  }
  let beyond = select(row >= p.rows, place >= places(), PRODUCT == 2u);
  if (beyond) {
    return;
  }
  var sum = 0.0;
  for (; tap < end; tap++) {
    let source = source_of(place, tap);
    if (source == NOWHERE) {
      continue;
    }
    var k = 0u;
    for (; k + 4u <= p.depth; k += 4u) {
      for (var i = 0u; i < 4u; i++) { //! unroll
        sum += term(place, tap, source, row, k + i, column);
      }
    }
    for (; k < p.depth; k++) {
      sum += term(place, tap, source, row, k, column);
    }
  }
  if (HAS_BIAS) {
    sum += bias[place * p.columns + column];
  }
  y[index] = activate(sum);
}
