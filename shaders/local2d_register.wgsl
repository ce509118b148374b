// A locally connected layer, or its gradient in x or w, for software adapters: the register tile of
// matmul_register.wgsl, whose header says why it is built so, for each place and tap. See lib/local.wgsl for the
// three products and what a and b are. A thread owns 8 rows by 4 * QUADS columns and takes 4 steps of k a trip.
//
// Layout:   bias [places, columns] (any buffer without HAS_BIAS). Where the last axis of a is a multiple of 4, a_elem
//           may be vec4f and A_WIDTH 4; where that of b is, b_elem may be vec4f and B_WIDTH 4.
// Dispatch: places * ceil(rows / 32) * ceil(columns / (32 * QUADS)) workgroups of 8 by 4 threads, folded; in product
//           2 as many for each tap.
// Limit:    KH * KW * (k / 4 + 2) < 65000, as llvmpipe ends an invocation's loops after 65535 trips in all.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;
override PRODUCT: u32;
override HAS_BIAS: bool;
override ACTIVATION: u32;

const QUADS = 2u;
const A_WIDTH = 1u;
alias a_elem = f32;
const B_WIDTH = 1u;
alias b_elem = f32;

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

@group(0) @binding(0) var<storage, read> a: array<a_elem>;
@group(0) @binding(1) var<storage, read> b: array<b_elem>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

//! use lib/activation.wgsl
//! use lib/fold.wgsl
//! use lib/local.wgsl

// Four numbers of a line of a, zero where it has ended. vec4f(...) fits both widths.
fn load_a(line: u32, at: u32, length: u32) -> vec4f {
  if (A_WIDTH == 4u) {
    return select(vec4f(), vec4f(a[(line + min(at, length - 4u)) / 4u]), at < length);
  }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) { //! unroll
    value[i] = select(0.0, vec4f(a[line + min(at + i, length - 1u)]).x, at + i < length);
  }
  return value;
}

// Four numbers of a line of b; past its end some number of it, for columns not stored or k that a has zero for.
fn load_b(line: u32, at: u32, length: u32) -> vec4f {
  if (B_WIDTH == 4u) {
    return vec4f(b[(line + min(at, length - 4u)) / 4u]);
  }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) { //! unroll
    value[i] = vec4f(b[line + min(at + i, length - 1u)]).x;
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
  let tiles_c = (p.columns + 32u * QUADS - 1u) / (32u * QUADS);
  let tiles_r = (p.rows + 31u) / 32u;
  let row = tile / tiles_c % tiles_r * 32u + local.y * 8u;
  let col = (tile % tiles_c * 8u * QUADS + local.x) * 4u;
  let batch = tile / tiles_c / tiles_r;
  let one_tap = PRODUCT == 2u;
  let place = select(batch, batch / (KH * KW), one_tap);
  let first = select(0u, batch % (KH * KW), one_tap);
  if (place >= places() || row >= p.rows || col >= p.columns) {
    return;
  }
  var acc = array<vec4f, 8u * QUADS>();
  for (var tap = first; tap < select(KH * KW, first + 1u, one_tap); tap++) {
    let source = source_of(place, tap);
    if (source == NOWHERE) {
      continue;
    }
    for (var k = 0u; k < p.depth; k += 4u) {
      // In products 0 and 1 part r is 4 k of row r; in 2 part 2 * i + h is 4 rows of k + i.
      var a_part = array<vec4f, 8>();
      for (var r = 0u; r < 8u; r++) { //! unroll
        if (one_tap) {
          let image = min(k + r / 2u, p.depth - 1u);
          let value = load_a(a_line(source, image), row + r % 2u * 4u, p.rows);
          a_part[r] = select(vec4f(), value, k + r / 2u < p.depth);
        } else {
          a_part[r] = load_a(a_line(source, min(row + r, p.rows - 1u)), k, p.depth);
        }
      }
      for (var q = 0u; q < QUADS; q++) { //! unroll
        // Part i is 4 columns of k + i; in product 1 at first 4 k of column i.
        var b_part = array<vec4f, 4>();
        for (var i = 0u; i < 4u; i++) { //! unroll
          if (PRODUCT == 1u) {
            let column = min(col + 32u * q + i, p.columns - 1u);
            b_part[i] = load_b(b_line(place, tap, source, column), k, p.depth);
          } else {
            let index = min(k + i, p.depth - 1u);
            b_part[i] = load_b(b_line(place, tap, source, index), col + 32u * q, p.columns);
          }
        }
        if (PRODUCT == 1u) {
          let turned = transpose(mat4x4f(b_part[0], b_part[1], b_part[2], b_part[3]));
          for (var i = 0u; i < 4u; i++) { //! unroll
            b_part[i] = turned[i];
          }
        }
        for (var i = 0u; i < 4u; i++) { //! unroll
          for (var r = 0u; r < 8u; r++) { //! unroll
            let element = select(a_part[r][i], a_part[2u * i + r / 4u][r % 4u], one_tap);
            acc[r * QUADS + q] = fma(vec4f(element), b_part[i], acc[r * QUADS + q]);
          }
        }
      }
    }
  }
  for (var q = 0u; q < QUADS; q++) { //! unroll
    for (var i = 0u; i < 4u; i++) { //! unroll
      let at = col + 32u * q + i;
      if (at < p.columns) {
        var shift = 0.0;
        if (HAS_BIAS) {
          shift = bias[place * p.columns + at];
        }
        for (var r = 0u; r < 8u; r++) { //! unroll
          if (row + r < p.rows) {
            y[y_line(place, first, row + r) + at] = activate(acc[r * QUADS + q][i] + shift);
          }
        }
      }
    }
  }
}
