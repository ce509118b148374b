import { i32Param, pointer } from "./block";

// @ts-ignore: decorator
@inline
function scaled(x: v128, by: f32): v128 {
  return f32x4.mul(x, f32x4.splat(by));
}

// @ts-ignore: decorator
@inline
function sum3(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.add(a, b), c);
}

/** G g: five vectors `step` bytes apart to eight `stride` bytes apart. */
function spreadFilter(from: usize, step: usize, to: usize, stride: usize): void {
  const g0 = v128.load(from), g1 = v128.load(from + step), g2 = v128.load(from + 2 * step);
  const g3 = v128.load(from + 3 * step), g4 = v128.load(from + 4 * step);
  v128.store(to, g0);
  to += stride;
  let even = scaled(sum3(g0, g2, g4), -2.0 / 9.0), odd = scaled(f32x4.add(g1, g3), -2.0 / 9.0);
  v128.store(to, f32x4.add(even, odd));
  v128.store(to + stride, f32x4.sub(even, odd));
  to += 2 * stride;
  even = sum3(scaled(g0, 1.0 / 90.0), scaled(g2, 4.0 / 90.0), scaled(g4, 16.0 / 90.0));
  odd = f32x4.add(scaled(g1, 2.0 / 90.0), scaled(g3, 8.0 / 90.0));
  v128.store(to, f32x4.add(even, odd));
  v128.store(to + stride, f32x4.sub(even, odd));
  to += 2 * stride;
  even = sum3(scaled(g0, 32.0 / 45.0), scaled(g2, 8.0 / 45.0), scaled(g4, 2.0 / 45.0));
  odd = f32x4.add(scaled(g1, 16.0 / 45.0), scaled(g3, 4.0 / 45.0));
  v128.store(to, f32x4.add(even, odd));
  v128.store(to + stride, f32x4.sub(even, odd));
  v128.store(to + 2 * stride, g4);
}

/** G' u: eight vectors to five. */
function gatherFilter(from: usize, step: usize, to: usize, stride: usize): void {
  const u0 = v128.load(from), u7 = v128.load(from + 7 * step);
  const u1 = v128.load(from + step), u2 = v128.load(from + 2 * step);
  const u3 = v128.load(from + 3 * step), u4 = v128.load(from + 4 * step);
  const u5 = v128.load(from + 5 * step), u6 = v128.load(from + 6 * step);
  const s1 = scaled(f32x4.add(u1, u2), -2.0 / 9.0), d1 = scaled(f32x4.sub(u1, u2), -2.0 / 9.0);
  const s2 = scaled(f32x4.add(u3, u4), 1.0 / 90.0), d2 = scaled(f32x4.sub(u3, u4), 1.0 / 90.0);
  const s3 = scaled(f32x4.add(u5, u6), 2.0 / 45.0), d3 = scaled(f32x4.sub(u5, u6), 2.0 / 45.0);
  v128.store(to, f32x4.add(u0, sum3(s1, s2, scaled(s3, 16))));
  v128.store(to + stride, sum3(d1, scaled(d2, 2), scaled(d3, 8)));
  v128.store(to + 2 * stride, sum3(s1, scaled(s2, 4), scaled(s3, 4)));
  v128.store(to + 3 * stride, sum3(d1, scaled(d2, 8), scaled(d3, 2)));
  v128.store(to + 4 * stride, f32x4.add(u7, sum3(s1, scaled(s2, 16), s3)));
}

/**
 * Transforms filters w [5, 5, C, O] to G w G': [64][panels of O][C][8], zeros beyond O. `flip` takes w
 * as [5, 5, O, C] turned by half a circle: its gradient in x. A unit is a panel.
 */
export function winograd_filters(p: usize, first: i32, last: i32, scratch: usize): void {
  const w = pointer(p, 0), u = pointer(p, 1);
  const c = i32Param(p, 2), o = i32Param(p, 3), flip = i32Param(p, 4) != 0;
  const panels = (o + 7) >> 3;
  const stride = <usize> (panels * c) << 5;
  const down: usize = flip ? 4 : <usize> o << 2, across: usize = flip ? <usize> c << 2 : 4;
  const middle = scratch + 25 * 32;
  for (let panel = first; panel < last; panel++) {
    const columns = min(8, o - (panel << 3));
    for (let i = 0; i < c; i++) {
      for (let tap = 0; tap < 25; tap++) {
        const from = w + (<usize> ((flip ? 24 - tap : tap) * c * o) << 2) + <usize> i * down +
          <usize> (panel << 3) * across;
        const to = scratch + (<usize> tap << 5);
        if (columns == 8 && !flip) {
          v128.store(to, v128.load(from));
          v128.store(to, v128.load(from, 16), 16);
          continue;
        }
        for (let j: usize = 0; j < 8; j++) {
          store<f32>(to + (j << 2), <i32> j < columns ? load<f32>(from + j * across) : 0);
        }
      }
      const out = u + (<usize> (panel * c + i) << 5);
      for (let half: usize = 0; half < 32; half += 16) {
        // Down the columns, [5][5] to [8][5], then along the rows, to [8][8].
        for (let j: usize = 0; j < 160; j += 32) {
          spreadFilter(scratch + j + half, 160, middle + j + half, 160);
        }
        for (let k: usize = 0; k < 8; k++) {
          spreadFilter(middle + k * 160 + half, 32, out + k * 8 * stride + half, stride);
        }
      }
    }
  }
}

/**
 * dw [5, 5, C, O] = G' u G, u the sum of the parts of winograd_grad_weight, in their order.
 * A unit is two channels of C, whose sums share lines of the cache. C and O are multiples of 4.
 */
export function winograd_grad_weight_sum(p: usize, first: i32, last: i32, scratch: usize): void {
  const partial = pointer(p, 0), dw = pointer(p, 1);
  const parts = i32Param(p, 2), c = i32Param(p, 3), o = i32Param(p, 4);
  const panels = (o + 7) >> 3;
  const stride = <usize> (panels * ((c + 5) / 6)) * 192;
  const middle = scratch + 64 * 16, small = middle + 40 * 16;
  for (let unit = first; unit < last; unit++) {
    for (let column = 0; column < o; column += 4) {
      for (let channel = 2 * unit; channel < 2 * unit + 2; channel++) {
        const from = partial + <usize> ((column >> 3) * ((c + 5) / 6)) * 192 +
          (<usize> channel << 5) + (<usize> (column & 4) << 2);
        for (let point: usize = 0; point < 64; point++) {
          let at = from + point * stride;
          let sum = v128.load(at);
          for (let i = 1; i < parts; i++) {
            at += 64 * stride;
            sum = f32x4.add(sum, v128.load(at));
          }
          v128.store(scratch + (point << 4), sum);
        }
        // Down the columns, [8][8] to [5][8], then along the rows, to [5][5].
        for (let j: usize = 0; j < 128; j += 16) gatherFilter(scratch + j, 128, middle + j, 128);
        for (let k: usize = 0; k < 5; k++) gatherFilter(middle + k * 128, 16, small + k * 80, 16);
        let to = dw + (<usize> (channel * o + column) << 2);
        for (let tap: usize = 0; tap < 25; tap++) {
          v128.store(to, v128.load(small + (tap << 4)));
          to += <usize> (c * o) << 2;
        }
      }
    }
  }
}
