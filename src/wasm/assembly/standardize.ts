// Per-image standardization: y = (x - mean) / max(std, 1 / sqrt(L)) over all L values of an image, std the
// population's (TensorFlow's per_image_standardization). x, y: [N, L]. A unit is an image. Two passes,
// because E[x^2] - mean^2 cancels in float32; the image stays in the cache.
import { pointer, storePart, u32Param } from "./block";

// @ts-ignore: decorator
@inline
function lanes(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

export function standardize(p: usize, first: i32, last: i32, _scratch: usize): void {
  const length = u32Param(p, 2);
  const whole = length & ~3;
  for (let image = <u32> first; image < <u32> last; image++) {
    const x = pointer(p, 0) + ((image * length) << 2), y = pointer(p, 1) + ((image * length) << 2);
    let sums = f32x4.splat(0);
    for (let i: u32 = 0; i < whole; i += 4) sums = f32x4.add(sums, v128.load(x + (i << 2)));
    let sum = lanes(sums);
    for (let i = whole; i < length; i++) sum += load<f32>(x + (i << 2));
    const mean = sum / <f32> length;
    const means = f32x4.splat(mean);
    let squares = f32x4.splat(0);
    for (let i: u32 = 0; i < whole; i += 4) {
      const d = f32x4.sub(v128.load(x + (i << 2)), means);
      squares = f32x4.relaxed_madd(d, d, squares);
    }
    let square = lanes(squares);
    for (let i = whole; i < length; i++) {
      const d = load<f32>(x + (i << 2)) - mean;
      square += d * d;
    }
    const deviation = sqrt<f32>(square / <f32> length);
    const scale = f32x4.splat(<f32> 1 / max<f32>(deviation, <f32> 1 / sqrt<f32>(<f32> length)));
    for (let i: u32 = 0; i < length; i += 4) {
      const v = f32x4.mul(f32x4.sub(v128.load(x + (i << 2)), means), scale);
      storePart(y + (i << 2), v, length - i);
    }
  }
}
