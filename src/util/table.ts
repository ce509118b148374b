/** What a table cell may hold; numbers are printed as they are, so format them first. */
export type Cell = string | number;

/** How a table is laid out. */
export interface TableOptions {
  /** A line above the table. */
  readonly heading?: string;
  /** The columns' titles, underlined with dashes. */
  readonly columns?: readonly string[];
  /** `l` or `r` a column, e.g. `"lrr"`; where it is silent, columns of numbers go right. */
  readonly align?: string;
  /** Spaces before every row. */
  readonly indent?: number;
}

/** A number, perhaps with thousands, a sign, an exponent and a unit: `1,068`, `-0.5 %`, `3.2 GB/s`. */
const NUMERIC = /^[-+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?x?( ?(%|[A-Za-z]+(\/[A-Za-z]+)?))?$/;

/**
 * Lines up rows of cells in columns two spaces apart, numbers on the right; no line ends in a space.
 * Rows may be shorter than the widest one.
 */
export function formatTable(
  rows: readonly (readonly Cell[])[],
  options: TableOptions = {},
): string {
  const { heading, columns, align = "", indent = 0 } = options;
  const body = rows.map((row) => row.map(String));
  const count = Math.max(columns?.length ?? 0, ...body.map((row) => row.length));
  const lines = columns === undefined ? body : [[...columns], ...body];
  const widths = range(count).map((c) => Math.max(0, ...lines.map((row) => width(row[c] ?? ""))));
  const right = range(count).map((c) => align[c] ? align[c] === "r" : isNumeric(body, c));

  const print = (row: readonly string[]) =>
    " ".repeat(indent) +
    range(count).map((c) => pad(row[c] ?? "", widths[c], right[c])).join("  ").trimEnd();
  const printed: string[] = heading === undefined ? [] : [heading];
  if (columns !== undefined) {
    printed.push(print(columns), print(widths.map((size) => "-".repeat(size))));
  }
  return [...printed, ...body.map(print)].map((line) => line.trimEnd()).join("\n");
}

function isNumeric(body: readonly (readonly string[])[], column: number): boolean {
  const cells = body.map((row) => row[column] ?? "").filter((cell) => cell !== "" && cell !== "-");
  return cells.length > 0 && cells.every((cell) => NUMERIC.test(cell));
}

function pad(text: string, size: number, right: boolean): string {
  const fill = " ".repeat(Math.max(0, size - width(text)));
  return right ? fill + text : text + fill;
}

/** Counts code points, so that a letter outside the basic plane takes one column, not two. */
function width(text: string): number {
  return [...text].length;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
