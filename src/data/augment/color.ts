// Saturation and hue of [H, W, 3] images of 0 to 255, in place.

import { GRAY_WEIGHTS } from "../../ops/augment_row.ts";
import { CHANNELS } from "./crop.ts";

const [RED_WEIGHT, GREEN_WEIGHT, BLUE_WEIGHT] = GRAY_WEIGHTS;
/** Sectors of the color circle: from red over yellow, green, cyan, blue and magenta back to red. */
const SECTORS = 6;

/** Scales each pixel's distance from its own gray value: gray + factor (x - gray), kept in 0 to 255. */
export function adjustSaturation(image: Float64Array, factor: number): void {
  for (let i = 0; i < image.length; i += CHANNELS) {
    const red = image[i];
    const green = image[i + 1];
    const blue = image[i + 2];
    const gray = RED_WEIGHT * red + GREEN_WEIGHT * green + BLUE_WEIGHT * blue;
    image[i] = clampByte(gray + factor * (red - gray));
    image[i + 1] = clampByte(gray + factor * (green - gray));
    image[i + 2] = clampByte(gray + factor * (blue - gray));
  }
}

/**
 * Turns the hue of each pixel, leaving the value (largest channel) and saturation of the HSV model as
 * they are: channel n of (red 5, green 3, blue 1) is max - delta clamp(min(k, 4 - k), 0, 1) with
 * k = (n + 6 hue) mod 6 and delta = max - min. Source: A. R. Smith, "Color gamut transform pairs", 1978.
 *
 * @param turns 1 is once around the circle
 */
export function rotateHue(image: Float64Array, turns: number): void {
  const shift = SECTORS * turns;
  for (let i = 0; i < image.length; i += CHANNELS) {
    const red = image[i];
    const green = image[i + 1];
    const blue = image[i + 2];
    const max = Math.max(red, green, blue);
    const delta = max - Math.min(red, green, blue);
    if (delta === 0) continue;
    const sector = hueSector(red, green, blue, max, delta) + shift;
    image[i] = max - delta * shade(sector + 5);
    image[i + 1] = max - delta * shade(sector + 3);
    image[i + 2] = max - delta * shade(sector + 1);
  }
}

/** The hue of a pixel that is not gray, in sectors, -1 to 5. */
function hueSector(red: number, green: number, blue: number, max: number, delta: number): number {
  if (max === red) return (green - blue) / delta;
  if (max === green) return 2 + (blue - red) / delta;
  return 4 + (red - green) / delta;
}

/** How far a channel is from the pixel's largest to its smallest value, 0 to 1. */
function shade(position: number): number {
  const k = position - SECTORS * Math.floor(position / SECTORS);
  return Math.max(0, Math.min(k, 4 - k, 1));
}

function clampByte(value: number): number {
  return Math.max(0, Math.min(255, value));
}
