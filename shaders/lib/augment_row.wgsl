// The numbers of one image (AUGMENT of src/ops/augment_row.ts), and where its mirrored padding lies.
struct Row {
  top: f32,
  left: f32,
  flip: f32,
  saturation: f32,
  hue: f32,
  brightness: f32,
  contrast: f32,
  cutout_top: f32,
  cutout_left: f32,
  cutout_size: f32,
  unused_0: f32,
  unused_1: f32,
}

// Mirrored at 0 and at size - 1, which are not repeated.
fn mirrored(place: i32, size: i32) -> u32 {
  let period = 2u * u32(size - 1);
  let at = u32(abs(place)) % max(period, 1u);
  return min(at, period - at);
}
