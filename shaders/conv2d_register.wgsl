// y = activate(conv2d(x, w) + bias) for software adapters without subgroups of 8 lanes, and for the
// shapes that conv2d_subgroup.wgsl does not take: the register tile of matmul_register.wgsl, whose
// header says why it is built so, with the patches of x for rows (no im2col matrix is written).
//
//   y[n, oh, ow, o] = sum over kh, kw, c of
//     x[n, oh * STRIDE_H + kh - pad_top, ow * STRIDE_W + kw - pad_left, c] * w[kh, kw, c, o]
//
// For one kh the KW * C numbers of a patch lie side by side in x and in w ("run"). So k counts
// along the run, C may be anything, and one comparison with the ends of the image's line does for
// padding.
//
// Layout:   x [N, H, W, C]; w [KH, KW, C, O]; bias [O] (any buffer without HAS_BIAS);
//           y [N, OH, OW, O]. Where C is a multiple of 4, x_elem may be vec4f and X_WIDTH 4; where
//           O is, w_elem may be vec4f and W_WIDTH 4. Outside of x is zero.
// Dispatch: ceil(N * OH * OW / 32) * ceil(O / (32 * QUADS)) workgroups of 8 by 4 threads, folded.
// Limit:    KH * KW * C < 260000, as llvmpipe ends an invocation's loops after 65535 trips in all.

override KH: u32;
override KW: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;
override HAS_BIAS: bool;
override ACTIVATION: u32;

const QUADS = 2u;
const X_WIDTH = 1u;
alias x_elem = f32;
const W_WIDTH = 1u;
alias w_elem = f32;

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
@group(0) @binding(1) var<storage, read> w: array<w_elem>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
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

// Four numbers of one row of w; past its end some number of the row, for columns not stored.
fn load_w(from_row: u32, column: u32) -> vec4f {
  if (W_WIDTH == 4u) {
    return vec4f(w[(from_row + min(column, p.o - 4u)) / 4u]);
  }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) { //! unroll
    value[i] = vec4f(w[from_row + min(column + i, p.o - 1u)]).x;
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
  let tiles_o = (p.o + 32u * QUADS - 1u) / (32u * QUADS);
  let rows = p.n * p.oh * p.ow;
  let row = tile / tiles_o * 32u + local.y * 8u;
  let col = (tile % tiles_o * 8u * QUADS + local.x) * 4u;
  if (row >= rows) {
    return;
  }

  // The thread's patches. What lies before the image wraps to a huge u32.
  let line_length = p.w * p.c;
  var image = array<u32, 8>();
  var top = array<u32, 8>();
  var left = array<u32, 8>();
  for (var r = 0u; r < 8u; r++) { //! unroll
    let pixel = min(row + r, rows - 1u);
    image[r] = pixel / p.ow / p.oh * p.h;
    top[r] = pixel / p.ow % p.oh * STRIDE_H - p.pad_top;
    left[r] = (pixel % p.ow * STRIDE_W - p.pad_left) * p.c;
  }

  let run = KW * p.c;
  var acc = array<vec4f, 8u * QUADS>();
  for (var kh = 0u; kh < KH; kh++) {
    for (var k = 0u; k < run; k += 4u) {
      // Past the run's end x counts as zero, for w does not.
      let in_run = vec4u(0u, 1u, 2u, 3u) < vec4u(run - k);
      var x_part = array<vec4f, 8>();
      for (var r = 0u; r < 8u; r++) { //! unroll
        let ih = top[r] + kh;
        let line = (image[r] + min(ih, p.h - 1u)) * line_length;
        let value = select(vec4f(), load_x(line, left[r] + k, line_length), ih < p.h);
        x_part[r] = select(vec4f(), value, in_run);
      }
      for (var i = 0u; i < 4u; i++) { //! unroll
        let from_w = (kh * run + min(k + i, run - 1u)) * p.o;
        for (var q = 0u; q < QUADS; q++) { //! unroll
          let w_part = load_w(from_w, col + 32u * q);
          for (var r = 0u; r < 8u; r++) { //! unroll
            acc[r * QUADS + q] = fma(vec4f(x_part[r][i]), w_part, acc[r * QUADS + q]);
          }
        }
      }
    }
  }

  for (var q = 0u; q < QUADS; q++) { //! unroll
    for (var i = 0u; i < 4u; i++) { //! unroll
      let at = col + 32u * q + i;
      if (at < p.o) {
        var shift = 0.0;
        if (HAS_BIAS) {
          shift = bias[at];
        }
        for (var r = 0u; r < 8u; r++) { //! unroll
          if (row + r < rows) {
            y[(row + r) * p.o + at] = activate(acc[r * QUADS + q][i] + shift);
          }
        }
      }
    }
  }
}
