// Where the blocks of a network stand on the page: lines of columns, frames around scopes, connections.

import type { LayerRow, LayerTable } from "../train/layer_table.ts";
import { formatCount, formatShort } from "../util/units.ts";
import { shapeText } from "./layer_table.ts";
import type { NetworkItem } from "./network_fold.ts";
import { type Glyph, glyphScale } from "./network_glyphs.ts";

/** One layer on the page. */
export interface Block {
  /** Its row; -1: the images. */
  readonly row: number;
  readonly glyph: Glyph;
  /** The words below it: name, kind (one or two lines), shape. */
  readonly name: string;
  readonly kind: readonly string[];
  readonly shape: string;
  /** Numbers with a mark each; absent where they are 0. */
  readonly parameters?: string;
  readonly multiplyAdds?: string;
  /** Everything in one sentence, shown by browsers under the pointer. */
  readonly about: string;
  /** Width of the column. */
  readonly width: number;
  /** The middle of the column. */
  x: number;
}

/** A block alone, or a frame around several. */
export interface PlacedItem {
  readonly item: NetworkItem;
  readonly blocks: readonly Block[];
  width: number;
  /** The frame's left edge, or the column's. */
  x: number;
}

/** Measures a text, in units. */
export type Measure = (text: string, size: number, bold?: boolean) => number;

export const NAME_SIZE = 11.5;
export const TEXT_SIZE = 10;
/** Inside a frame, to its left and right. */
export const FRAME_PADDING = 16;
const COLUMN_GAP = 22;
const ITEM_GAP = 26;
const NARROWEST = 44;
const WIDEST = 132;
/** What a column may be given so that its line ends with the others. */
const MOST_SPREAD = 40;
/** Lines are filled up to here; a frame that is wider is drawn in pieces. */
const LINE_WIDTH = 1160;

/** Places items in lines of about the same width, none wider than a page; y is left to the drawing. */
export function layOut(
  table: LayerTable,
  items: readonly NetworkItem[],
  measure: Measure,
): { readonly lines: readonly (readonly PlacedItem[])[]; readonly width: number } {
  const glyphOf = glyphScale(table);
  const images: NetworkItem = {
    ...{ title: "images", names: ["images"], framed: false },
    ...{ first: -1, size: 1, repeats: 1 },
  };
  const placed = [images, ...items].flatMap((item) =>
    pieces(
      item,
      Array.from({ length: item.size }, (_, i) => {
        const row = item.first + i;
        return blockOf(table, { row, item, glyph: glyphOf(row), measure });
      }),
    )
  );
  const count = breakLines(placed, LINE_WIDTH).length;
  // The narrowest page with as few lines: so the last line is about as long as the others.
  let [narrow, wide] = [0, LINE_WIDTH];
  while (wide - narrow > 1) {
    const middle = (narrow + wide) / 2;
    if (breakLines(placed, middle).length <= count) wide = middle;
    else narrow = middle;
  }
  const lines = breakLines(placed, wide);
  const width = Math.max(...lines.map(lineWidth));
  for (const line of lines) spread(line, width);
  return { lines, width };
}

/** An item as it is, or in pieces where its frame is wider than a page. */
function pieces(item: NetworkItem, blocks: readonly Block[]): PlacedItem[] {
  const padding = item.framed ? 2 * FRAME_PADDING : 0;
  const parts: Block[][] = [[]];
  let width = padding;
  for (const block of blocks) {
    if (width + block.width > LINE_WIDTH && parts[parts.length - 1].length > 0) {
      parts.push([]);
      width = padding;
    }
    parts[parts.length - 1].push(block);
    width += block.width;
  }
  return parts.map((part) => {
    const width = part.reduce((sum, block) => sum + block.width, padding);
    return { item, blocks: part, width, x: 0 };
  });
}

function breakLines(placed: readonly PlacedItem[], most: number): PlacedItem[][] {
  const lines: PlacedItem[][] = [[]];
  let width = 0;
  for (const part of placed) {
    const line = lines[lines.length - 1];
    const more = gapBefore(line[line.length - 1], part) + part.width;
    if (line.length > 0 && width + more > most) {
      lines.push([part]);
      width = part.width;
    } else {
      line.push(part);
      width += more;
    }
  }
  return lines;
}

/** Columns have room around them; frames need some between them. */
function gapBefore(before: PlacedItem | undefined, { item }: PlacedItem): number {
  return before !== undefined && (before.item.framed || item.framed) ? ITEM_GAP : 0;
}

function lineWidth(line: readonly PlacedItem[]): number {
  return line.reduce((sum, part, i) => sum + gapBefore(line[i - 1], part) + part.width, 0);
}

/** Gives every block its x; columns are made wider until the line is as wide as the others. */
function spread(line: readonly PlacedItem[], width: number): void {
  const count = line.reduce((sum, { blocks }) => sum + blocks.length, 0);
  const more = Math.min(MOST_SPREAD, (width - lineWidth(line)) / count);
  let x = 0;
  line.forEach((part, i) => {
    x += gapBefore(line[i - 1], part);
    part.x = x;
    const padding = part.item.framed ? FRAME_PADDING : 0;
    x += padding;
    for (const block of part.blocks) {
      block.x = x + (block.width + more) / 2;
      x += block.width + more;
    }
    x += padding;
    part.width = x - part.x;
  });
}

function blockOf(
  { image, layers }: LayerTable,
  { row, item, glyph, measure }: {
    row: number;
    item: NetworkItem;
    glyph: Glyph;
    measure: Measure;
  },
): Block {
  const layer: LayerRow | undefined = layers[row];
  const shape = shapeText(layer === undefined ? image : layer.shape, "×");
  const name = localName(layer, item);
  const kind = layer === undefined ? ["input"] : layer.kind.split(", ");
  const texts = {
    name,
    kind: [kind[0], ...kind.slice(1, 2)],
    shape,
    parameters: numberText(layer?.parameters),
    multiplyAdds: numberText(layer?.multiplyAdds),
  };
  const widths = [
    measure(name, NAME_SIZE, true),
    ...texts.kind.map((text) => measure(text, TEXT_SIZE)),
    measure(shape, TEXT_SIZE),
    // The marks in front of the numbers.
    ...[texts.parameters, texts.multiplyAdds].map((text) => measure(text ?? "", TEXT_SIZE) + 11),
    glyph.width,
    NARROWEST,
  ];
  const about = layer === undefined
    ? `images: ${shape}`
    : `${layer.name}: ${layer.kind}, ${shape}, ${layer.parameters} parameters, ` +
      `${layer.multiplyAdds} multiply-adds`;
  return {
    ...{ row, glyph, ...texts, about, x: 0 },
    width: Math.min(WIDEST, Math.max(...widths)) + COLUMN_GAP,
  };
}

/** A layer's name without the scope that its frame names. */
function localName(layer: LayerRow | undefined, { names }: NetworkItem): string {
  if (layer === undefined) return "images";
  const scope = names.find((name) => layer.name.startsWith(`${name}/`));
  return scope === undefined ? layer.name : layer.name.slice(scope.length + 1);
}

/** A number as a narrow column has room for it; nothing for 0. */
function numberText(count = 0): string | undefined {
  return count === 0 ? undefined : count < 1e6 ? formatCount(count) : formatShort(count);
}
