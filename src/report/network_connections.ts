// What flows from where to where in a network: straight arrows from block to block, arcs over others.

import type { LayerTable } from "../train/layer_table.ts";
import type { NetworkItem } from "./network_fold.ts";
import type { Block, PlacedItem } from "./network_layout.ts";
import { round, svgText } from "./svg.ts";

/** One connection between two places of the page, lines counted from 0. */
export type Connection =
  /** From a block to the next one, perhaps on the next line. */
  | {
    readonly kind: "flow";
    readonly from: Block;
    readonly to: Block;
    readonly line: number;
    /** Whether it comes from the line before. */
    readonly breaks: boolean;
  }
  /** Over other blocks of a line; `x` is where it rises. */
  | {
    readonly kind: "arc";
    readonly x: number;
    /** Where it begins if nothing else goes on to x from there. */
    readonly tail: number | null;
    readonly to: Block;
    readonly line: number;
    /** Arcs over others have a higher one, from 0. */
    readonly level: number;
  }
  /** From blocks of other lines: their names stand for them. */
  | {
    readonly kind: "far";
    readonly names: readonly string[];
    readonly to: Block;
    readonly line: number;
    readonly level: number;
  };

type Arc = Extract<Connection, { kind: "arc" }>;

const FLOW = "#94a3b8";
const SKIP = "#c2415d";
/** Of the arrows' heads, and between the ends of a line and what it connects. */
const HEAD = 6;
const CLEAR = 4;
/** Where an arc leaves the flow: behind a block, or inside of the frame's left edge. */
const BEHIND = 10;
const INSIDE = 6;
/** From arc to arc, and from the highest block to the lowest. */
const LEVEL = 11;
const LOWEST = 14;

/** All connections of the lines, by the inputs of the rows. */
export function connect(
  { layers }: LayerTable,
  items: readonly NetworkItem[],
  lines: readonly (readonly PlacedItem[])[],
): Connection[] {
  const places = new Map<number, { block: Block; line: number }>();
  lines.forEach((line, number) =>
    line.forEach(({ blocks }) =>
      blocks.forEach((block) => places.set(block.row, { block, line: number }))
    )
  );
  const placeOf = (row: number) => places.get(shownRow(items, row));
  const found: Connection[] = [];
  lines.forEach((parts, line) => {
    const arcs: Omit<Arc, "level">[] = [];
    const far = new Map<Block, string[]>();
    for (const { item, blocks, x } of parts) {
      for (const to of blocks) {
        for (const input of layers[to.row]?.inputs ?? []) {
          const from = placeOf(input);
          if (from === undefined) continue;
          const isEntry = item.framed && input === item.first - 1 && blocks[0].row === item.first;
          if (input === to.row - 1) {
            const breaks = from.line !== line;
            found.push({ kind: "flow", from: from.block, to, line, breaks });
          } else if (isEntry || from.line === line) {
            const edge = from.block.x + from.block.glyph.width / 2;
            const goesOn = layers[input + 1]?.inputs.includes(input) || from.line !== line;
            const tail = goesOn ? null : edge + CLEAR;
            arcs.push({ kind: "arc", x: isEntry ? x + INSIDE : edge + BEHIND, tail, to, line });
          } else far.set(to, [...far.get(to) ?? [], nameOf(layers, input)]);
        }
      }
    }
    const rising = leveled(arcs);
    const level = Math.max(-1, ...rising.map(({ level }) => level)) + 1;
    found.push(...rising);
    for (const [to, names] of far) found.push({ kind: "far", names, to, line, level });
  });
  return found;
}

/** The row that is drawn for one: itself, or its like in the copy that is shown. */
function shownRow(items: readonly NetworkItem[], row: number): number {
  const item = items.find(({ first, size, repeats }) =>
    row >= first && row < first + size * repeats
  );
  return item === undefined ? row : item.first + (row - item.first) % item.size;
}

function nameOf(layers: LayerTable["layers"], row: number): string {
  return row === -1 ? "images" : layers[row].name;
}

/** Short arcs low, those that reach over them higher. */
function leveled(arcs: readonly Omit<Arc, "level">[]): Arc[] {
  const done: Arc[] = [];
  const length = ({ x, to }: Omit<Arc, "level">) => to.x - x;
  for (const arc of arcs.toSorted((a, b) => length(a) - length(b))) {
    const below = done.filter((other) => other.x < arc.to.x && other.to.x > arc.x);
    done.push({ ...arc, level: Math.max(-1, ...below.map(({ level }) => level)) + 1 });
  }
  return done;
}

/** How much room connections need above the blocks of a line. */
export function roomAbove(connections: readonly Connection[], line: number): number {
  const heights = connections.filter((each) => each.line === line).map((each) =>
    each.kind === "flow" ? 0 : LOWEST + LEVEL * each.level + (each.kind === "arc" ? 4 : 16)
  );
  return Math.max(0, ...heights);
}

/** Where the lines of blocks stand. */
export interface LineHeights {
  /** What straight arrows run along. */
  readonly axis: number;
  /** Of the highest block. */
  readonly top: number;
  /** Of everything on the line, and of everything on it. */
  readonly upper: number;
  readonly lower: number;
}

/** Connections as SVG; `left` is where x counts from, `width` how far lines reach. */
export function drawConnection(
  connection: Connection,
  heights: readonly LineHeights[],
  { left, width }: { left: number; width: number },
): string {
  const { to, line } = connection;
  const { axis, top, upper } = heights[line];
  const end = left + to.x - to.glyph.width / 2 - CLEAR;
  const peak = axis - to.glyph.height / 2 - CLEAR;
  const targetX = left + to.x + to.glyph.box.back / 2;
  if (connection.kind === "far") {
    const { names, level } = connection;
    const start = top - LOWEST - LEVEL * level;
    return svgText(`from ${names.join(", ")}`, {
      x: targetX,
      y: start - 5,
      size: 9,
      color: SKIP,
      anchor: "middle",
    }) +
      path(`M${round(targetX)} ${round(start)}V${round(peak - HEAD)}`, SKIP) + down(targetX, peak);
  }
  if (connection.kind === "arc") {
    const x = left + connection.x;
    const y = top - LOWEST - LEVEL * connection.level;
    const bend = Math.min(14, (targetX - x) / 2);
    const start = connection.tail === null ? x : left + connection.tail;
    return `<circle cx="${round(x)}" cy="${round(axis)}" r="2.6" fill="${SKIP}"/>` +
      path(
        `M${round(start)} ${round(axis)}H${round(x)}V${round(y + bend)}q0 ${round(-bend)} ${
          round(bend)
        } ${round(-bend)}` +
          `H${round(targetX - bend)}q${round(bend)} 0 ${round(bend)} ${round(bend)}V${
            round(peak - HEAD)
          }`,
        SKIP,
      ) + down(targetX, peak);
  }
  const { from } = connection;
  const start = left + from.x + from.glyph.width / 2 + CLEAR;
  if (!connection.breaks) {
    return path(`M${round(start)} ${round(axis)}H${round(end - HEAD)}`, FLOW) + right(end, axis);
  }
  // Down the right edge, back between the lines, and in from the left.
  const before = heights[line - 1];
  const middle = (before.lower + upper) / 2;
  const [outer, inner] = [left + width + 22, left - 22];
  const bend = 12;
  return path(
    `M${round(start)} ${round(before.axis)}H${round(outer - bend)}q${bend} 0 ${bend} ${bend}` +
      `V${round(middle - bend)}q0 ${bend} ${-bend} ${bend}H${round(inner + bend)}` +
      `q${-bend} 0 ${-bend} ${bend}V${round(axis - bend)}q0 ${bend} ${bend} ${bend}H${
        round(end - HEAD)
      }`,
    FLOW,
  ) + right(end, axis);
}

function path(d: string, color: string): string {
  return `<path d="${d}" fill="none" stroke="${color}" stroke-width="1.6"/>`;
}

function right(x: number, y: number): string {
  return `<path d="M${round(x)} ${round(y)}l${-HEAD - 1} -4v8z" fill="${FLOW}"/>`;
}

function down(x: number, y: number): string {
  return `<path d="M${round(x)} ${round(y)}l-4 ${-HEAD - 1}h8z" fill="${SKIP}"/>`;
}
