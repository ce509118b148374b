// The figures of a network above its picture, and the legend below it.

import type { LayerRow, LayerTable } from "../train/layer_table.ts";
import { formatBytes, formatCount, formatShare, formatShort } from "../util/units.ts";
import { shapeText } from "./layer_table.ts";
import type { NetworkItem } from "./network_fold.ts";
import { FAMILIES, type Family, familyOf } from "./network_glyphs.ts";
import type { Painter } from "./picture.ts";
import { escapeXml, fitText, round, svgText } from "./svg.ts";

export const INK = "#0f172a";
export const GRAY = "#64748b";
/** Colors of the two numbers of a layer. */
export const PARAMETERS = "#4338ca";
export const MULTIPLY_ADDS = "#b4530a";

export const HEADER_HEIGHT = 240;
export const LEGEND_HEIGHT = 44;
const BAR_HEIGHT = 24;

/** A dot in front of a number. */
export function mark(color: string, x: number, y: number): string {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="2.8" fill="${color}"/>`;
}

/** The model's name, its figures, and two bars: how parameters and multiply-adds are shared out. */
export function drawHeader(
  painter: Painter,
  { model, image, classes, layers, totals }: LayerTable,
  items: readonly NetworkItem[],
  { x, y, width }: { x: number; y: number; width: number },
): string {
  const about = `images of ${shapeText(image, "×")}, ${formatCount(classes)} ${
    classes === 1 ? "class" : "classes"
  }, ${formatCount(layers.length)} layers`;
  const figures = [
    [formatCount(totals.parameters), "parameters", PARAMETERS],
    [formatShort(totals.multiplyAdds), "multiply-adds an image, forward", MULTIPLY_ADDS],
    [formatBytes(totals.parameterBytes), "of parameters in float32", INK],
    [formatBytes(totals.activationBytes), "of activations an image", INK],
  ] as const;
  const parts = [
    svgText(fitText(painter, model, { size: 28, most: width, bold: true }), {
      ...{ x, y: y + 14, size: 28, bold: true, color: INK },
    }),
    svgText(about, { x, y: y + 37, size: 13, color: GRAY }),
    ...figures.flatMap(([number, words, color], i) => {
      const place = x + i * Math.min(width / 4, 250);
      return [
        svgText(number, { x: place, y: y + 78, size: 22, bold: true, color }),
        svgText(words, { x: place, y: y + 95, size: 11, color: GRAY }),
      ];
    }),
    drawBar(painter, { layers, items, of: (row) => row.parameters, x, y: y + 132, width }),
    drawBar(painter, { layers, items, of: (row) => row.multiplyAdds, x, y: y + 182, width }),
    svgText("parameters by layer", { x, y: y + 126, size: 11, color: PARAMETERS }),
    svgText("multiply-adds by layer", { x, y: y + 176, size: 11, color: MULTIPLY_ADDS }),
  ];
  return parts.join("");
}

/** A bar in pieces as long as the items' shares, in the order of the flow. */
function drawBar(
  painter: Painter,
  { layers, items, of, x, y, width }: {
    layers: readonly LayerRow[];
    items: readonly NetworkItem[];
    of: (row: LayerRow) => number;
    x: number;
    y: number;
    width: number;
  },
): string {
  const total = layers.reduce((sum, row) => sum + of(row), 0);
  const parts = [
    `<rect x="${round(x)}" y="${round(y)}" width="${
      round(width)
    }" height="${BAR_HEIGHT}" fill="#f1f5f9"/>`,
  ];
  let left = x;
  for (const item of items) {
    const rows = layers.slice(item.first, item.first + item.size * item.repeats);
    const count = rows.reduce((sum, row) => sum + of(row), 0);
    if (count === 0) continue;
    const share = count / total;
    const largest = rows.reduce((most, row) => of(row) > of(most) ? row : most);
    const long = share * width;
    // A white line between two pieces, but what is tiny is still seen.
    const gap = Math.min(1.5, long / 3);
    const words = `${item.title}: ${formatCount(count)}, ${formatShare(share)}`;
    parts.push(
      `<g><title>${escapeXml(words)}</title><rect x="${round(left)}" y="${round(y)}" ` +
        `width="${round(long - gap)}" height="${BAR_HEIGHT}" fill="${
          FAMILIES[familyOf(largest.kind)].side
        }"/>`,
    );
    const candidates = [`${item.title}  ${formatShare(share)}`, item.title, formatShare(share)];
    const text = candidates.find((text) => painter.width(text, 10.5, true) < long - 10);
    if (text !== undefined) {
      parts.push(svgText(text, {
        ...{ x: left + long / 2, y: y + BAR_HEIGHT / 2 + 4, size: 10.5, bold: true },
        ...{ color: "#fff", anchor: "middle" },
      }));
    }
    parts.push("</g>");
    left += long;
  }
  return parts.join("");
}

/** Which color is what, as far as it is on the page, and how large a box is. */
export function drawLegend(
  painter: Painter,
  { layers }: LayerTable,
  { x, y }: { x: number; y: number },
): string {
  const shown = new Set<Family>(["images", ...layers.map(({ kind }) => familyOf(kind))]);
  const parts: string[] = [];
  let left = x;
  const entry = (figure: string, text: string) => {
    parts.push(figure, svgText(text, { x: left + 16, y: y + 9, size: 11, color: GRAY }));
    left += painter.width(text, 11) + 36;
  };
  for (const [family, { front, side }] of Object.entries(FAMILIES)) {
    if (![...shown].some((each) => each === family)) continue;
    const stroke = front === "#ffffff" ? ` stroke="${side}" stroke-width="1.4"` : "";
    const radius = front === "#ffffff" ? 5.5 : 2;
    entry(
      `<rect x="${round(left)}" y="${round(y - 0.5)}" width="11" height="11" rx="${radius}" ` +
        `fill="${front}"${stroke}/>`,
      family,
    );
  }
  entry(mark(PARAMETERS, left + 7, y + 5), "parameters");
  entry(mark(MULTIPLY_ADDS, left + 7, y + 5), "multiply-adds");
  parts.push(
    svgText(
      "The edges of a box go with the square roots of height, width and channels; a column is a vector.",
      { x, y: y + 32, size: 11, color: GRAY },
    ),
  );
  return parts.join("");
}
