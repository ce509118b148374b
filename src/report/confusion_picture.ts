import { formatCount, formatShare } from "../util/units.ts";
import { colorOf, type ColorScale, isDark, RIGHT, WRONG } from "./colors.ts";
import type { Painter } from "./picture.ts";
import { fitText, round, svgDocument, svgText } from "./svg.ts";

/** What is drawn. */
export interface ConfusionPicture {
  /** Names of the classes, [classes]. */
  readonly classes: readonly string[];
  /** Images by true and predicted class, [true][predicted]. */
  readonly matrix: readonly (readonly number[])[];
  /** Precision of each class, null where there is none. */
  readonly precisions: readonly (number | null)[];
  /** The line below the title. */
  readonly about: string;
}

/** Up to so many classes, cells have their counts, rows their recall and columns their precision. */
const MOST_COUNTED = 20;
const MARGIN = 28;
const LONGEST_NAME = 180;
const GRAY = "#6b7280";
const INK = "#111827";

/** Sides of cells and letters by the number of classes, in units. */
interface Sizes {
  readonly cell: number;
  readonly name: number;
  readonly count: number;
  readonly counted: boolean;
  readonly named: boolean;
}

function sizesOf(classes: number): Sizes {
  const counted = classes <= MOST_COUNTED;
  if (counted) return { cell: classes <= 12 ? 54 : 42, name: 14, count: 13, counted, named: true };
  const cell = Math.max(1, Math.min(16, Math.floor(1000 / classes)));
  const name = Math.min(11, cell - 1);
  return { cell, name, count: 0, counted, named: name >= 5 };
}

/**
 * A confusion matrix as an SVG document: a row a true class, a column a predicted one, colors by the
 * share of the row, blue where it is right and orange where it is not.
 */
export function confusionSvg(
  painter: Painter,
  { classes, matrix, precisions, about }: ConfusionPicture,
): string {
  const sizes = sizesOf(classes.length);
  const { cell, name, counted, named } = sizes;
  const names = named
    ? classes.map((text) => fitText(painter, text, { size: name, most: LONGEST_NAME }))
    : [];
  const longest = Math.max(0, ...names.map((text) => painter.width(text, name)));
  // Column names lie flat where they fit, else they rise at 45 degrees, upright where that is too close.
  const turned = longest <= cell - 8 ? 0 : counted ? -45 : -90;
  const slope = Math.abs(turned) * Math.PI / 180;
  const above = named ? longest * Math.sin(slope) + name + (turned === 0 ? 10 : 0) : 0;
  const beside = turned === -45 ? longest * Math.cos(slope) : 0;
  const left = MARGIN + 26 + (named ? longest + 12 : 8);
  const top = MARGIN + 70 + above + 12;
  const side = cell * classes.length;
  const parts = [
    svgText("Confusion matrix", { x: MARGIN, y: MARGIN + 16, size: 22, bold: true, color: INK }),
    svgText(about, { x: MARGIN, y: MARGIN + 38, size: 13, color: GRAY }),
    svgText("predicted", {
      x: left + side / 2,
      y: MARGIN + 68,
      size: 13,
      bold: true,
      color: GRAY,
      anchor: "middle",
    }),
    svgText("true", {
      x: MARGIN + 12,
      y: top + side / 2,
      size: 13,
      bold: true,
      color: GRAY,
      anchor: "middle",
      turned: -90,
    }),
    ...names.map((text, i) =>
      svgText(text, {
        x: left - 12,
        y: top + (i + 0.5) * cell + name * 0.36,
        size: name,
        color: INK,
        anchor: "end",
      })
    ),
    ...names.map((text, i) =>
      svgText(text, {
        x: left + (i + 0.5) * cell + name * (turned === 0 ? 0 : turned === -45 ? 0.3 : 0.36),
        y: top - (turned === 0 ? 10 : 8),
        size: name,
        color: INK,
        anchor: turned === 0 ? "middle" : "start",
        turned,
      })
    ),
    ...cellsOf(matrix, { sizes, left, top }),
  ];
  if (counted) parts.push(...sharesOf(matrix, precisions, { cell, left, top, side }));
  const legendWidth = Math.max(320, Math.min(side, 420));
  const bottom = top + side + (counted ? 34 : 8);
  parts.push(...legend(left, bottom + 22, legendWidth));
  const right = left + side + Math.max(counted ? 70 : 0, beside - cell / 2 + 4);
  const titles = MARGIN + painter.width(about, 13);
  return svgDocument(
    Math.max(right, titles, left + legendWidth) + MARGIN,
    bottom + 70 + MARGIN / 2,
    parts,
  );
}

function cellsOf(
  matrix: ConfusionPicture["matrix"],
  { sizes: { cell, count, counted }, left, top }: { sizes: Sizes; left: number; top: number },
): string[] {
  const side = cell * matrix.length;
  const gap = cell >= 30 ? 2 : cell >= 8 ? 0.5 : 0;
  const parts = [
    `<rect x="${round(left)}" y="${round(top)}" width="${side}" height="${side}" fill="#f3f4f6"/>`,
  ];
  matrix.forEach((row, label) => {
    const total = row.reduce((sum, images) => sum + images, 0);
    row.forEach((images, predicted) => {
      // Of a large matrix most cells are empty; they show the ground.
      if (images === 0 && !counted) return;
      const share = total === 0 ? 0 : images / total;
      const [x, y] = [left + predicted * cell, top + label * cell];
      const color = colorOf(share, label === predicted ? RIGHT : WRONG);
      parts.push(
        `<rect x="${round(x + gap / 2)}" y="${round(y + gap / 2)}" width="${round(cell - gap)}" ` +
          `height="${round(cell - gap)}" rx="${counted ? 3 : 0}" fill="${color}"/>`,
      );
      if (!counted) return;
      const text = formatCount(images);
      parts.push(svgText(text, {
        x: x + cell / 2,
        y: y + cell / 2 + count * 0.36,
        size: text.length > 5 ? count - 3 : count,
        bold: label === predicted,
        color: images === 0 ? "#c4c8cf" : isDark(share) ? "#ffffff" : INK,
        anchor: "middle",
      }));
    });
  });
  return parts;
}

/** Recall to the right of each row, precision below each column. */
function sharesOf(
  matrix: ConfusionPicture["matrix"],
  precisions: ConfusionPicture["precisions"],
  { cell, left, top, side }: { cell: number; left: number; top: number; side: number },
): string[] {
  const style = { size: 11, color: GRAY };
  const text = (share: number | null) => share === null ? "-" : `${Math.round(share * 100)} %`;
  return [
    svgText("recall", { ...style, x: left + side + 10, y: top - 8, bold: true }),
    svgText("precision", { ...style, x: left - 12, y: top + side + 20, anchor: "end", bold: true }),
    ...matrix.map((row, label) => {
      const total = row.reduce((sum, images) => sum + images, 0);
      const share = text(total === 0 ? null : row[label] / total);
      return svgText(share, { ...style, x: left + side + 10, y: top + (label + 0.5) * cell + 4 });
    }),
    ...precisions.map((share, label) =>
      svgText(text(share), {
        ...style,
        x: left + (label + 0.5) * cell,
        y: top + side + 20,
        anchor: "middle",
      })
    ),
  ];
}

/** Two bars of colors with the shares that they stand for. */
function legend(left: number, top: number, width: number): string[] {
  const steps = 60;
  const bar = (y: number, scale: ColorScale) =>
    Array.from({ length: steps }, (_, i) => {
      const color = colorOf(i / (steps - 1), scale);
      // Wider than a step, or a bright line shows between two.
      return `<rect x="${round(left + 56 + i * (width - 56) / steps)}" y="${y}" ` +
        `width="${round((width - 56) / steps + 0.5)}" height="10" fill="${color}"/>`;
    });
  const label = (text: string, y: number) =>
    svgText(text, { x: left, y: y + 9, size: 11, color: GRAY });
  return [
    label("right", top),
    ...bar(top, RIGHT),
    label("wrong", top + 14),
    ...bar(top + 14, WRONG),
    ...[0, 0.25, 0.5, 0.75, 1].map((share) =>
      svgText(formatShare(share).replace(".0", ""), {
        x: left + 56 + share * (width - 56),
        y: top + 38,
        size: 10,
        color: GRAY,
        anchor: share === 0 ? "start" : share === 1 ? "end" : "middle",
      })
    ),
    svgText("share of the true class", { x: left, y: top + 54, size: 10, color: GRAY }),
  ];
}
