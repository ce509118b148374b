import { i32Param, pointer } from "./block";
import { TILE } from "./conv_winograd";

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

/** G g of F(4, 3): three vectors `step` bytes apart to six `stride` bytes apart. */
function spreadFilter3(from: usize, step: usize, to: usize, stride: usize): void {
  const g0 = v128.load(from), g1 = v128.load(from + step), g2 = v128.load(from + 2 * step);
  v128.store(to, scaled(g0, 64.0 / 81.0));
  to += stride;
  const square = scaled(g2, 72.0 / 243.0);
  let even = f32x4.sub(scaled(g0, -128.0 / 243.0), square), odd = scaled(g1, -96.0 / 243.0);
  v128.store(to, f32x4.add(even, odd));
  v128.store(to + stride, f32x4.sub(even, odd));
  to += 2 * stride;
  even = f32x4.add(scaled(g0, 32.0 / 243.0), square), odd = scaled(g1, 48.0 / 243.0);
  v128.store(to, f32x4.add(even, odd));
  v128.store(to + stride, f32x4.sub(even, odd));
  v128.store(to + 2 * stride, g2);
}

/** G g of F(4, 5): five vectors to eight. */
function spreadFilter5(from: usize, step: usize, to: usize, stride: usize): void {
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

/** G' u of F(4, 3): six vectors to three. */
function gatherFilter3(from: usize, step: usize, to: usize, stride: usize): void {
  const u0 = v128.load(from), u1 = v128.load(from + step), u2 = v128.load(from + 2 * step);
  const u3 = v128.load(from + 3 * step), u4 = v128.load(from + 4 * step);
  const u5 = v128.load(from + 5 * step);
  const s1 = f32x4.add(u1, u2), d1 = f32x4.sub(u1, u2);
  const s2 = f32x4.add(u3, u4), d2 = f32x4.sub(u3, u4);
  v128.store(
    to,
    sum3(scaled(u0, 64.0 / 81.0), scaled(s1, -128.0 / 243.0), scaled(s2, 32.0 / 243.0)),
  );
  v128.store(to + stride, f32x4.add(scaled(d1, -96.0 / 243.0), scaled(d2, 48.0 / 243.0)));
  v128.store(to + 2 * stride, f32x4.add(u5, scaled(f32x4.sub(s2, s1), 72.0 / 243.0)));
}

/** G' u of F(4, 5): eight vectors to five. */
function gatherFilter5(from: usize, step: usize, to: usize, stride: usize): void {
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

function spreadFilter(taps: i32, from: usize, step: usize, to: usize, stride: usize): void {
  if (taps == 3) spreadFilter3(from, step, to, stride);
  else spreadFilter5(from, step, to, stride);
}

function gatherFilter(taps: i32, from: usize, step: usize, to: usize, stride: usize): void {
  if (taps == 3) gatherFilter3(from, step, to, stride);
  else gatherFilter5(from, step, to, stride);
}

/**
 * Transforms filters w [taps, taps, C, O], taps 3 or 5, to G w G': [36 or 64][panels of O][C][8],
 * zeros beyond O. `flip` takes w as [taps, taps, O, C] turned by half a circle: its gradient in x.
 * A unit is a panel.
 */
export function winograd_filters(p: usize, first: i32, last: i32, scratch: usize): void {
  const w = pointer(p, 0), u = pointer(p, 1);
  const taps = i32Param(p, 2), c = i32Param(p, 3), o = i32Param(p, 4);
  const flip = i32Param(p, 5) != 0;
  const panels = (o + 7) >> 3, all = taps * taps;
  const side = <usize> (TILE + taps - 1), row = <usize> taps << 5;
  const stride = <usize> (panels * c) << 5;
  const down: usize = flip ? 4 : <usize> o << 2, across: usize = flip ? <usize> c << 2 : 4;
  const middle = scratch + (<usize> all << 5);
  for (let panel = first; panel < last; panel++) {
    const columns = min(8, o - (panel << 3));
    for (let i = 0; i < c; i++) {
      for (let tap = 0; tap < all; tap++) {
        const from = w + (<usize> ((flip ? all - 1 - tap : tap) * c * o) << 2) +
          <usize> i * down + <usize> (panel << 3) * across;
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
        // Down the columns, [taps][taps] to [side][taps], then along the rows, to [side][side].
        for (let j: usize = 0; j < row; j += 32) {
          spreadFilter(taps, scratch + j + half, row, middle + j + half, row);
        }
        for (let k: usize = 0; k < side; k++) {
          spreadFilter(taps, middle + k * row + half, 32, out + k * side * stride + half, stride);
        }
      }
    }
  }
}

/**
 * dw [taps, taps, C, O] = G' u G, u the sum of the parts of winograd_grad_weight, in their order.
 * A unit is two channels of C, whose sums share lines of the cache. C and O are multiples of 4.
 */
export function winograd_grad_weight_sum(p: usize, first: i32, last: i32, scratch: usize): void {
  const partial = pointer(p, 0), dw = pointer(p, 1);
  const taps = i32Param(p, 2), parts = i32Param(p, 3), c = i32Param(p, 4), o = i32Param(p, 5);
  const channels = i32Param(p, 6), groupPanels = i32Param(p, 7);
  const panels = (o + 7) >> 3, groups = (panels + groupPanels - 1) / groupPanels;
  const side = <usize> (TILE + taps - 1), points = side * side, line = side << 4;
  const panelSums = <usize> ((channels + 5) / 6 * 192);
  const stride = <usize> groupPanels * panelSums, unitSums = points * stride;
  const partSums = <usize> ((c + channels - 1) / channels * groups) * unitSums;
  const middle = scratch + points * 16, small = middle + <usize> taps * line;
  for (let unit = first; unit < last; unit++) {
    for (let column = 0; column < o; column += 4) {
      for (let channel = 2 * unit; channel < 2 * unit + 2; channel++) {
        const panel = column >> 3;
        const from = partial +
          <usize> (channel / channels * groups + panel / groupPanels) * unitSums +
          <usize> (panel % groupPanels) * panelSums +
          (<usize> (channel % channels) << 5) + (<usize> (column & 4) << 2);
        for (let point: usize = 0; point < points; point++) {
          let at = from + point * stride;
          let sum = v128.load(at);
          for (let i = 1; i < parts; i++) {
            at += partSums;
            sum = f32x4.add(sum, v128.load(at));
          }
          v128.store(scratch + (point << 4), sum);
        }
        // Down the columns, [side][side] to [taps][side], then along the rows, to [taps][taps].
        for (let j: usize = 0; j < line; j += 16) {
          gatherFilter(taps, scratch + j, line, middle + j, line);
        }
        const row = <usize> taps << 4;
        for (let k: usize = 0; k < <usize> taps; k++) {
          gatherFilter(taps, middle + k * line, 16, small + k * row, 16);
        }
        let to = dw + (<usize> (channel * o + column) << 2);
        for (let tap: usize = 0; tap < <usize> (taps * taps); tap++) {
          v128.store(to, v128.load(small + (tap << 4)));
          to += <usize> (c * o) << 2;
        }
      }
    }
  }
}
