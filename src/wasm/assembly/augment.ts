// Augmentation of images from the bytes of a data set, and mixing within a batch. A unit is an image. The
// arithmetic is float64: an image takes few operations, and sums of squares about any level keep their digits.
import { f32Param, i32Param, pointer, u32Param } from "./block";

// Floats of the row of an image: AUGMENT_LENGTH of src/ops/augment_row.ts.
const ROW: u32 = 12;

// Mirrored at 0 and at size - 1, which are not repeated.
// @ts-ignore: decorator
@inline
function mirrored(place: i32, size: i32): i32 {
  const period = 2 * (size - 1);
  const at = abs(place) % max(period, 1);
  return min(at, period - at);
}

// x' = gray + saturation (x - gray), kept within low to low + 255. Weights: ITU-R BT.601.
// @ts-ignore: decorator
@inline
function saturated(x: f64, gray: f64, saturation: f64, low: f64): f64 {
  return min(max(gray + saturation * (x - gray), low), low + 255);
}

// max - d clamp(min(k, 4 - k), 0, 1), k = (n + 6 h) mod 6 (HSV to RGB).
// @ts-ignore: decorator
@inline
function fromHue(top: f64, d: f64, n: f64, hue: f64): f64 {
  const k = n + hue - 6 * floor((n + hue) / 6);
  return top - d * min(max(min(k, 4 - k), 0), 1);
}

// Saturation and hue of the pixel at `at`, whose values are relative to -low; both commute with that.
function colored(at: usize, saturation: f64, turns: f64, low: f64): void {
  let r: f64 = load<f32>(at), g: f64 = load<f32>(at, 4), b: f64 = load<f32>(at, 8);
  const gray = 0.299 * r + 0.587 * g + 0.114 * b;
  r = saturated(r, gray, saturation, low);
  g = saturated(g, gray, saturation, low);
  b = saturated(b, gray, saturation, low);
  const top = max(r, max(g, b)), d = top - min(r, min(g, b));
  if (d > 0) {
    const hue = 6 * turns +
      (r == top ? (g - b) / d : g == top ? 2 + (b - r) / d : 4 + (r - g) / d);
    r = fromHue(top, d, 5, hue);
    g = fromHue(top, d, 3, hue);
    b = fromHue(top, d, 1, hue);
  }
  store<f32>(at, <f32> r);
  store<f32>(at, <f32> g, 4);
  store<f32>(at, <f32> b, 8);
}

// The formulas stand in shaders/augment_images.wgsl. block: bytes of images `from` to `from + images - 1` of
// `total`; an id of another block leaves y alone, one that no block has gives NaN.
export function augment_images(p: usize, first: i32, last: i32, _scratch: usize): void {
  const block = pointer(p, 0), ids = pointer(p, 1), rows = pointer(p, 2), y = pointer(p, 3);
  const from = u32Param(p, 4), images = u32Param(p, 5), total = u32Param(p, 6);
  const words = u32Param(p, 7);
  const h = u32Param(p, 8), w = u32Param(p, 9), height = i32Param(p, 10), width = i32Param(p, 11);
  const rowStride = u32Param(p, 12), columnStride = u32Param(p, 13), channel = u32Param(p, 14);
  const color = u32Param(p, 15) != 0, reflect = u32Param(p, 16) != 0;
  const perChannel = u32Param(p, 17) != 0;
  const pixels = h * w;
  for (let image = <u32> first; image < <u32> last; image++) {
    const id = load<u32>(ids + (image << 2)), to = y + image * pixels * 12, end = to + pixels * 12;
    if (id >= total) {
      for (let at = to; at < end; at += 4) store<f32>(at, f32.NaN);
      continue;
    }
    // An id below `from` wraps around to a large number.
    if (id - from >= images) continue;
    const bytes = block + <usize>(((id - from) * words) << 2);
    const row = rows + ((image * ROW) << 2);
    const top = <i32> load<f32>(row), left = <i32> load<f32>(row, 4);
    const flip = load<f32>(row, 8) != 0;
    const saturation = <f64> load<f32>(row, 12), turns = <f64> load<f32>(row, 16);
    const brightness = <f64> load<f32>(row, 20), contrast = <f64> load<f32>(row, 24);

    // Values are stored as f32 relative to the gray of the first pixel, rounded, so that what a flat image varies
    // by keeps its digits, also where little saturation is left.
    let level: i32 = -1;
    let sumR: f64 = 0, sumG: f64 = 0, sumB: f64 = 0, squares: f64 = 0;
    let at = to;
    for (let i: i32 = 0; i < <i32> h; i++) {
      const inRow = top + i >= 0 && top + i < height;
      const line = bytes + (reflect ? mirrored(top + i, height) : top + i) * rowStride;
      for (let j: i32 = 0; j < <i32> w; j++, at += 12) {
        const x = left + (flip ? <i32> w - 1 - j : j);
        let r: i32 = 0, g: i32 = 0, b: i32 = 0;
        if (reflect || (inRow && x >= 0 && x < width)) {
          const pixel = line + (reflect ? mirrored(x, width) : x) * columnStride;
          r = load<u8>(pixel);
          g = load<u8>(pixel + channel);
          b = load<u8>(pixel + 2 * channel);
        }
        if (level < 0) level = (299 * r + 587 * g + 114 * b + 500) / 1000;
        store<f32>(at, <f32>(r - level));
        store<f32>(at, <f32>(g - level), 4);
        store<f32>(at, <f32>(b - level), 8);
        if (color) colored(at, saturation, turns, -<f64> level);
        const vr: f64 = load<f32>(at), vg: f64 = load<f32>(at, 4), vb: f64 = load<f32>(at, 8);
        sumR += vr;
        sumG += vg;
        sumB += vb;
        squares += vr * vr + vg * vg + vb * vb;
      }
    }

    const n = <f64> pixels;
    const meanR = sumR / n, meanG = sumG / n, meanB = sumB / n;
    let factorR: f64, factorG: f64, factorB: f64, offsetR: f64, offsetG: f64, offsetB: f64;
    if (perChannel) {
      const shift = <f64> level + brightness;
      factorR = contrast / <f64> f32Param(p, 21);
      factorG = contrast / <f64> f32Param(p, 22);
      factorB = contrast / <f64> f32Param(p, 23);
      offsetR = (meanR + shift - <f64> f32Param(p, 18)) / <f64> f32Param(p, 21);
      offsetG = (meanG + shift - <f64> f32Param(p, 19)) / <f64> f32Param(p, 22);
      offsetB = (meanB + shift - <f64> f32Param(p, 20)) / <f64> f32Param(p, 23);
    } else {
      const mean = (meanR + meanG + meanB) / 3;
      const r = meanR - mean, g = meanG - mean, b = meanB - mean;
      const means = meanR * meanR + meanG * meanG + meanB * meanB;
      // Never below 0, though the difference may be by rounding.
      const within = max(squares / n - means, 0) / 3;
      const variance = contrast * contrast * within + (r * r + g * g + b * b) / 3;
      const scale = 1 / max(sqrt(variance), 1 / sqrt(3 * n));
      factorR = factorG = factorB = contrast * scale;
      offsetR = r * scale;
      offsetG = g * scale;
      offsetB = b * scale;
    }
    for (at = to; at < end; at += 12) {
      store<f32>(at, <f32>((<f64> load<f32>(at) - meanR) * factorR + offsetR));
      store<f32>(at, <f32>((<f64> load<f32>(at, 4) - meanG) * factorG + offsetG), 4);
      store<f32>(at, <f32>((<f64> load<f32>(at, 8) - meanB) * factorB + offsetB), 8);
    }

    const cutTop = <i32> load<f32>(row, 28), cutLeft = <i32> load<f32>(row, 32);
    const size = <i32> load<f32>(row, 36);
    const left0 = max(cutLeft, 0), count = min(cutLeft + size, <i32> w) - left0;
    if (count <= 0) continue;
    for (let i = max(cutTop, 0); i < min(cutTop + size, <i32> h); i++) {
      memory.fill(to + (<u32> i * w + <u32> left0) * 12, 0, <u32> count * 12);
    }
  }
}

// Takes the mean image off where its crop lies inside of it and nothing is cut out; the formulas stand in
// shaders/subtract_mean_image.wgsl.
export function subtract_mean_image(p: usize, first: i32, last: i32, _scratch: usize): void {
  const x = pointer(p, 0), rows = pointer(p, 1), mean = pointer(p, 2), y = pointer(p, 3);
  const h = i32Param(p, 5), w = i32Param(p, 6);
  const height = i32Param(p, 7), width = i32Param(p, 8), reflect = u32Param(p, 9) != 0;
  for (let image = first; image < last; image++) {
    const row = rows + ((<u32> image * ROW) << 2);
    const top = <i32> load<f32>(row), left = <i32> load<f32>(row, 4);
    const flip = load<f32>(row, 8) != 0;
    const cutTop = <i32> load<f32>(row, 28), cutLeft = <i32> load<f32>(row, 32);
    const size = <i32> load<f32>(row, 36);
    let at: usize = <usize> (image * h * w * 12);
    for (let i: i32 = 0; i < h; i++) {
      const line = reflect ? mirrored(top + i, height) : top + i;
      for (let j: i32 = 0; j < w; j++, at += 12) {
        const across = left + (flip ? w - 1 - j : j);
        const place = reflect ? mirrored(across, width) : across;
        const isCut = i >= cutTop && i < cutTop + size && j >= cutLeft && j < cutLeft + size;
        const outside = line < 0 || line >= height || place < 0 || place >= width;
        if (isCut || outside) {
          memory.copy(y + at, x + at, 12);
          continue;
        }
        const from = mean + <usize> ((line * width + place) * 12);
        store<f32>(y + at, load<f32>(x + at) - load<f32>(from));
        store<f32>(y + at, load<f32>(x + at, 4) - load<f32>(from, 4), 4);
        store<f32>(y + at, load<f32>(x + at, 8) - load<f32>(from, 8), 8);
      }
    }
  }
}

// y = share own + (1 - share) partner for `count` floats.
// @ts-ignore: decorator
@inline
function blend(own: usize, partner: usize, y: usize, count: u32, share: f32): void {
  const whole = count & ~3, shares = f32x4.splat(share), rests = f32x4.splat(1 - share);
  let at: u32 = 0;
  for (; at < whole << 2; at += 16) {
    const mine = f32x4.mul(shares, v128.load(own + at));
    v128.store(y + at, f32x4.add(mine, f32x4.mul(rests, v128.load(partner + at))));
  }
  for (; at < count << 2; at += 4) {
    store<f32>(y + at, share * load<f32>(own + at) + (1 - share) * load<f32>(partner + at));
  }
}

// A whole number as an f32, as a place between 0 and size.
// @ts-ignore: decorator
@inline
function place(at: usize, size: u32): u32 {
  return <u32> min(max(load<f32>(at), 0), <f32> size);
}

// Image i of x: [N, h, w, c] with its partner N - 1 - i, whose pixels fill the box of `mix`.
export function mix_images(p: usize, first: i32, last: i32, _scratch: usize): void {
  const x = pointer(p, 0), mix = pointer(p, 1), y = pointer(p, 2);
  const batch = u32Param(p, 3), h = u32Param(p, 4), w = u32Param(p, 5), c = u32Param(p, 6);
  const share = load<f32>(mix);
  const top = place(mix + 4, h), left = place(mix + 8, w);
  const bottom = place(mix + 12, h), right = place(mix + 16, w);
  const length = h * w * c, line = w * c;
  for (let image = <u32> first; image < <u32> last; image++) {
    const own = x + ((image * length) << 2), partner = x + (((batch - 1 - image) * length) << 2);
    const to = y + ((image * length) << 2);
    blend(own, partner, to, length, share);
    if (left >= right) continue;
    for (let i = top; i < bottom; i++) {
      const at = <usize>((i * line + left * c) << 2);
      memory.copy(to + at, partner + at, ((right - left) * c) << 2);
    }
  }
}
