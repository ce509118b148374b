// Counter-based random numbers: every number is a pure function of (seed, stream, a, b, position).

/**
 * One stream per use, so that no two uses ever share numbers. `a` and `b` of a stream are:
 * initializer: a = index of the parameter; shuffle and queue: a = epoch; augment: a = epoch, b = image
 * index; dropout: a = step, b = layer; mix: a = batch; split: a = label.
 */
export const STREAMS = {
  initializer: 1,
  shuffle: 2,
  augment: 3,
  dropout: 4,
  synthetic: 5,
  test: 6,
  queue: 7,
  mix: 8,
  split: 9,
  flip: 10,
} as const;

const ROTATIONS_EVEN = new Uint8Array([10, 11, 13, 23, 6, 17, 25, 18]);
const ROTATIONS_ODD = new Uint8Array([26, 21, 27, 5, 20, 11, 10, 20]);
const KEY_PARITY = 0x1bd11bda;
const ROUNDS = 20;
const TWO_POW_32 = 2 ** 32;
const TWO_POW_MINUS_24 = 2 ** -24;

/** Five key words: the four of the key and their parity word. */
type ExtendedKey = Uint32Array;

/**
 * Threefry-4x32 with 20 rounds: maps a counter of four u32 words to four random u32 words.
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11.
 *
 * @param key four u32 words
 * @param counter four u32 words
 * @param out receives four u32 words; may be the same array as `counter`
 */
export function threefry4x32(key: Uint32Array, counter: Uint32Array, out: Uint32Array): void {
  encrypt(extendKey(key), counter[0], counter[1], counter[2], counter[3], out);
}

function extendKey(key: Uint32Array): ExtendedKey {
  return Uint32Array.of(
    key[0],
    key[1],
    key[2],
    key[3],
    KEY_PARITY ^ key[0] ^ key[1] ^ key[2] ^ key[3],
  );
}

function encrypt(
  key: ExtendedKey,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  out: Uint32Array,
): void {
  let x0 = (c0 + key[0]) | 0;
  let x1 = (c1 + key[1]) | 0;
  let x2 = (c2 + key[2]) | 0;
  let x3 = (c3 + key[3]) | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const even = ROTATIONS_EVEN[round & 7];
    const odd = ROTATIONS_ODD[round & 7];
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << even) | (x1 >>> (32 - even))) ^ x0;
    x2 = (x2 + x3) | 0;
    x3 = ((x3 << odd) | (x3 >>> (32 - odd))) ^ x2;
    // Odd rounds mix (0, 3) and (2, 1): words 1 and 3 trade places after each round.
    const swapped = x1;
    x1 = x3;
    x3 = swapped;
    if ((round & 3) === 3) {
      const injection = (round + 1) >> 2;
      x0 = (x0 + key[injection % 5]) | 0;
      x1 = (x1 + key[(injection + 1) % 5]) | 0;
      x2 = (x2 + key[(injection + 2) % 5]) | 0;
      x3 = (x3 + key[(injection + 3) % 5] + injection) | 0;
    }
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/**
 * Successive random numbers of one stream: key = (seed low, seed high, stream, 0), counter =
 * (a, b, block, 0), four words a block. Allocates nothing after construction; `seek` it to where
 * numbers are wanted.
 *
 * ```ts
 * import { RandomStream, STREAMS } from "./random.ts";
 * const random = new RandomStream(7, STREAMS.augment).seek(0, 123);
 * const offset = random.uniformInt(9);
 * ```
 */
export class RandomStream {
  readonly #key: ExtendedKey;
  readonly #words = new Uint32Array(4);
  #a = 0;
  #b = 0;
  #block = 0;
  #next = 4;
  #spareNormal = NaN;

  /**
   * @param seed integer, 0 to 2^53 - 1
   * @param stream one of `STREAMS`, or any other u32
   * @throws {RangeError} if either is not such an integer
   */
  constructor(seed: number, stream: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(
        `Cannot seed random numbers as the seed must be an integer from 0 to 2^53 - 1: current value is ${seed}`,
      );
    }
    if (stream >>> 0 !== stream) {
      throw new RangeError(
        `Cannot open a random stream as its number must be a u32: current value is ${stream}`,
      );
    }
    const high = Math.floor(seed / TWO_POW_32);
    this.#key = extendKey(Uint32Array.of(seed >>> 0, high, stream, 0));
  }

  /** Restarts at position 0 of (a, b), both u32, and returns this stream. */
  seek(a: number, b = 0): this {
    this.#a = a;
    this.#b = b;
    this.#block = 0;
    this.#next = 4;
    this.#spareNormal = NaN;
    return this;
  }

  /** The next 32 random bits, as an unsigned integer. */
  uint32(): number {
    if (this.#next === 4) {
      encrypt(this.#key, this.#a, this.#b, this.#block++, 0, this.#words);
      this.#next = 0;
    }
    return this.#words[this.#next++];
  }

  /** Uniform in [0, 1), a multiple of 2^-24 (the upper 24 bits of a word): exact in float32. */
  uniform(): number {
    return (this.uint32() >>> 8) * TWO_POW_MINUS_24;
  }

  /** Uniform integer in [0, n), unbiased (words above the last multiple of n are redrawn); 1 <= n <= 2^32. */
  uniformInt(n: number): number {
    const limit = TWO_POW_32 - (TWO_POW_32 % n);
    let word = this.uint32();
    while (word >= limit) word = this.uint32();
    return word % n;
  }

  /** Standard normal, by Box and Muller from pairs of uniforms, |z| <= 5.77. */
  normal(): number {
    const spare = this.#spareNormal;
    if (spare === spare) {
      this.#spareNormal = NaN;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Standard normal, redrawn while beyond two standard deviations: its own deviation is 0.87963. */
  truncatedNormal(): number {
    let value = this.normal();
    while (value > 2 || value < -2) value = this.normal();
    return value;
  }

  /**
   * Gamma distributed, scale 1: mean and variance are `shape`, above 0. Source: Marsaglia and Tsang, "A
   * simple method for generating gamma variables", ACM TOMS 26, 2000, with its boost for shapes below 1.
   *
   * @throws {RangeError} if the shape is not above 0
   */
  gamma(shape: number): number {
    if (!(shape > 0 && shape < Infinity)) {
      throw new RangeError(
        `Cannot draw a gamma variable as its shape must be above 0: current value is ${shape}`,
      );
    }
    if (shape < 1) return this.gamma(shape + 1) * (1 - this.uniform()) ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      const u = this.uniform();
      // The first test spares most draws the logarithms of the second.
      if (u < 1 - 0.0331 * x ** 4) return d * v;
      if (Math.log(u) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v;
    }
  }

  /** Beta distributed, 0 to 1: x / (x + y) of two gamma variables of shapes `a` and `b`. */
  beta(a: number, b: number): number {
    const x = this.gamma(a);
    const y = this.gamma(b);
    if (x + y > 0) return x / (x + y);
    // Shapes so small that both vanish in float64: what is left of the distribution is its two ends.
    return this.uniform() < a / (a + b) ? 1 : 0;
  }
}

/**
 * A random order of 0 .. n - 1 (Fisher and Yates), a pure function of its arguments.
 *
 * @param n how many, at most 2^32 - 1
 * @param seed integer, 0 to 2^53 - 1
 * @param stream one of `STREAMS`
 * @param epoch u32
 */
export function permutation(n: number, seed: number, stream: number, epoch: number): Uint32Array {
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  const random = new RandomStream(seed, stream).seek(epoch);
  for (let i = n - 1; i > 0; i--) {
    const j = random.uniformInt(i + 1);
    const swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
  return order;
}
