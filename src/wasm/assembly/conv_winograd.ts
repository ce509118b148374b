/**
 * The transforms of Winograd's minimal filtering F(4x4, 3x3) and F(4x4, 5x5), Lavin and Gray, "Fast
 * algorithms for convolutional neural networks", 2016: y = A' [(G w G') * (B' x B)] A for each 4x4
 * tile of y and the tile of x that it needs, of `side` 6 or 8 rows and columns, takes 36 or 64
 * products where the plain sum takes 144 or 400. The tiles of y are the same, and so A nearly is.
 *
 * 5x5: points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity; its B' is the known one of F(6x6, 3x3).
 * 3x3: points 0, 3/4, -3/4, 3/2, -3/2 and infinity. With the usual 1 and 2 rounding errors are four
 * times as large; 3/4 times these leaves A's differences, and its squares are as exact.
 */

/** Rows and columns of a tile of y. */
export const TILE: i32 = 4;

/** Bytes of a transform's first pass. */
export const PASS_BYTES: usize = 1024;

// @ts-ignore: decorator
@inline
function scaled(by: f32, x: v128): v128 {
  return f32x4.mul(f32x4.splat(by), x);
}

// @ts-ignore: decorator
@inline
function fma(by: f32, b: v128, c: v128): v128 {
  return f32x4.relaxed_madd(f32x4.splat(by), b, c);
}

/** Stores even + odd and even - odd: the transforms at points p and -p. */
// @ts-ignore: decorator
@inline
function storePair(to: usize, stride: usize, even: v128, odd: v128): void {
  v128.store(to, f32x4.add(even, odd));
  v128.store(to + stride, f32x4.sub(even, odd));
}

/** B' d of F(4, 3): six vectors to six at `to`, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function spreadInput6(
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  d4: v128,
  d5: v128,
  to: usize,
  stride: usize,
): void {
  v128.store(to, fma(81.0 / 64.0, d0, fma(-45.0 / 16.0, d2, d4)));
  to += stride;
  let even = fma(-9.0 / 4.0, d2, d4), odd = fma(-9.0 / 4.0, d1, d3);
  v128.store(to, fma(3.0 / 4.0, odd, even));
  to += stride;
  v128.store(to, fma(-3.0 / 4.0, odd, even));
  to += stride;
  even = fma(-9.0 / 16.0, d2, d4), odd = fma(-9.0 / 16.0, d1, d3);
  v128.store(to, fma(3.0 / 2.0, odd, even));
  to += stride;
  v128.store(to, fma(-3.0 / 2.0, odd, even));
  to += stride;
  v128.store(to, fma(81.0 / 64.0, d1, fma(-45.0 / 16.0, d3, d5)));
}

/** B' d of F(4, 5): eight vectors to eight at `to`, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function spreadInput8(
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  d4: v128,
  d5: v128,
  d6: v128,
  d7: v128,
  to: usize,
  stride: usize,
): void {
  v128.store(to, fma(5.25, f32x4.sub(d4, d2), f32x4.sub(d0, d6)));
  to += stride;
  storePair(to, stride, fma(-4.25, d4, f32x4.add(d2, d6)), fma(-4.25, d3, f32x4.add(d1, d5)));
  to += stride << 1;
  const middle = fma(-2.5, d3, f32x4.splat(0));
  storePair(to, stride, fma(-1.25, d4, fma(0.25, d2, d6)), fma(2, d5, fma(0.5, d1, middle)));
  to += stride << 1;
  storePair(to, stride, fma(-5, d4, fma(4, d2, d6)), fma(0.5, d5, fma(2, d1, middle)));
  to += stride << 1;
  v128.store(to, fma(5.25, f32x4.sub(d3, d5), f32x4.sub(d7, d1)));
}

/** A pixel's channels from byte `c` on, its address at `table`. */
// @ts-ignore: decorator
@inline
function pixel(table: usize, c: usize): v128 {
  return v128.load(<usize> load<u32>(table) + c);
}

/**
 * B' d B for `bytes` of channels of one tile. `table` holds the addresses of the tile's pixels; number p
 * of the result is written at `to` + p * `stride`.
 */
export function transformInput(
  side: usize,
  table: usize,
  bytes: usize,
  to: usize,
  stride: usize,
  pass: usize,
): void {
  const line = side << 4, end = pass + side * line;
  for (let c: usize = 0; c < bytes; c += 16) {
    for (let j: usize = 0; j < side; j++) {
      const at = table + (j << 2), down = pass + (j << 4);
      if (side == 6) {
        spreadInput6(
          pixel(at, c),
          pixel(at + 24, c),
          pixel(at + 48, c),
          pixel(at + 72, c),
          pixel(at + 96, c),
          pixel(at + 120, c),
          down,
          96,
        );
      } else {
        spreadInput8(
          pixel(at, c),
          pixel(at + 32, c),
          pixel(at + 64, c),
          pixel(at + 96, c),
          pixel(at + 128, c),
          pixel(at + 160, c),
          pixel(at + 192, c),
          pixel(at + 224, c),
          down,
          128,
        );
      }
    }
    let out = to + c;
    for (let from = pass; from < end; from += line) {
      const d0 = v128.load(from), d1 = v128.load(from, 16), d2 = v128.load(from, 32);
      const d3 = v128.load(from, 48), d4 = v128.load(from, 64), d5 = v128.load(from, 80);
      if (side == 6) spreadInput6(d0, d1, d2, d3, d4, d5, out, stride);
      else {
        const d6 = v128.load(from, 96), d7 = v128.load(from, 112);
        spreadInput8(d0, d1, d2, d3, d4, d5, d6, d7, out, stride);
      }
      out += stride * side;
    }
  }
}

/** A z: four vectors to `side` at `to`, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function spreadOutput(
  side: usize,
  y0: v128,
  y1: v128,
  y2: v128,
  y3: v128,
  to: usize,
  stride: usize,
): void {
  v128.store(to, y0);
  to += stride;
  const last = y3;
  if (side == 6) {
    y1 = scaled(3.0 / 4.0, y1), y2 = scaled(9.0 / 16.0, y2), y3 = scaled(27.0 / 64.0, y3);
  }
  storePair(to, stride, f32x4.add(y0, y2), f32x4.add(y1, y3));
  to += stride << 1;
  storePair(to, stride, fma(4, y2, y0), fma(8, y3, f32x4.add(y1, y1)));
  to += stride << 1;
  if (side == 8) {
    storePair(to, stride, fma(0.25, y2, y0), fma(0.125, y3, fma(0.5, y1, f32x4.splat(0))));
    to += stride << 1;
  }
  v128.store(to, last);
}

/**
 * A dy A' of a tile of dy, for the gradient in the filters. `table` holds the addresses of the 16
 * pixels. Eight channels of a point stand together: the panels of a product, `panel` bytes apart.
 */
export function transformGradient(
  side: usize,
  table: usize,
  bytes: usize,
  to: usize,
  stride: usize,
  panel: usize,
  pass: usize,
): void {
  for (let c: usize = 0; c < bytes; c += 16) {
    for (let j: usize = 0; j < 16; j += 4) {
      const at = table + j, down = pass + (j << 2);
      spreadOutput(
        side,
        pixel(at, c),
        pixel(at + 16, c),
        pixel(at + 32, c),
        pixel(at + 48, c),
        down,
        64,
      );
    }
    let out = to + (c >> 5) * panel + (c & 16);
    for (let from = pass; from < pass + (side << 6); from += 64) {
      const y0 = v128.load(from), y1 = v128.load(from, 16);
      const y2 = v128.load(from, 32), y3 = v128.load(from, 48);
      spreadOutput(side, y0, y1, y2, y3, out, stride);
      out += stride * side;
    }
  }
}

/** A' m: `side` vectors `step` bytes apart to four at `to`, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
export function gatherOutput(
  side: usize,
  from: usize,
  step: usize,
  to: usize,
  stride: usize,
): void {
  const m0 = v128.load(from);
  from += step;
  const m1 = v128.load(from);
  from += step;
  const m2 = v128.load(from);
  from += step;
  const m3 = v128.load(from);
  from += step;
  const m4 = v128.load(from);
  from += step;
  const m5 = v128.load(from);
  const s1 = f32x4.add(m1, m2), s2 = f32x4.add(m3, m4);
  const d1 = f32x4.sub(m1, m2), d2 = f32x4.sub(m3, m4);
  let y0 = f32x4.add(f32x4.add(m0, s1), s2);
  let y1 = fma(2, d2, d1), y2 = fma(4, s2, s1), y3 = fma(8, d2, d1);
  if (side == 6) {
    y1 = scaled(3.0 / 4.0, y1);
    y2 = scaled(9.0 / 16.0, y2);
    y3 = fma(27.0 / 64.0, y3, m5);
  } else {
    from += step;
    const m6 = v128.load(from);
    from += step;
    const s3 = f32x4.add(m5, m6), d3 = f32x4.sub(m5, m6);
    y0 = f32x4.add(y0, s3);
    y1 = fma(0.5, d3, y1);
    y2 = fma(0.25, s3, y2);
    y3 = f32x4.add(fma(0.125, d3, y3), v128.load(from));
  }
  v128.store(to, y0);
  to += stride;
  v128.store(to, y1);
  to += stride;
  v128.store(to, y2);
  to += stride;
  v128.store(to, y3);
}
