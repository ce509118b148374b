import { encode } from "npm:fast-png@8.0.0";

/** A small picture: 8-bit RGB, row-major, interleaved. */
export interface Tile {
  readonly height: number;
  readonly width: number;
  /** [H, W, 3] */
  readonly pixels: Uint8Array;
}

/** Pixels between tiles, and around the sheet. */
const GAP = 2;
/** Pixels between groups of tiles. */
const GROUP_GAP = 10;
/** Small tiles are shown larger, each pixel as a square of this side at most. */
const LARGEST_ZOOM = 3;
const SHOWN_PIXELS = 72;
const BACKGROUND = 32;

/**
 * A PNG of rows of groups of tiles: a row a class, a group an image with its variants. Tiles are shown
 * at one zoom, in cells as large as the largest.
 *
 * @param rows the tiles of each group of each row
 */
export function contactSheet(rows: readonly (readonly (readonly Tile[])[])[]): Uint8Array {
  const tiles = rows.flat(2);
  const height = Math.max(1, ...tiles.map((tile) => tile.height));
  const width = Math.max(1, ...tiles.map((tile) => tile.width));
  const fitting = Math.floor(SHOWN_PIXELS / Math.max(height, width));
  const zoom = Math.min(LARGEST_ZOOM, Math.max(1, fitting));
  const cell = { height: height * zoom + GAP, width: width * zoom + GAP };
  const groupWidths = Array.from(
    { length: Math.max(0, ...rows.map((row) => row.length)) },
    (_, group) => Math.max(...rows.map((row) => row[group]?.length ?? 0)) * cell.width + GROUP_GAP,
  );
  const sheet = {
    height: rows.length * cell.height + GAP,
    width: groupWidths.reduce((a, b) => a + b, GAP),
  };
  const pixels = new Uint8Array(sheet.height * sheet.width * 3).fill(BACKGROUND);
  rows.forEach((row, r) => {
    let left = GAP;
    row.forEach((group, g) => {
      group.forEach((tile, t) => {
        const at = { top: GAP + r * cell.height, left: left + t * cell.width };
        drawTile(pixels, sheet.width, { tile, zoom, ...at });
      });
      left += groupWidths[g];
    });
  });
  return encode({ height: sheet.height, width: sheet.width, data: pixels, channels: 3, depth: 8 });
}

function drawTile(
  pixels: Uint8Array,
  sheetWidth: number,
  { tile, zoom, top, left }: { tile: Tile; zoom: number; top: number; left: number },
): void {
  for (let y = 0; y < tile.height * zoom; y++) {
    const row = Math.floor(y / zoom) * tile.width;
    for (let x = 0; x < tile.width * zoom; x++) {
      const source = (row + Math.floor(x / zoom)) * 3;
      const target = ((top + y) * sheetWidth + left + x) * 3;
      for (let c = 0; c < 3; c++) pixels[target + c] = tile.pixels[source + c];
    }
  }
}
