/**
 * The transforms of Winograd's minimal filtering F(2x2, 5x5), Lavin and Gray, "Fast algorithms for
 * convolutional neural networks", 2016: y = A' [(G w G') * (B' x B)] A for each 6x6 tile of x and 2x2
 * tile of y takes 36 products where the plain sum takes 100. Points 0, 1, -1, 2, -2 and infinity.
 * Rounding errors are some ten times those of the plain sum: 4e-6 of the largest y at 64 channels.
 */

/** Numbers of a transformed tile. */
export const POINTS: i32 = 36;

// @ts-ignore: decorator
@inline
function fma(a: v128, b: v128, c: v128): v128 {
  return f32x4.relaxed_madd(a, b, c);
}

/** B' d: six vectors at `from`, `step` bytes apart, to six at `to`, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function spreadInput(
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  d4: v128,
  d5: v128,
  to: usize,
  stride: usize,
): void {
  const four = f32x4.splat(4), five = f32x4.splat(-5), minus = f32x4.splat(-4);
  const two = f32x4.splat(2);
  v128.store(to, fma(five, d2, fma(four, d0, d4)));
  to += stride;
  const t0 = fma(minus, d2, d4), t1 = fma(minus, d1, d3);
  v128.store(to, f32x4.add(t0, t1));
  to += stride;
  v128.store(to, f32x4.sub(t0, t1));
  to += stride;
  const t2 = f32x4.sub(d4, d2), t3 = f32x4.mul(two, f32x4.sub(d3, d1));
  v128.store(to, f32x4.add(t2, t3));
  to += stride;
  v128.store(to, f32x4.sub(t2, t3));
  to += stride;
  v128.store(to, fma(five, d3, fma(four, d1, d5)));
}

/**
 * B' d B for `bytes` of channels of one tile. `table` holds the addresses of the tile's 36 pixels;
 * number p of the result is written at `to` + p * `stride`. `temporary`: 576 bytes.
 */
export function transformInput(
  table: usize,
  bytes: usize,
  to: usize,
  stride: usize,
  temporary: usize,
): void {
  for (let c: usize = 0; c < bytes; c += 16) {
    for (let j: usize = 0; j < 24; j += 4) {
      const at = table + j;
      spreadInput(
        v128.load(<usize> load<u32>(at) + c),
        v128.load(<usize> load<u32>(at, 24) + c),
        v128.load(<usize> load<u32>(at, 48) + c),
        v128.load(<usize> load<u32>(at, 72) + c),
        v128.load(<usize> load<u32>(at, 96) + c),
        v128.load(<usize> load<u32>(at, 120) + c),
        temporary + (j << 2),
        96,
      );
    }
    let out = to + c;
    for (let from = temporary; from < temporary + 576; from += 96) {
      spreadInput(
        v128.load(from),
        v128.load(from, 16),
        v128.load(from, 32),
        v128.load(from, 48),
        v128.load(from, 64),
        v128.load(from, 80),
        out,
        stride,
      );
      out += stride * 6;
    }
  }
}

/** A z: two vectors to six at `to`, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function spreadOutput(y0: v128, y1: v128, to: usize, stride: usize): void {
  const double = f32x4.add(y1, y1);
  v128.store(to, y0);
  to += stride;
  v128.store(to, f32x4.add(y0, y1));
  to += stride;
  v128.store(to, f32x4.sub(y0, y1));
  to += stride;
  v128.store(to, f32x4.add(y0, double));
  to += stride;
  v128.store(to, f32x4.sub(y0, double));
  to += stride;
  v128.store(to, y1);
}

/**
 * A dy A' of a 2x2 tile of dy, for the gradient in the filters. `table` holds the addresses of the four
 * pixels. Four channels of eight go to every 8th place: the panels of a product, `panel` bytes apart.
 */
export function transformGradient(
  table: usize,
  bytes: usize,
  to: usize,
  stride: usize,
  panel: usize,
  temporary: usize,
): void {
  const p0 = <usize> load<u32>(table), p1 = <usize> load<u32>(table, 4);
  const p2 = <usize> load<u32>(table, 8), p3 = <usize> load<u32>(table, 12);
  for (let c: usize = 0; c < bytes; c += 16) {
    spreadOutput(v128.load(p0 + c), v128.load(p2 + c), temporary, 32);
    spreadOutput(v128.load(p1 + c), v128.load(p3 + c), temporary + 16, 32);
    let out = to + (c >> 5) * panel + (c & 16);
    for (let from = temporary; from < temporary + 192; from += 32) {
      spreadOutput(v128.load(from), v128.load(from, 16), out, stride);
      out += stride * 6;
    }
  }
}

/** The rows of A' m: the first of the two sums. */
// @ts-ignore: decorator
@inline
export function gatherEven(m0: v128, m1: v128, m2: v128, m3: v128, m4: v128): v128 {
  return f32x4.add(f32x4.add(m0, f32x4.add(m1, m2)), f32x4.add(m3, m4));
}

/** The second. */
// @ts-ignore: decorator
@inline
export function gatherOdd(m1: v128, m2: v128, m3: v128, m4: v128, m5: v128): v128 {
  return f32x4.add(fma(f32x4.splat(2), f32x4.sub(m3, m4), f32x4.sub(m1, m2)), m5);
}

/**
 * A' m A for four channels: number p of m at `from` + p * `stride`; the 2x2 pixels go to `temporary`.
 */
export function gatherOutput(from: usize, stride: usize, temporary: usize): void {
  let at = temporary;
  for (let j = 0; j < 6; j++) {
    const row = stride * 6;
    const m0 = v128.load(from);
    let next = from + row;
    const m1 = v128.load(next);
    next += row;
    const m2 = v128.load(next);
    next += row;
    const m3 = v128.load(next);
    next += row;
    const m4 = v128.load(next);
    next += row;
    const m5 = v128.load(next);
    v128.store(at, gatherEven(m0, m1, m2, m3, m4));
    v128.store(at, gatherOdd(m1, m2, m3, m4, m5), 96);
    at += 16;
    from += stride;
  }
  for (let i: usize = 0; i < 2; i++) {
    const t = temporary + i * 96;
    const m0 = v128.load(t), m1 = v128.load(t, 16), m2 = v128.load(t, 32);
    const m3 = v128.load(t, 48), m4 = v128.load(t, 64), m5 = v128.load(t, 80);
    const out = temporary + i * 32;
    // Row 1 is read after row 0's result overwrote row 0 only.
    v128.store(out, gatherEven(m0, m1, m2, m3, m4));
    v128.store(out, gatherOdd(m1, m2, m3, m4, m5), 16);
  }
}
