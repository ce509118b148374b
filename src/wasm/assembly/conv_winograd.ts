/**
 * The transforms of Winograd's minimal filtering F(4x4, 5x5), Lavin and Gray, "Fast algorithms for
 * convolutional neural networks", 2016: y = A' [(G w G') * (B' x B)] A for each 8x8 tile of x and 4x4
 * tile of y takes 64 products where the plain sum takes 400. Points 0, 1, -1, 2, -2, 1/2, -1/2 and
 * infinity, whose B' is the known one of F(6x6, 3x3). Rounding errors are some twenty times those of
 * the plain sum: 6e-6 of the largest y at 64 channels.
 */

/** Rows and columns of a transformed tile, of a tile of y, and numbers of the first. */
export const SIDE: i32 = 8;
export const TILE: i32 = 4;
export const POINTS: usize = 64;

/** Bytes of a transform's first pass. */
export const PASS_BYTES: usize = 1024;

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

/** B' d: eight vectors at `from`.., to eight at `to`, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function spreadInput(
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

/**
 * B' d B for `bytes` of channels of one tile. `table` holds the addresses of the tile's 64 pixels;
 * number p of the result is written at `to` + p * `stride`.
 */
export function transformInput(
  table: usize,
  bytes: usize,
  to: usize,
  stride: usize,
  pass: usize,
): void {
  for (let c: usize = 0; c < bytes; c += 16) {
    for (let j: usize = 0; j < 32; j += 4) {
      const at = table + j;
      spreadInput(
        v128.load(<usize> load<u32>(at) + c),
        v128.load(<usize> load<u32>(at, 32) + c),
        v128.load(<usize> load<u32>(at, 64) + c),
        v128.load(<usize> load<u32>(at, 96) + c),
        v128.load(<usize> load<u32>(at, 128) + c),
        v128.load(<usize> load<u32>(at, 160) + c),
        v128.load(<usize> load<u32>(at, 192) + c),
        v128.load(<usize> load<u32>(at, 224) + c),
        pass + (j << 2),
        128,
      );
    }
    let out = to + c;
    for (let from = pass; from < pass + PASS_BYTES; from += 128) {
      spreadInput(
        v128.load(from),
        v128.load(from, 16),
        v128.load(from, 32),
        v128.load(from, 48),
        v128.load(from, 64),
        v128.load(from, 80),
        v128.load(from, 96),
        v128.load(from, 112),
        out,
        stride,
      );
      out += stride << 3;
    }
  }
}

/** A z: four vectors to eight at `to`, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function spreadOutput(y0: v128, y1: v128, y2: v128, y3: v128, to: usize, stride: usize): void {
  v128.store(to, y0);
  to += stride;
  storePair(to, stride, f32x4.add(y0, y2), f32x4.add(y1, y3));
  to += stride << 1;
  storePair(to, stride, fma(4, y2, y0), fma(8, y3, f32x4.add(y1, y1)));
  to += stride << 1;
  storePair(to, stride, fma(0.25, y2, y0), fma(0.125, y3, fma(0.5, y1, f32x4.splat(0))));
  to += stride << 1;
  v128.store(to, y3);
}

/**
 * A dy A' of a tile of dy, for the gradient in the filters. `table` holds the addresses of the 16
 * pixels. Eight channels of a point stand together: the panels of a product, `panel` bytes apart.
 */
export function transformGradient(
  table: usize,
  bytes: usize,
  to: usize,
  stride: usize,
  panel: usize,
  pass: usize,
): void {
  for (let c: usize = 0; c < bytes; c += 16) {
    for (let j: usize = 0; j < 16; j += 4) {
      const at = table + j;
      spreadOutput(
        v128.load(<usize> load<u32>(at) + c),
        v128.load(<usize> load<u32>(at, 16) + c),
        v128.load(<usize> load<u32>(at, 32) + c),
        v128.load(<usize> load<u32>(at, 48) + c),
        pass + (j << 2),
        64,
      );
    }
    let out = to + (c >> 5) * panel + (c & 16);
    for (let from = pass; from < pass + 512; from += 64) {
      spreadOutput(
        v128.load(from),
        v128.load(from, 16),
        v128.load(from, 32),
        v128.load(from, 48),
        out,
        stride,
      );
      out += stride << 3;
    }
  }
}

/** A' m: eight vectors `step` bytes apart to four at `to`, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
export function gatherOutput(from: usize, step: usize, to: usize, stride: usize): void {
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
  from += step;
  const m6 = v128.load(from);
  from += step;
  const m7 = v128.load(from);
  const s1 = f32x4.add(m1, m2), s2 = f32x4.add(m3, m4), s3 = f32x4.add(m5, m6);
  const d1 = f32x4.sub(m1, m2), d2 = f32x4.sub(m3, m4), d3 = f32x4.sub(m5, m6);
  v128.store(to, f32x4.add(f32x4.add(m0, s1), f32x4.add(s2, s3)));
  to += stride;
  v128.store(to, fma(0.5, d3, fma(2, d2, d1)));
  to += stride;
  v128.store(to, fma(0.25, s3, fma(4, s2, s1)));
  to += stride;
  v128.store(to, fma(0.125, d3, fma(8, d2, f32x4.add(d1, m7))));
}
