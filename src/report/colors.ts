/** Red, green and blue, 0 to 255. */
type Color = readonly [number, number, number];

/** A scale of colors from white to dark. */
export type ColorScale = readonly Color[];

/** For what is right: ColorBrewer's Blues. */
export const RIGHT: ColorScale = [
  [255, 255, 255],
  [198, 219, 239],
  [107, 174, 214],
  [33, 113, 181],
  [8, 48, 107],
];

/** For mistakes: ColorBrewer's Oranges. */
export const WRONG: ColorScale = [
  [255, 255, 255],
  [253, 208, 162],
  [253, 141, 60],
  [217, 72, 1],
  [127, 39, 4],
];

/** Small shares are drawn apart more than large ones: most cells have few images. */
const GAMMA = 0.6;

/** The color of a share of 0 to 1, as `#rrggbb`. */
export function colorOf(share: number, scale: ColorScale): string {
  const place = Math.min(1, Math.max(0, share)) ** GAMMA * (scale.length - 1);
  const low = Math.min(Math.floor(place), scale.length - 2);
  const part = place - low;
  const channels = scale[low].map((value, c) =>
    Math.round(value + part * (scale[low + 1][c] - value))
  );
  return `#${channels.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** Whether letters on the color of a share should be white. */
export function isDark(share: number): boolean {
  return share ** GAMMA > 0.55;
}
