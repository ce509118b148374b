import {
  type AffineNormalization,
  AUGMENT,
  AUGMENT_LENGTH,
  GRAY_WEIGHTS,
  MIX,
} from "./augment_row.ts";
import type { AugmentAttributes } from "./augment.ts";

/** An image in float64, [height, width, 3]. */
interface Picture {
  readonly height: number;
  readonly width: number;
  readonly values: Float64Array;
}

type Numbers = Readonly<Record<keyof typeof AUGMENT, number>>;

/** What one image is made of: where it starts in its block, and what is done to it. */
interface Source {
  /** Words of 4 bytes, little-endian. */
  readonly words: Float64Array;
  /** The image's first word. */
  readonly start: number;
  readonly numbers: Numbers;
  readonly attributes: AugmentAttributes;
}

/** The definition of `augmentImages`, stage by stage, in float64. */
export function augmentReference(
  attributes: AugmentAttributes,
  [ids, rows, ...blocks]: readonly Float64Array[],
): Float64Array {
  const { crop: [height, width], imageWords, imagesPerBlock, color, normalization } = attributes;
  const length = height * width * 3;
  const y = new Float64Array(ids.length * length);
  ids.forEach((id, i) => {
    const start = (id % imagesPerBlock) * imageWords;
    const words = blocks[Math.floor(id / imagesPerBlock)];
    if (words === undefined || start + imageWords > words.length) {
      y.fill(NaN, i * length, (i + 1) * length);
      return;
    }
    const numbers = named(rows.subarray(i * AUGMENT_LENGTH, (i + 1) * AUGMENT_LENGTH));
    let picture = flip(crop({ words, start, numbers, attributes }), numbers);
    if (color) picture = turnHue(saturate(picture, numbers.saturation), numbers.hue);
    picture = contrast(brighten(picture, numbers.brightness), numbers.contrast);
    picture = cut(normalize(picture, normalization), numbers);
    y.set(picture.values, i * length);
  });
  return y;
}

function named(row: Float64Array): Numbers {
  const entries = Object.entries(AUGMENT).map(([name, position]) => [name, row[position]]);
  return Object.fromEntries(entries);
}

/** The color of each pixel, of those of another image or of this one. */
function painted(
  { height, width }: Pick<Picture, "height" | "width">,
  color: (y: number, x: number) => readonly number[],
): Picture {
  const values = new Float64Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) values.set(color(y, x), (y * width + x) * 3);
  }
  return { height, width, values };
}

function colorOf({ width, values }: Picture, y: number, x: number): number[] {
  return [...values.subarray((y * width + x) * 3, (y * width + x + 1) * 3)];
}

function recolored(picture: Picture, change: (color: number[]) => readonly number[]): Picture {
  return painted(picture, (y, x) => change(colorOf(picture, y, x)));
}

function crop({ words, start, numbers, attributes }: Source): Picture {
  const { crop: [height, width], strides, padMode } = attributes;
  const at = (place: number, size: number) => padMode === "zero" ? place : mirrored(place, size);
  return painted({ height, width }, (i, j) => {
    const y = at(i + numbers.top, attributes.height), x = at(j + numbers.left, attributes.width);
    if (y < 0 || y >= attributes.height || x < 0 || x >= attributes.width) return [0, 0, 0];
    return [0, 1, 2].map((c) => {
      const byte = y * strides.row + x * strides.column + c * strides.channel;
      return Math.floor(words[start + Math.floor(byte / 4)] / 256 ** (byte % 4)) % 256;
    });
  });
}

function mirrored(place: number, size: number): number {
  if (size === 1) return 0;
  if (place < 0) return mirrored(-place, size);
  return place < size ? place : mirrored(2 * (size - 1) - place, size);
}

function flip(picture: Picture, numbers: Numbers): Picture {
  if (numbers.flip === 0) return picture;
  return painted(picture, (y, x) => colorOf(picture, y, picture.width - 1 - x));
}

function saturate(picture: Picture, factor: number): Picture {
  return recolored(picture, (color) => {
    const gray = color.reduce((sum, v, c) => sum + GRAY_WEIGHTS[c] * v, 0);
    return color.map((v) => Math.min(Math.max(gray + factor * (v - gray), 0), 255));
  });
}

function turnHue(picture: Picture, turns: number): Picture {
  return recolored(picture, ([r, g, b]) => {
    const top = Math.max(r, g, b), spread = top - Math.min(r, g, b);
    if (spread === 0) return [r, g, b];
    const sixths = top === r
      ? (g - b) / spread
      : top === g
      ? 2 + (b - r) / spread
      : 4 + (r - g) / spread;
    return [5, 3, 1].map((n) => {
      const k = (((n + sixths + 6 * turns) % 6) + 6) % 6;
      return top - spread * Math.min(Math.max(Math.min(k, 4 - k), 0), 1);
    });
  });
}

function brighten(picture: Picture, amount: number): Picture {
  return recolored(picture, (color) => color.map((v) => v + amount));
}

function contrast(picture: Picture, factor: number): Picture {
  const pixels = picture.height * picture.width;
  const means = [0, 1, 2].map((channel) =>
    picture.values.reduce((sum, v, i) => sum + (i % 3 === channel ? v : 0), 0) / pixels
  );
  return recolored(picture, (color) => color.map((v, c) => (v - means[c]) * factor + means[c]));
}

function normalize(picture: Picture, normalization: AffineNormalization): Picture {
  if (normalization.kind === "channel") {
    const { mean, deviation } = normalization;
    return recolored(picture, (color) => color.map((v, c) => (v - mean[c]) / deviation[c]));
  }
  const { values } = picture;
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  const deviation = Math.max(Math.sqrt(variance), 1 / Math.sqrt(values.length));
  return recolored(picture, (color) => color.map((v) => (v - mean) / deviation));
}

function cut(picture: Picture, { cutoutTop, cutoutLeft, cutoutSize }: Numbers): Picture {
  const within = (place: number, from: number) => place >= from && place < from + cutoutSize;
  return painted(
    picture,
    (y, x) => within(y, cutoutTop) && within(x, cutoutLeft) ? [0, 0, 0] : colorOf(picture, y, x),
  );
}

/** The definition of `mixImages`, in float64. */
export function mixReference(
  [batch, height, width, channels]: readonly number[],
  [x, mix]: readonly Float64Array[],
): Float64Array {
  const length = height * width * channels;
  return x.map((own, i) => {
    const image = Math.floor(i / length), pixel = Math.floor((i % length) / channels);
    const row = Math.floor(pixel / width), column = pixel % width;
    const partner = x[(batch - 1 - image) * length + (i % length)];
    const inBox = row >= mix[MIX.top] && row < mix[MIX.bottom] && column >= mix[MIX.left] &&
      column < mix[MIX.right];
    return inBox ? partner : mix[MIX.share] * own + (1 - mix[MIX.share]) * partner;
  });
}
