// The augmentation once more, in float64, stage by stage from its definitions on lists of numbers; it
// shares nothing with the code but the positions of the numbers.

import { AUGMENT, type MeanImage, MIX } from "../../../src/ops/augment_row.ts";
import type { AffineNormalization, AugmentSpec } from "../../../src/data/augment/spec.ts";
import type { ImageFormat } from "../../../src/data/image_store.ts";

/** [H][W][3] */
export type Picture = readonly (readonly (readonly number[])[])[];

/** What an augmenter must make of an image, [H, W, 3]. */
export function oracleImage(
  spec: AugmentSpec,
  format: ImageFormat,
  pixels: Uint8Array,
  row: Float32Array,
): number[] {
  const top = row[AUGMENT.top] + spec.pad;
  const left = row[AUGMENT.left] + spec.pad;
  const padded = pad(decode(pixels, format), spec.pad, spec.padMode);
  let picture: Picture = padded.slice(top, top + spec.crop[0])
    .map((line) => line.slice(left, left + spec.crop[1]));
  if (row[AUGMENT.flip] === 1) picture = picture.map((line) => line.toReversed());
  picture = eachPixel(picture, (pixel) => saturate(pixel, row[AUGMENT.saturation]));
  picture = eachPixel(picture, (pixel) => turnHue(pixel, row[AUGMENT.hue]));
  picture = eachPixel(picture, (pixel) => pixel.map((x) => x + row[AUGMENT.brightness]));
  picture = contrast(picture, row[AUGMENT.contrast]);
  picture = spec.normalization.kind === "pixel"
    ? lessMean(picture, oracleMean(spec, spec.normalization, row))
    : normalize(picture, spec.normalization);
  return cutout(picture, row).flat(2);
}

/** What mixing must make of a batch of images, each a list of H * W * 3 values. */
export function oracleMix(images: readonly number[][], mix: Float32Array, width: number) {
  const share = mix[MIX.share];
  return images.map((image, i) => {
    const partner = images[images.length - 1 - i];
    return image.map((value, k) => {
      const x = Math.floor(k / 3) % width;
      const y = Math.floor(k / 3 / width);
      const within = y >= mix[MIX.top] && y < mix[MIX.bottom] &&
        x >= mix[MIX.left] && x < mix[MIX.right];
      return within ? partner[k] : share * value + (1 - share) * partner[k];
    });
  });
}

/** The mean image as the row crops and mirrors it; 0 in the zero padding. */
function oracleMean(
  spec: AugmentSpec,
  { height, width, mean }: MeanImage,
  row: Float32Array,
): Picture {
  const view = new DataView(Uint8Array.fromBase64(mean).buffer);
  const whole = range(height).map((y) =>
    range(width).map((x) =>
      range(3).map((c) => view.getFloat32(((y * width + x) * 3 + c) * 4, true))
    )
  );
  const top = row[AUGMENT.top] + spec.pad;
  const left = row[AUGMENT.left] + spec.pad;
  const cut = pad(whole, spec.pad, spec.padMode).slice(top, top + spec.crop[0])
    .map((line) => line.slice(left, left + spec.crop[1]));
  return row[AUGMENT.flip] === 1 ? cut.map((line) => line.toReversed()) : cut;
}

function lessMean(picture: Picture, mean: Picture): Picture {
  return picture.map((line, y) => line.map((pixel, x) => pixel.map((v, c) => v - mean[y][x][c])));
}

function decode(pixels: Uint8Array, { height, width, channels, order }: ImageFormat): Picture {
  return range(height).map((y) =>
    range(width).map((x) =>
      range(3).map((c) => {
        if (channels === 1) return pixels[y * width + x];
        if (order === "CHW") return pixels[c * height * width + y * width + x];
        return pixels[(y * width + x) * 3 + c];
      })
    )
  );
}

function pad(picture: Picture, by: number, mode: AugmentSpec["padMode"]): Picture {
  const black = picture[0].map(() => [0, 0, 0]);
  const lines = mode === "zero"
    ? [...Array(by).fill(black), ...picture, ...Array(by).fill(black)]
    : mirrored(picture, by);
  return lines.map((line) =>
    mode === "zero"
      ? [...Array(by).fill([0, 0, 0]), ...line, ...Array(by).fill([0, 0, 0])]
      : mirrored(line, by)
  );
}

/** a b c d, mirrored by 2: c b a b c d c b. */
function mirrored<T>(items: readonly T[], by: number): T[] {
  const before = items.slice(1, 1 + by).toReversed();
  const after = items.toReversed().slice(1, 1 + by);
  return [...before, ...items, ...after];
}

function saturate(pixel: readonly number[], factor: number): number[] {
  const gray = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
  return pixel.map((x) => Math.min(255, Math.max(0, gray + factor * (x - gray))));
}

/** To hue, saturation and value, and back by the sector of the circle that the hue lies in. */
function turnHue([red, green, blue]: readonly number[], turns: number): number[] {
  const value = Math.max(red, green, blue);
  const range = value - Math.min(red, green, blue);
  if (range === 0) return [red, green, blue];
  const [r, g, b] = [red, green, blue].map((x) => (value - x) / range);
  let hue = red === value ? b - g : green === value ? 2 + r - b : 4 + g - r;
  hue = (hue / 6 + turns + 10) % 1;
  const sector = Math.floor(hue * 6);
  const part = hue * 6 - sector;
  const low = value - range;
  const falling = value - range * part;
  const rising = value - range * (1 - part);
  return [
    [value, rising, low],
    [falling, value, low],
    [low, value, rising],
    [low, falling, value],
    [rising, low, value],
    [value, low, falling],
  ][sector % 6];
}

function contrast(picture: Picture, factor: number): Picture {
  const means = range(3).map((c) => mean(picture.flat().map((pixel) => pixel[c])));
  return eachPixel(picture, (pixel) => pixel.map((x, c) => (x - means[c]) * factor + means[c]));
}

function normalize(picture: Picture, normalization: AffineNormalization): Picture {
  if (normalization.kind === "channel") {
    const { mean, deviation } = normalization;
    return eachPixel(picture, (pixel) => pixel.map((x, c) => (x - mean[c]) / deviation[c]));
  }
  const values = picture.flat(2);
  const center = mean(values);
  const deviation = Math.sqrt(mean(values.map((x) => (x - center) ** 2)));
  const divisor = Math.max(deviation, 1 / Math.sqrt(values.length));
  return eachPixel(picture, (pixel) => pixel.map((x) => (x - center) / divisor));
}

function cutout(picture: Picture, row: Float32Array): Picture {
  const [top, left, size] = [
    row[AUGMENT.cutoutTop],
    row[AUGMENT.cutoutLeft],
    row[AUGMENT.cutoutSize],
  ];
  const within = (position: number, first: number) => position >= first && position < first + size;
  return picture.map((line, y) =>
    line.map((pixel, x) => within(y, top) && within(x, left) ? [0, 0, 0] : pixel)
  );
}

function eachPixel(picture: Picture, change: (pixel: readonly number[]) => readonly number[]) {
  return picture.map((line) => line.map(change));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
