// Changes of a color (red, green, blue) given relative to any gray level: both commute with adding one.

// GRAY_WEIGHTS of src/ops/augment_row.ts (ITU-R BT.601).
fn gray(v: vec3f) -> f32 {
  return dot(v, vec3f(0.299, 0.587, 0.114));
}

// x' = gray + saturation (x - gray), kept within 0 to 255.
fn saturated(v: vec3f, level: f32, saturation: f32) -> vec3f {
  let g = gray(v);
  return clamp(g + saturation * (v - g), vec3f(-level), vec3f(255.0 - level));
}

// The hue turned by a number of turns: x = max - d clamp(min(k, 4 - k), 0, 1), d = max - min,
// k = (n + 6 h) mod 6 with n = 5, 3, 1 for red, green, blue (HSV to RGB). That clamp is the one below of the
// distance of 6 h from the color's own 0, 2, 4 around the circle of 6.
fn turned(v: vec3f, turns: f32) -> vec3f {
  let top = max(v.r, max(v.g, v.b));
  let d = top - min(v.r, min(v.g, v.b));
  // Without a color the hue is any: all three become max.
  if (d == 0.0) { return v; }
  var hue = 4.0 + (v.r - v.g) / d;
  if (v.g == top) { hue = 2.0 + (v.b - v.r) / d; }
  if (v.r == top) { hue = (v.g - v.b) / d; }
  let difference = hue + 6.0 * turns - vec3f(0.0, 2.0, 4.0);
  let distance = abs(difference - 6.0 * round(difference / 6.0));
  return top - d * clamp(distance - 1.0, vec3f(0.0), vec3f(1.0));
}
