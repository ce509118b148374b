// The epilogue's activation, chosen by `override ACTIVATION: u32` of the file that uses this one:
// 0 none, 1 relu. relu is a select and no max, since max(NaN, 0) is 0 and would hide a NaN.

fn activate(x: f32) -> f32 {
  if (ACTIVATION == 1u) {
    return select(x, 0.0, x <= 0.0);
  }
  return x;
}
