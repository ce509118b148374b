// Images of any size to one size: scaled until the shorter side fits, and the middle taken.

/** An image in memory: interleaved 8-bit RGB, [height, width, 3]. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Names the rule below; a change of what it yields is a change of this name. */
export const RESIZE_RULE = "triangle-fill-1";

const CHANNELS = 3;
/** Weights are whole numbers of 2^-22, so that 255 times their sum stays within 32 bits. */
const WEIGHT_BITS = 22;
const ROUND = 1 << (WEIGHT_BITS - 1);

/**
 * The central part of the image that has the target's proportions, scaled to the target. Each pixel
 * is the mean of those around its place, weighted by a triangle as wide as two of its own steps, so
 * that nothing is skipped when an image shrinks (what PIL calls BILINEAR, and torchvision
 * antialiased). Columns first, then rows, with whole numbers: the same on every machine. An image of
 * the target's size is returned as it is.
 */
export function resizeImage(image: RgbImage, width: number, height: number): RgbImage {
  if (image.width === width && image.height === height) return image;
  const scale = Math.min(image.width / width, image.height / height);
  const columns = taps(image.width, scale, width);
  const rows = taps(image.height, scale, height);
  const narrow = resizeColumns(image, columns, rows);
  return { width, height, data: resizeRows(narrow, columns.count, rows) };
}

/** The source pixels of each target pixel along one side, and their weights. */
interface Taps {
  readonly count: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** [count, stride] */
  readonly weights: Int32Array;
  readonly stride: number;
}

/** @param scale source pixels a target pixel; the `count * scale` in the middle are used */
function taps(length: number, scale: number, count: number): Taps {
  const first = (length - count * scale) / 2;
  const reach = Math.max(scale, 1);
  const stride = Math.ceil(reach) * 2 + 1;
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  const weights = new Int32Array(count * stride);
  for (let i = 0; i < count; i++) {
    const center = first + (i + 0.5) * scale;
    starts[i] = Math.max(0, Math.trunc(center - reach + 0.5));
    ends[i] = Math.min(length, Math.trunc(center + reach + 0.5));
    const shares = Float64Array.from(
      { length: ends[i] - starts[i] },
      (_, tap) => Math.max(0, 1 - Math.abs(starts[i] + tap + 0.5 - center) / reach),
    );
    const sum = shares.reduce((total, share) => total + share, 0);
    shares.forEach((share, tap) => {
      weights[i * stride + tap] = Math.round(share / sum * 2 ** WEIGHT_BITS);
    });
  }
  return { count, starts, ends, weights, stride };
}

/** Only the rows that `rows` will ask for; the others stay 0. */
function resizeColumns(
  image: RgbImage,
  { count, starts, ends, weights, stride }: Taps,
  rows: Taps,
): { firstRow: number; data: Uint8Array } {
  const firstRow = rows.starts[0];
  const lastRow = rows.ends[rows.count - 1];
  const source = image.data;
  const data = new Uint8Array((lastRow - firstRow) * count * CHANNELS);
  for (let y = firstRow, to = 0; y < lastRow; y++) {
    const rowStart = y * image.width * CHANNELS;
    for (let x = 0; x < count; x++, to += CHANNELS) {
      let red = ROUND, green = ROUND, blue = ROUND;
      let from = rowStart + starts[x] * CHANNELS;
      const last = x * stride + ends[x] - starts[x];
      for (let tap = x * stride; tap < last; tap++, from += CHANNELS) {
        red += source[from] * weights[tap];
        green += source[from + 1] * weights[tap];
        blue += source[from + 2] * weights[tap];
      }
      data[to] = toByte(red);
      data[to + 1] = toByte(green);
      data[to + 2] = toByte(blue);
    }
  }
  return { firstRow, data };
}

function resizeRows(
  { firstRow, data: source }: { firstRow: number; data: Uint8Array },
  width: number,
  { count, starts, ends, weights, stride }: Taps,
): Uint8Array {
  const rowBytes = width * CHANNELS;
  const data = new Uint8Array(count * rowBytes);
  for (let y = 0, to = 0; y < count; y++) {
    const last = y * stride + ends[y] - starts[y];
    for (let x = 0; x < rowBytes; x++, to++) {
      let sum = ROUND;
      let from = (starts[y] - firstRow) * rowBytes + x;
      for (let tap = y * stride; tap < last; tap++, from += rowBytes) {
        sum += source[from] * weights[tap];
      }
      data[to] = toByte(sum);
    }
  }
  return data;
}

/** Rounding of the weights may carry a sum just past 255. */
function toByte(sum: number): number {
  return Math.min(255, sum >> WEIGHT_BITS);
}

/** The same image as planes, [3, height, width]: all red bytes, all green, all blue. */
export function toPlanes({ width, height, data }: RgbImage): Uint8Array<ArrayBuffer> {
  const pixels = width * height;
  const planes = new Uint8Array(pixels * CHANNELS);
  for (let pixel = 0, from = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < CHANNELS; c++) planes[c * pixels + pixel] = data[from++];
  }
  return planes;
}
