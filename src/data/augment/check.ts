// Whether a recipe fits the images that it is given.

import { ConfigError } from "../../util/errors.ts";
import type { ImageFormat } from "../image_store.ts";
import type { AugmentSpec } from "./spec.ts";

/**
 * Refuses a recipe that the images do not allow, or whose numbers are out of their ranges.
 *
 * @throws {ConfigError} that names the flag to change
 */
export function checkAugment(spec: AugmentSpec, format: ImageFormat): void {
  checkNumbers(spec);
  checkCrop(spec, format);
  checkMean(spec, format);
  checkReflection(spec, format);
  checkCutout(spec);
}

const RANGES = {
  pad: { max: Infinity, whole: true },
  saturation: { max: 1, whole: false },
  hue: { max: 0.5, whole: false },
  brightness: { max: 255, whole: false },
  contrast: { max: 1, whole: false },
  cutout: { max: Infinity, whole: true },
  mixup: { max: Infinity, whole: false },
  cutmix: { max: Infinity, whole: false },
} as const;

function checkNumbers(spec: AugmentSpec): void {
  for (const name of Object.keys(RANGES) as (keyof typeof RANGES)[]) {
    const { max, whole } = RANGES[name];
    const value = spec[name];
    if (value >= 0 && value <= max && value < Infinity && (!whole || Number.isInteger(value))) {
      continue;
    }
    const kind = whole ? "a whole number" : "a number";
    const range = max === Infinity ? "of at least 0" : `from 0 to ${max}`;
    throw new ConfigError(`--${name} must be ${kind} ${range}: found ${value}`, {
      hint: `--${name} 0 turns it off`,
    });
  }
  if (spec.normalization.kind === "channel") checkDeviation(spec.normalization.deviation);
}

function checkDeviation(deviation: readonly number[]): void {
  if (deviation.every((value) => value > 0 && value < Infinity)) return;
  throw new ConfigError(
    "Cannot normalize channels as each deviation must be above 0: expected three positive numbers, " +
      `found ${deviation.join(", ")}`,
    { hint: "a channel that is the same everywhere has none; normalize by image instead" },
  );
}

function checkCrop({ crop: [height, width], pad }: AugmentSpec, format: ImageFormat): void {
  if (height < 1 || width < 1 || !Number.isInteger(height) || !Number.isInteger(width)) {
    throw new ConfigError(
      `--image-size must be a whole number of at least 1: found ${pixels(height, width)}`,
    );
  }
  const [paddedHeight, paddedWidth] = [format.height + 2 * pad, format.width + 2 * pad];
  if (height <= paddedHeight && width <= paddedWidth) return;
  const missing = Math.max(height - format.height, width - format.width);
  const largest = Math.min(paddedHeight, paddedWidth);
  throw new ConfigError(
    `Cannot crop ${pixels(height, width)} out of images of ${
      pixels(format.height, format.width)
    } ` +
      `padded by ${pad}: expected a crop of at most ${pixels(paddedHeight, paddedWidth)}, ` +
      `found ${pixels(height, width)}`,
    { hint: `give --pad ${Math.ceil(missing / 2)}, or an --image-size of at most ${largest}` },
  );
}

function checkMean({ normalization }: AugmentSpec, { height, width }: ImageFormat): void {
  if (normalization.kind !== "pixel") return;
  if (normalization.height === height && normalization.width === width) return;
  throw new ConfigError(
    `Cannot take the mean image of ${
      pixels(normalization.height, normalization.width)
    } off images ` +
      `of ${pixels(height, width)}: expected images of the size that was trained on`,
    { hint: "use images of that size, or train with --normalize image" },
  );
}

function checkReflection({ pad, padMode }: AugmentSpec, { height, width }: ImageFormat): void {
  const most = Math.min(height, width) - 1;
  if (padMode !== "reflect" || pad <= most) return;
  throw new ConfigError(
    `Cannot mirror ${pad} pixels at the edges of images of ${
      pixels(height, width)
    } as an image is ` +
      `mirrored once: expected a padding of at most ${most}, found ${pad}`,
    { hint: `give --pad ${most} or less, or --pad-mode zero` },
  );
}

function checkCutout({ crop: [height, width], cutout }: AugmentSpec): void {
  const most = Math.min(height, width);
  if (cutout <= most) return;
  throw new ConfigError(
    `Cannot cut squares of ${cutout} pixels out of crops of ${pixels(height, width)}: expected a ` +
      `side of at most ${most}, found ${cutout}`,
    { hint: `give --cutout ${most} or less, or a larger --image-size` },
  );
}

function pixels(height: number, width: number): string {
  return `${height}x${width}`;
}
