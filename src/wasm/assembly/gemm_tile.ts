/**
 * The inner loop of every matrix product and convolution: 6 rows by 8 columns in registers.
 *
 * c[r][0..7] = init[r][0..7] + sum over k of a(r, k) * b[k][0..7],  r = 0..5
 *
 * V8 compiles v128 to AVX instructions on 16 registers and keeps one for itself: 12 sums, 2 vectors
 * of b and one spread number of a fill the other 15, so 6x8 is the largest tile that does not spill.
 * The loop over k is left rolled: Binaryen turns an unrolled one into one long chain an accumulator,
 * with the loads of all steps before it, and those spill. Rolled it runs at 97% of the peak.
 *
 * Inlined in its callers, as a call with this many arguments costs as much as ten steps of k.
 *
 * a is read in place, by one pointer a row, so nothing but b need be packed. k runs over `len` steps
 * of `step` bytes, `runs` times with `jump` bytes more after each, `blocks` times with `jump2` more.
 */

// @ts-ignore: decorator
@inline
function fma(a: v128, b: v128, c: v128): v128 {
  return f32x4.relaxed_madd(a, b, c);
}

// @ts-ignore: decorator
@inline
function gate(value: v128, relu: bool): v128 {
  // pmax(a, b) is b > a ? b : a: it keeps a NaN, as the reference does.
  return relu ? f32x4.pmax(value, f32x4.splat(0)) : value;
}

/**
 * @param a base address of a
 * @param rows six i32 byte offsets from `a`, one a row
 * @param b packed panel, [steps][8]
 * @param init first value of each row of the tile, `initStride` bytes apart (0 for a bias)
 */
// @ts-ignore: decorator
@inline
export function tile(
  a: usize,
  rows: usize,
  step: usize,
  len: i32,
  runs: i32,
  jump: usize,
  blocks: i32,
  jump2: usize,
  b: usize,
  init: usize,
  initStride: usize,
  c: usize,
  stride: usize,
  relu: bool,
): void {
  let p0 = a + <usize> load<u32>(rows);
  let p1 = a + <usize> load<u32>(rows, 4);
  let p2 = a + <usize> load<u32>(rows, 8);
  let p3 = a + <usize> load<u32>(rows, 12);
  let p4 = a + <usize> load<u32>(rows, 16);
  let p5 = a + <usize> load<u32>(rows, 20);
  let c00 = v128.load(init), c01 = v128.load(init, 16);
  init += initStride;
  let c10 = v128.load(init), c11 = v128.load(init, 16);
  init += initStride;
  let c20 = v128.load(init), c21 = v128.load(init, 16);
  init += initStride;
  let c30 = v128.load(init), c31 = v128.load(init, 16);
  init += initStride;
  let c40 = v128.load(init), c41 = v128.load(init, 16);
  init += initStride;
  let c50 = v128.load(init), c51 = v128.load(init, 16);
  const bytes = <usize> len << 5;
  do {
    let run = runs;
    do {
      const end = b + bytes;
      while (b < end) {
        const b0 = v128.load(b), b1 = v128.load(b, 16);
        let x = v128.load32_splat(p0);
        c00 = fma(x, b0, c00), c01 = fma(x, b1, c01), x = v128.load32_splat(p1);
        c10 = fma(x, b0, c10), c11 = fma(x, b1, c11), x = v128.load32_splat(p2);
        c20 = fma(x, b0, c20), c21 = fma(x, b1, c21), x = v128.load32_splat(p3);
        c30 = fma(x, b0, c30), c31 = fma(x, b1, c31), x = v128.load32_splat(p4);
        c40 = fma(x, b0, c40), c41 = fma(x, b1, c41), x = v128.load32_splat(p5);
        c50 = fma(x, b0, c50), c51 = fma(x, b1, c51);
        p0 += step, p1 += step, p2 += step, p3 += step, p4 += step, p5 += step;
        b += 32;
      }
      p0 += jump, p1 += jump, p2 += jump, p3 += jump, p4 += jump, p5 += jump;
    } while (--run);
    p0 += jump2, p1 += jump2, p2 += jump2, p3 += jump2, p4 += jump2, p5 += jump2;
  } while (--blocks);
  v128.store(c, gate(c00, relu)), v128.store(c, gate(c01, relu), 16), c += stride;
  v128.store(c, gate(c10, relu)), v128.store(c, gate(c11, relu), 16), c += stride;
  v128.store(c, gate(c20, relu)), v128.store(c, gate(c21, relu), 16), c += stride;
  v128.store(c, gate(c30, relu)), v128.store(c, gate(c31, relu), 16), c += stride;
  v128.store(c, gate(c40, relu)), v128.store(c, gate(c41, relu), 16), c += stride;
  v128.store(c, gate(c50, relu)), v128.store(c, gate(c51, relu), 16);
}
