import type { LayerTable } from "../train/layer_table.ts";
import { formatCount } from "../util/units.ts";
import { connect, drawConnection, type LineHeights, roomAbove } from "./network_connections.ts";
import { foldNetwork } from "./network_fold.ts";
import { drawGlyph } from "./network_glyphs.ts";
import {
  type Block,
  FRAME_PADDING,
  layOut,
  NAME_SIZE,
  type PlacedItem,
  TEXT_SIZE,
} from "./network_layout.ts";
import {
  drawHeader,
  drawLegend,
  GRAY,
  HEADER_HEIGHT,
  INK,
  LEGEND_HEIGHT,
  mark,
  MULTIPLY_ADDS,
  PARAMETERS,
} from "./network_summary.ts";
import type { Painter } from "./picture.ts";
import { escapeXml, fitText, round, svgDocument, svgText } from "./svg.ts";

const MARGIN = 48;
/** The least width, which the header needs. */
const NARROWEST = 760;
const LINE_GAP = 44;
/** From one line of words to the next. */
const LEADING = 13.5;
const FRAME_TITLE = 30;
const FRAME_FOOT = 24;

/**
 * A network as an SVG document: its figures, where its parameters and its work are, and its blocks in the
 * order of the flow, each as large as its value. Scopes are framed; what repeats itself is drawn once.
 */
export function networkSvg(painter: Painter, table: LayerTable): string {
  const items = foldNetwork(table.layers);
  const widths = new Map<string, number>();
  const { lines, width } = layOut(table, items, (text, size, bold = false) => {
    const key = `${size} ${bold} ${text}`;
    const known = widths.get(key) ?? painter.width(text, size, bold);
    widths.set(key, known);
    return known;
  });
  const connections = connect(table, items, lines);
  const page = Math.max(width, NARROWEST);
  const left = MARGIN + (page - width) / 2;
  let y = MARGIN + HEADER_HEIGHT;
  const heights = lines.map((line, number): BlockHeights => {
    const blocks = line.flatMap(({ blocks }) => blocks);
    const isFramed = line.some(({ item }) => item.framed);
    const highest = Math.max(...blocks.map(({ glyph }) => glyph.height));
    const upper = y;
    const top = upper + (isFramed ? FRAME_TITLE : 0) + roomAbove(connections, number) + 6;
    const labels = top + highest + 20;
    const kindLines = Math.max(...blocks.map(({ kind }) => kind.length));
    const words = 2 + kindLines + Math.max(...blocks.map(numberLines));
    const lower = labels + LEADING * words + (isFramed ? FRAME_FOOT : -4);
    y = lower + LINE_GAP;
    return { axis: top + highest / 2, top, upper, lower, labels, kindLines };
  });
  const parts = lines.flatMap((line, number) => line.map((part) => ({ part, ...heights[number] })));
  const bottom = heights[heights.length - 1].lower + 40;
  return svgDocument(page + 2 * MARGIN, bottom + LEGEND_HEIGHT + MARGIN / 2, [
    drawHeader(painter, table, items, { x: MARGIN, y: MARGIN, width: page }),
    ...parts.filter(({ part }) => part.item.framed).map(({ part, ...place }) =>
      drawFrame(painter, table, part, { ...place, left })
    ),
    ...connections.map((each) => drawConnection(each, heights, { left, width })),
    ...parts.flatMap(({ part, ...place }) =>
      part.blocks.map((block) => drawBlock(painter, block, { ...place, left }))
    ),
    drawLegend(painter, table, { x: MARGIN, y: bottom }),
  ]);
}

/** Where a line's blocks have their words. */
interface BlockHeights extends LineHeights {
  readonly labels: number;
  /** Room for the words of a kind, so that all shapes of a line stand at one height. */
  readonly kindLines: number;
}

function numberLines({ parameters, multiplyAdds }: Block): number {
  return Number(parameters !== undefined) + Number(multiplyAdds !== undefined);
}

/** A block with its words, and all of it as a title that browsers show under the pointer. */
function drawBlock(
  painter: Painter,
  block: Block,
  { axis, labels, kindLines, left }: BlockHeights & { left: number },
): string {
  const { glyph, name, kind, shape, parameters, multiplyAdds, about, width } = block;
  const x = left + block.x;
  const most = width - 8;
  let y = labels;
  const line = (text: string, color: string, bold = false): string => {
    const size = bold ? NAME_SIZE : TEXT_SIZE;
    const fitted = fitText(painter, text, { size, most, bold });
    const drawn = svgText(fitted, { x, y, size, bold, color, anchor: "middle" });
    y += LEADING;
    return drawn;
  };
  const number = (text: string, color: string): string => {
    const half = painter.width(text, TEXT_SIZE) / 2;
    const drawn = mark(color, x - half - 2, y - 3.5) +
      svgText(text, { x: x + 5, y, size: TEXT_SIZE, color, anchor: "middle" });
    y += LEADING;
    return drawn;
  };
  const heading = [line(name, INK, true), ...kind.map((text) => line(text, GRAY))];
  y = labels + LEADING * (1 + kindLines);
  const words = [
    ...heading,
    line(shape, INK),
    parameters === undefined ? "" : number(parameters, PARAMETERS),
    multiplyAdds === undefined ? "" : number(multiplyAdds, MULTIPLY_ADDS),
  ];
  return `<g>${title(about)}${drawGlyph(glyph, x, axis)}${words.join("")}</g>`;
}

/** The frame of a scope: its name, how often it is there, and what all copies have together. */
function drawFrame(
  painter: Painter,
  { layers }: LayerTable,
  { item, width, x: from }: PlacedItem,
  { upper, lower, left }: { upper: number; lower: number; left: number },
): string {
  const { first, size, repeats, names } = item;
  const x = left + from;
  const sheet = (shift: number, fill: string) =>
    `<rect x="${round(x + shift)}" y="${round(upper + shift)}" width="${round(width)}" ` +
    `height="${round(lower - upper)}" rx="12" fill="${fill}" stroke="#dbe2ea"/>`;
  // Copies lie behind the one that is drawn.
  const sheets = repeats === 1 ? "" : sheet(8, "#f1f5f9") + sheet(4, "#f4f7fa");
  const rows = layers.slice(first, first + size * repeats);
  const sum = (of: (row: typeof rows[number]) => number) =>
    rows.reduce((total, row) => total + of(row), 0);
  const badge = `× ${repeats}`;
  const badgeWidth = repeats === 1 ? 0 : painter.width(badge, 12, true) + 18;
  const texts = [
    svgText(
      fitText(painter, item.title, {
        size: 12,
        bold: true,
        most: width - 2 * FRAME_PADDING - badgeWidth - 6,
      }),
      { x: x + FRAME_PADDING, y: upper + 21, size: 12, bold: true, color: INK },
    ),
  ];
  if (repeats > 1) {
    const [right, height] = [x + width - 12, 20];
    texts.push(
      `<rect x="${round(right - badgeWidth)}" y="${round(upper + 7)}" width="${
        round(badgeWidth)
      }" ` +
        `height="${height}" rx="${height / 2}" fill="#334155"/>`,
      svgText(badge, {
        ...{ x: right - badgeWidth / 2, y: upper + 21.5, size: 12, bold: true },
        ...{ color: "#fff", anchor: "middle" },
      }),
    );
  }
  let cursor = x + FRAME_PADDING + 4;
  for (
    const [count, unit, color] of [
      [sum((row) => row.parameters), "parameters", PARAMETERS],
      [sum((row) => row.multiplyAdds), "multiply-adds", MULTIPLY_ADDS],
    ] as const
  ) {
    const text = width < 300 ? formatCount(count) : `${formatCount(count)} ${unit}`;
    texts.push(
      mark(color, cursor, lower - 14),
      svgText(text, { x: cursor + 7, y: lower - 10.5, size: TEXT_SIZE, color }),
    );
    cursor += painter.width(text, TEXT_SIZE) + 28;
  }
  return `<g>${title(names.join(", "))}${sheets}${sheet(0, "#f8fafc")}${texts.join("")}</g>`;
}

/** A text that browsers show under the pointer. */
function title(text: string): string {
  return `<title>${escapeXml(text)}</title>`;
}
