/** Numbers that are the same in all programs; `pytorch_numbers.py` makes them in Python. */

export const CLASSES = 10;

/** Standard normal numbers, redrawn beyond `limit`: Box-Muller on hashes of (stream, counter). */
export function normals(
  stream: number,
  count: number,
  limit = Infinity,
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let n = 0, counter = 0; n < count; counter++) {
    const radius = Math.sqrt(-2 * Math.log(uniform(2 * stream, counter)));
    const z = radius * Math.cos(2 * Math.PI * uniform(2 * stream + 1, counter));
    if (Math.abs(z) <= limit) values[n++] = z;
  }
  return values;
}

/** A number in (0, 1): the hash "lowbias32" of a counter below 2^22. */
function uniform(stream: number, counter: number): number {
  let x = stream * 2 ** 22 + counter;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  x ^= x >>> 16;
  return ((x >>> 0) + 0.5) / 2 ** 32;
}

/** NHWC images like standardized ones, and their labels. */
export function batchOf(
  size: number,
  [height, width, channels]: readonly number[],
): { images: Float32Array<ArrayBuffer>; labels: Int32Array } {
  return {
    images: normals(0, size * height * width * channels),
    labels: Int32Array.from({ length: size }, (_, n) => (3 * n) % CLASSES),
  };
}

/** One-hot rows of labels, of which a share is spread over all classes. */
export function oneHot(labels: Int32Array, smoothing = 0): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(labels.length * CLASSES).fill(smoothing / CLASSES);
  labels.forEach((label, n) => rows[n * CLASSES + label] += 1 - smoothing);
  return rows;
}
