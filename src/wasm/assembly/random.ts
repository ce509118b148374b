// Counter-based random numbers and what is made of them. A unit is a block of BLOCK elements.
import { BLOCK, f32Param, pointer, storePart, u32Param } from "./block";

// @ts-ignore: decorator
@inline
function rotate(v: v128, by: i32): v128 {
  return v128.or(i32x4.shl(v, by), i32x4.shr_u(v, 32 - by));
}

// @ts-ignore: decorator
@inline
function spread(word: u32): v128 {
  return i32x4.splat(<i32> word);
}

/**
 * Threefry-4x32 with 20 rounds for four neighboring blocks at once, one a lane: the twin of threefry4x32 of
 * src/util/random.ts, bit for bit. Key (k0, k1, k2, 0), counters (a, b, block + lane, 0). Writes 16 words to `to`,
 * block by block. Words 1 and 3 trade places after each round, which here is only their names.
 */
// @ts-ignore: decorator
@inline
function threefry(k0: u32, k1: u32, k2: u32, a: u32, b: u32, block: u32, to: usize): void {
  const k4 = 0x1bd11bda ^ k0 ^ k1 ^ k2;
  let x0 = spread(a + k0), x1 = spread(b + k1), x3 = spread(0);
  let x2 = i32x4.add(spread(block + k2), i32x4(0, 1, 2, 3));
  x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 10), x0);
  x2 = i32x4.add(x2, x3), x3 = v128.xor(rotate(x3, 26), x2);
  x0 = i32x4.add(x0, x3), x3 = v128.xor(rotate(x3, 11), x0);
  x2 = i32x4.add(x2, x1), x1 = v128.xor(rotate(x1, 21), x2);
  x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 13), x0);
  x2 = i32x4.add(x2, x3), x3 = v128.xor(rotate(x3, 27), x2);
  x0 = i32x4.add(x0, x3), x3 = v128.xor(rotate(x3, 23), x0);
  x2 = i32x4.add(x2, x1), x1 = v128.xor(rotate(x1, 5), x2);
  x0 = i32x4.add(x0, spread(k1)), x1 = i32x4.add(x1, spread(k2));
  x3 = i32x4.add(x3, spread(k4 + 1));
  x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 6), x0);
  x2 = i32x4.add(x2, x3), x3 = v128.xor(rotate(x3, 20), x2);
  x0 = i32x4.add(x0, x3), x3 = v128.xor(rotate(x3, 17), x0);
  x2 = i32x4.add(x2, x1), x1 = v128.xor(rotate(x1, 11), x2);
  x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 25), x0);
  x2 = i32x4.add(x2, x3), x3 = v128.xor(rotate(x3, 10), x2);
  x0 = i32x4.add(x0, x3), x3 = v128.xor(rotate(x3, 18), x0);
  x2 = i32x4.add(x2, x1), x1 = v128.xor(rotate(x1, 20), x2);
  x0 = i32x4.add(x0, spread(k2)), x2 = i32x4.add(x2, spread(k4));
  x3 = i32x4.add(x3, spread(k0 + 2));
  x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 10), x0);
  x2 = i32x4.add(x2, x3), x3 = v128.xor(rotate(x3, 26), x2);
  x0 = i32x4.add(x0, x3), x3 = v128.xor(rotate(x3, 11), x0);
  x2 = i32x4.add(x2, x1), x1 = v128.xor(rotate(x1, 21), x2);
  x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 13), x0);
  x2 = i32x4.add(x2, x3), x3 = v128.xor(rotate(x3, 27), x2);
  x0 = i32x4.add(x0, x3), x3 = v128.xor(rotate(x3, 23), x0);
  x2 = i32x4.add(x2, x1), x1 = v128.xor(rotate(x1, 5), x2);
  x1 = i32x4.add(x1, spread(k4)), x2 = i32x4.add(x2, spread(k0));
  x3 = i32x4.add(x3, spread(k1 + 3));
  x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 6), x0);
  x2 = i32x4.add(x2, x3), x3 = v128.xor(rotate(x3, 20), x2);
  x0 = i32x4.add(x0, x3), x3 = v128.xor(rotate(x3, 17), x0);
  x2 = i32x4.add(x2, x1), x1 = v128.xor(rotate(x1, 11), x2);
  x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 25), x0);
  x2 = i32x4.add(x2, x3), x3 = v128.xor(rotate(x3, 10), x2);
  x0 = i32x4.add(x0, x3), x3 = v128.xor(rotate(x3, 18), x0);
  x2 = i32x4.add(x2, x1), x1 = v128.xor(rotate(x1, 20), x2);
  x0 = i32x4.add(x0, spread(k4)), x1 = i32x4.add(x1, spread(k0));
  x2 = i32x4.add(x2, spread(k1)), x3 = i32x4.add(x3, spread(k2 + 4));
  x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 10), x0);
  x2 = i32x4.add(x2, x3), x3 = v128.xor(rotate(x3, 26), x2);
  x0 = i32x4.add(x0, x3), x3 = v128.xor(rotate(x3, 11), x0);
  x2 = i32x4.add(x2, x1), x1 = v128.xor(rotate(x1, 21), x2);
  x0 = i32x4.add(x0, x1), x1 = v128.xor(rotate(x1, 13), x0);
  x2 = i32x4.add(x2, x3), x3 = v128.xor(rotate(x3, 27), x2);
  x0 = i32x4.add(x0, x3), x3 = v128.xor(rotate(x3, 23), x0);
  x2 = i32x4.add(x2, x1), x1 = v128.xor(rotate(x1, 5), x2);
  x0 = i32x4.add(x0, spread(k0)), x1 = i32x4.add(x1, spread(k1));
  x2 = i32x4.add(x2, spread(k2)), x3 = i32x4.add(x3, spread(5));
  const low = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5), high = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
  const low2 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5), high2 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i32>(low, low2, 0, 1, 4, 5));
  v128.store(to, v128.shuffle<i32>(low, low2, 2, 3, 6, 7), 16);
  v128.store(to, v128.shuffle<i32>(high, high2, 0, 1, 4, 5), 32);
  v128.store(to, v128.shuffle<i32>(high, high2, 2, 3, 6, 7), 48);
}

// y[i] = word i of the stream at (counter[0], layer).
export function random_bits(p: usize, first: i32, last: i32, scratch: usize): void {
  const step = u32Param(pointer(p, 0), 0), y = pointer(p, 1);
  const end = min<u32>(<u32> last * BLOCK, u32Param(p, 2));
  const low = u32Param(p, 3), high = u32Param(p, 4), stream = u32Param(p, 5), layer = u32Param(p, 6);
  for (let i = <u32> first * BLOCK; i < end; i += 16) {
    threefry(low, high, stream, step, layer, i >> 2, scratch);
    const stop = min<u32>(16, end - i);
    for (let k: u32 = 0; k < stop; k += 4) {
      storePart(y + ((i + k) << 2), v128.load(scratch + (k << 2)), stop - k);
    }
  }
}

// y[i] = scale x[i] where the upper 24 bits of word i are at least `threshold`, else 0.
export function dropout(p: usize, first: i32, last: i32, scratch: usize): void {
  const x = pointer(p, 0), step = u32Param(pointer(p, 1), 0), y = pointer(p, 2);
  const end = min<u32>(<u32> last * BLOCK, u32Param(p, 3));
  const low = u32Param(p, 4), high = u32Param(p, 5), stream = u32Param(p, 6), layer = u32Param(p, 7);
  const threshold = spread(u32Param(p, 8)), scale = f32x4.splat(f32Param(p, 9));
  for (let i = <u32> first * BLOCK; i < end; i += 16) {
    threefry(low, high, stream, step, layer, i >> 2, scratch);
    const stop = min<u32>(16, end - i);
    for (let k: u32 = 0; k < stop; k += 4) {
      const stays = i32x4.ge_s(i32x4.shr_u(v128.load(scratch + (k << 2)), 8), threshold);
      const v = v128.and(f32x4.mul(v128.load(x + ((i + k) << 2)), scale), stays);
      storePart(y + ((i + k) << 2), v, stop - k);
    }
  }
}
