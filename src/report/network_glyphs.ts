// The figures that stand for a network's values: boxes whose sides tell height, width and channels.

import type { LayerTable } from "../train/layer_table.ts";
import { round } from "./svg.ts";

/** What kind of work a layer does, by its color. */
export type Family =
  | "images"
  | "convolution"
  | "pooling"
  | "normalization"
  | "dense"
  | "merge"
  | "other";

/** Colors of a family's front, top and side. */
interface Faces {
  readonly front: string;
  readonly top: string;
  readonly side: string;
}

/** In the order of the legend. */
export const FAMILIES: Readonly<Record<Family, Faces>> = {
  images: { front: "#e2e8f0", top: "#f1f5f9", side: "#cbd5e1" },
  convolution: { front: "#4f8edc", top: "#8ab8f0", side: "#2f6fc0" },
  pooling: { front: "#f0a04b", top: "#f8c98e", side: "#d17f28" },
  normalization: { front: "#4db6a0", top: "#93d8c9", side: "#2f937f" },
  dense: { front: "#8f78d6", top: "#bbaceb", side: "#6d55b8" },
  merge: { front: "#ffffff", top: "#ffffff", side: "#475569" },
  other: { front: "#94a3b8", top: "#c3cedb", side: "#748399" },
};

/** The words of a layer's kind by which it belongs to a family; the first that fits. */
const WORDS: readonly (readonly [RegExp, Family])[] = [
  [/\b(conv|convolution|local|locally)\b/i, "convolution"],
  [/\bpool/i, "pooling"],
  [/\bnorm/i, "normalization"],
  [/\b(dense|linear|fully)\b/i, "dense"],
  [/^(add|sum|concat)/i, "merge"],
];

/** The family of a layer by its kind, e.g. `conv 5x5, ReLU`. */
export function familyOf(kind: string): Family {
  return WORDS.find(([pattern]) => pattern.test(kind))?.[1] ?? "other";
}

/** A figure and the room that it takes. */
export interface Glyph {
  readonly family: Family;
  readonly width: number;
  readonly height: number;
  /** The front's sides; how far the box reaches back, to the right and upward. */
  readonly box: { readonly across: number; readonly up: number; readonly back: number };
  /** The sign in a circle that stands for a merge. */
  readonly sign?: string;
}

/** Half of the circle of a merge. */
const RADIUS = 13;
/** The longest edges, in units. */
const MOST = { side: 84, channels: 34, units: 100 };
/** How much of a depth is seen. */
const OBLIQUE = 0.36;
/** Vectors of fewer units are all drawn to one scale. */
const FEW_UNITS = 400;

/**
 * The figures of a table's rows. Edges go with the square root of what they stand for: height upward, width
 * back, channels across; a vector is a column. So a surface tells a number of values.
 */
export function glyphScale({ image, layers }: LayerTable): (row: number) => Glyph {
  const shapes = [image, ...layers.map(({ shape }) => shape ?? [])];
  const largest = (pick: (shape: readonly number[]) => readonly number[]) =>
    Math.max(1, ...shapes.flatMap(pick));
  const side = largest((shape) => shape.length === 3 ? shape.slice(0, 2) : []);
  const channels = largest((shape) => shape.length === 3 ? shape.slice(2) : []);
  const units = Math.max(FEW_UNITS, largest((shape) => shape.length === 1 ? shape : []));
  const edge = (most: number, part: number, least: number) =>
    Math.max(least, most * Math.sqrt(part));
  return (row) => {
    const layer = layers[row];
    const family = row === -1 ? "images" : familyOf(layer.kind);
    if (family === "merge") {
      const sign = /^(add|sum)/i.test(layer.kind) ? "+" : "||";
      const box = { across: 0, up: 0, back: 0 };
      return { family, width: 2 * RADIUS, height: 2 * RADIUS, box, sign };
    }
    const shape = row === -1 ? image : layer.shape;
    if (shape === null) return solid("other", { across: 14, up: 14, back: 0 });
    if (shape.length !== 3) {
      const count = shape.reduce((product, size) => product * size, 1);
      const up = Math.min(MOST.units, edge(MOST.units, count / units, 12));
      return solid(family, { across: 12, up, back: 5 });
    }
    const [h, w, c] = shape;
    return solid(family, {
      across: edge(MOST.channels, c / channels, 4),
      up: edge(MOST.side, h / side, 6),
      back: OBLIQUE * edge(MOST.side, w / side, 6),
    });
  };
}

function solid(family: Family, box: Glyph["box"]): Glyph {
  return { family, box, width: box.across + box.back, height: box.up + box.back };
}

/** A figure as SVG, its middle at (x, y). */
export function drawGlyph(
  { family, width, height, box, sign }: Glyph,
  x: number,
  y: number,
): string {
  const { front, top, side } = FAMILIES[family];
  if (sign !== undefined) return circle(sign, { x, y, color: side });
  const { across, up, back } = box;
  const [left, right] = [x - width / 2, x - width / 2 + across];
  const [upper, lower] = [y + height / 2 - up, y + height / 2];
  const face = (points: readonly (readonly [number, number])[], color: string) =>
    `<polygon points="${points.map((point) => point.map(round).join(",")).join(" ")}" ` +
    `fill="${color}" stroke="#fff" stroke-width="0.8" stroke-linejoin="round"/>`;
  return face([[left, upper], [right, upper], [right, lower], [left, lower]], front) +
    face([[left, upper], [left + back, upper - back], [right + back, upper - back], [
      right,
      upper,
    ]], top) +
    face([[right, upper], [right + back, upper - back], [right + back, lower - back], [
      right,
      lower,
    ]], side);
}

function circle(
  sign: string,
  { x, y, color }: { x: number; y: number; color: string },
): string {
  const line = (x1: number, y1: number, x2: number, y2: number) =>
    `<path d="M${round(x + x1)} ${round(y + y1)}L${round(x + x2)} ${round(y + y2)}" ` +
    `stroke="${color}" stroke-width="2" stroke-linecap="round"/>`;
  const strokes = sign === "+"
    ? line(-6, 0, 6, 0) + line(0, -6, 0, 6)
    : line(-3, -6, -3, 6) + line(3, -6, 3, 6);
  return `<circle cx="${round(x)}" cy="${round(y)}" r="${RADIUS}" fill="#fff" ` +
    `stroke="${color}" stroke-width="1.6"/>${strokes}`;
}
