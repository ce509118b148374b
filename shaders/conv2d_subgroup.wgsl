// y = activate(conv2d(x, w) + bias) for software adapters with subgroups of 8 lanes (llvmpipe): the
// matrix product of matmul_subgroup.wgsl, whose header says why it is built so, with the patches of
// x for rows (implicit im2col: no such matrix is written).
//
//   y[n, oh, ow, o] = sum over kh, kw, c of
//     x[n, oh * STRIDE_H + kh - pad_top, ow * STRIDE_W + kw - pad_left, c] * w[kh, kw, c, o]
//
// For one kh the KW * C numbers of a patch lie side by side in x and in w ("run"). So k counts
// along the run, C may be anything, and one comparison with the ends of the image's line does for
// padding.
//
// Layout:   x [N, H, W, C]; w [KH, KW, C, O]; bias [O] (any buffer without HAS_BIAS);
//           y [N, OH, OW, O]. O is a multiple of 4. So is C; where it is not, set x_elem to f32 and
//           X_WIDTH to 1. Outside of x is zero; oh and ow alone say how far to pad at the end.
// Dispatch: ceil(N * OH * OW / (8 * OCTETS)) * ceil(O / (32 * QUADS)) workgroups, folded.
// Limit:    KH * KW * C < 500000, as llvmpipe ends an invocation's loops after 65535 trips in all.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;
override HAS_BIAS: bool;
override ACTIVATION: u32;

const OCTETS = 3u;
const QUADS = 1u;
const X_WIDTH = 4u;
alias x_elem = vec4f;

struct Params {
  n: u32,
  h: u32,
  w: u32,
  c: u32,
  o: u32,
  oh: u32,
  ow: u32,
  pad_top: u32,
  pad_left: u32,
}

@group(0) @binding(0) var<storage, read> x: array<x_elem>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> p: Params;

//! use lib/activation.wgsl
//! use lib/fold.wgsl

// Four numbers of one line of x, zero outside of it. vec4f(...) fits both widths.
fn load_x(line: u32, at: u32, length: u32) -> vec4f {
  if (X_WIDTH == 4u) {
    return select(vec4f(), vec4f(x[(line + min(at, length - 4u)) / 4u]), at < length);
  }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) { //! unroll
    let element = vec4f(x[line + min(at + i, length - 1u)]).x;
    value[i] = select(0.0, element, at + i < length);
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
  let tiles_o = (p.o + 32u * QUADS - 1u) / (32u * QUADS);
  let rows = p.n * p.oh * p.ow;
  let row = tile / tiles_o * 8u * OCTETS;
  if (row >= rows) {
    return;
  }
  // In vec4s. Past the end the last column is computed again, and not stored.
  let stride = p.o / 4u;
  let col = tile % tiles_o * 8u * QUADS + lane;

  // A lane's patches. What lies before the image wraps to a huge u32.
  let line_length = p.w * p.c;
  var image = array<u32, OCTETS>();
  var top = array<u32, OCTETS>();
  var left = array<u32, OCTETS>();
  for (var t = 0u; t < OCTETS; t++) { //! unroll
    let pixel = min(row + 8u * t + lane, rows - 1u);
    image[t] = pixel / p.ow / p.oh * p.h;
    top[t] = pixel / p.ow % p.oh * STRIDE_H - p.pad_top;
    left[t] = (pixel % p.ow * STRIDE_W - p.pad_left) * p.c;
  }

  let run = KW * p.c;
  var acc = array<vec4f, 8u * OCTETS * QUADS>();
  for (var kh = 0u; kh < KH; kh++) {
    for (var k = 0u; k < run; k += 8u) {
      var w_part = array<vec4f, 8u * QUADS>();
      for (var i = 0u; i < 8u; i++) { //! unroll
        let from_w = (kh * run + min(k + i, run - 1u)) * stride;
        for (var q = 0u; q < QUADS; q++) { //! unroll
          w_part[i * QUADS + q] = w[from_w + min(col + 8u * q, stride - 1u)];
        }
      }
      for (var t = 0u; t < OCTETS; t++) { //! unroll
        let ih = top[t] + kh;
        let line = (image[t] + min(ih, p.h - 1u)) * line_length;
        var x_part = array<vec4f, 2>();
        for (var h = 0u; h < 2u; h++) { //! unroll
          // The run's end cuts as the line's does: past it w is not zero.
          let value = load_x(line, left[t] + k + 4u * h, line_length);
          let left_in_run = select(0u, run - min(run, k + 4u * h), ih < p.h);
          let inside = vec4u(0u, 1u, 2u, 3u) < vec4u(left_in_run);
          x_part[h] = select(vec4f(), value, inside);
        }
        for (var r = 0u; r < 8u; r++) { //! unroll
          for (var i = 0u; i < 8u; i++) { //! unroll
            let element = vec4f(subgroupBroadcast(x_part[i / 4u][i % 4u], r));
            for (var q = 0u; q < QUADS; q++) { //! unroll
              acc[(8u * t + r) * QUADS + q] =
                fma(element, w_part[i * QUADS + q], acc[(8u * t + r) * QUADS + q]);
            }
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
      if (at < stride && row + r < rows) {
        let value = acc[r * QUADS + q] + shift;
        y[(row + r) * stride + at] =
          vec4f(activate(value.x), activate(value.y), activate(value.z), activate(value.w));
      }
    }
  }
}
