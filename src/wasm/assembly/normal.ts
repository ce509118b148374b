// The exact GELU and its derivative. See shaders/lib/normal.wgsl for the formulas.

// e^v of four numbers, to 1e-7 of it; v at most 88, NaN stays. v = n ln 2 + r, and a polynomial of r, in the form and
// with the coefficients of Moshier's Cephes library (expf).
// @ts-ignore: decorator
@inline
function exponential(v: v128): v128 {
  v = f32x4.max(v, f32x4.splat(-87));
  const n = f32x4.nearest(f32x4.mul(v, f32x4.splat(1.44269504)));
  let r = f32x4.relaxed_nmadd(n, f32x4.splat(0.693359375), v);
  r = f32x4.relaxed_nmadd(n, f32x4.splat(-2.12194440e-4), r);
  let y = f32x4.relaxed_madd(f32x4.splat(1.9875691500e-4), r, f32x4.splat(1.3981999507e-3));
  y = f32x4.relaxed_madd(y, r, f32x4.splat(8.3334519073e-3));
  y = f32x4.relaxed_madd(y, r, f32x4.splat(4.1665795894e-2));
  y = f32x4.relaxed_madd(y, r, f32x4.splat(1.6666665459e-1));
  y = f32x4.relaxed_madd(y, r, f32x4.splat(5.0000001201e-1));
  y = f32x4.add(f32x4.relaxed_madd(y, f32x4.mul(r, r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(y, power);
}

// e^(-x^2 / 2)
// @ts-ignore: decorator
@inline
function bell(x: v128): v128 {
  return exponential(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)));
}

// @ts-ignore: decorator
@inline
function distribution(x: v128, bell: v128): v128 {
  const one = f32x4.splat(1);
  const t = f32x4.div(one, f32x4.relaxed_madd(f32x4.abs(x), f32x4.splat(0.23164189), one));
  let y = f32x4.relaxed_madd(t, f32x4.splat(1.061405429), f32x4.splat(-1.453152027));
  y = f32x4.relaxed_madd(y, t, f32x4.splat(1.421413741));
  y = f32x4.relaxed_madd(y, t, f32x4.splat(-0.284496736));
  y = f32x4.relaxed_madd(y, t, f32x4.splat(0.254829592));
  const rest = f32x4.mul(f32x4.mul(f32x4.mul(y, t), bell), f32x4.splat(0.5));
  return v128.bitselect(rest, f32x4.sub(one, rest), f32x4.lt(x, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  return f32x4.mul(x, distribution(x, bell(x)));
}

// @ts-ignore: decorator
@inline
export function geluSlope(x: v128): v128 {
  const density = bell(x);
  const side = f32x4.mul(f32x4.mul(x, density), f32x4.splat(0.3989422804));
  return f32x4.add(distribution(x, density), side);
}
