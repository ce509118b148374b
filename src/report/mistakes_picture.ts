import { encode } from "npm:fast-png@8.0.0";
import { formatCount } from "../util/units.ts";
import type { Tile } from "./contact_sheet.ts";
import type { Painter } from "./picture.ts";
import { fitText, round, svgDocument, svgText } from "./svg.ts";

/** An image that was predicted wrong, to be shown. */
export interface ShownMistake {
  readonly tile: Tile;
  /** The number of the image. */
  readonly image: number;
  readonly label: string;
  readonly predicted: string;
  /** Probability of the predicted class. */
  readonly probability: number;
}

const MARGIN = 28;
const COLUMNS = 8;
const PICTURE = 112;
const CARD = { width: 132, height: 188, gap: 14 } as const;
const PAD = (CARD.width - PICTURE) / 2;
/** Size of the names of classes. */
const NAME = 12;
const LEGEND = "the true class, below it the predicted one and its probability";
const INK = "#111827";
const GRAY = "#6b7280";
const RED = "#c2410c";

/** Mistakes as an SVG document: a card each, with the true class, the predicted one and its probability. */
export function mistakesSvg(
  painter: Painter,
  mistakes: readonly ShownMistake[],
  about: string,
): string {
  const top = MARGIN + 80;
  const columns = Math.max(4, Math.min(COLUMNS, mistakes.length));
  const rows = Math.ceil(mistakes.length / columns);
  const width = 2 * MARGIN + columns * (CARD.width + CARD.gap) - CARD.gap;
  const height = top + Math.max(1, rows) * (CARD.height + CARD.gap) - CARD.gap + MARGIN;
  const parts = [
    svgText("Most confident mistakes", {
      x: MARGIN,
      y: MARGIN + 16,
      size: 22,
      bold: true,
      color: INK,
    }),
    svgText(about, { x: MARGIN, y: MARGIN + 38, size: 13, color: GRAY }),
    svgText(LEGEND, { x: MARGIN, y: MARGIN + 57, size: 13, color: GRAY }),
    ...mistakes.map((mistake, i) =>
      card(painter, mistake, {
        x: MARGIN + (i % columns) * (CARD.width + CARD.gap),
        y: top + Math.floor(i / columns) * (CARD.height + CARD.gap),
      })
    ),
  ];
  if (mistakes.length === 0) {
    parts.push(svgText("There are none.", { x: MARGIN, y: top + 30, size: 16, color: INK }));
  }
  return svgDocument(Math.max(width, MARGIN * 2 + painter.width(about, 13)), height, parts);
}

function card(
  painter: Painter,
  { tile, image, label, predicted, probability }: ShownMistake,
  { x, y }: { x: number; y: number },
): string {
  const fit = (text: string, bold: boolean) =>
    fitText(painter, text, { size: NAME, most: PICTURE, bold });
  const line = (row: number) => y + PAD + PICTURE + 18 + row * 17;
  const right = x + CARD.width - PAD;
  return [
    `<rect x="${round(x)}" y="${round(y)}" width="${CARD.width}" height="${CARD.height}" rx="8" ` +
    `fill="#f9fafb" stroke="#e5e7eb"/>`,
    picture(tile, x + PAD, y + PAD),
    svgText(fit(label, true), { x: x + PAD, y: line(0), size: NAME, bold: true, color: INK }),
    svgText(fit(predicted, false), { x: x + PAD, y: line(1), size: NAME, color: RED }),
    svgText(formatProbability(probability), { x: x + PAD, y: line(2), size: 11, color: RED }),
    svgText(`image ${formatCount(image)}`, {
      x: right,
      y: line(2),
      size: 10,
      color: GRAY,
      anchor: "end",
    }),
  ].join("");
}

/** The image in a square; small ones keep their pixels, large ones are smoothed. */
function picture({ height, width, pixels }: Tile, x: number, y: number): string {
  const png = encode({ height, width, data: pixels, channels: 3, depth: 8 });
  const rendering = Math.max(height, width) <= PICTURE ? "optimizeSpeed" : "optimizeQuality";
  return `<image x="${round(x)}" y="${round(y)}" width="${PICTURE}" height="${PICTURE}" ` +
    `image-rendering="${rendering}" href="data:image/png;base64,${png.toBase64()}"/>`;
}

/** `99.7 %`; never 100 unless it is. */
function formatProbability(probability: number): string {
  const percent = Math.floor(probability * 1000) / 10;
  return `${percent.toFixed(1)} %`;
}
