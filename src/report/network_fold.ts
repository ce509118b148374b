// What of a network is drawn: layers of one scope together, and of what repeats itself one copy.

import type { LayerRow } from "../train/layer_table.ts";

/** Layers that stand together: one alone, those of a scope, or one copy of what is repeated. */
export interface NetworkItem {
  /** A layer's or a scope's name; the first and the last one's where it is repeated. */
  readonly title: string;
  /** The names that the title stands for. */
  readonly names: readonly string[];
  /** Whether it is more than a layer that stands for itself. */
  readonly framed: boolean;
  /** The first of its rows; drawn are `size` rows from it. */
  readonly first: number;
  readonly size: number;
  /** How often these rows are there, one behind the other. */
  readonly repeats: number;
}

/** Scopes of more layers are shown as their inner scopes. */
const MOST_TOGETHER = 12;
/** Up to so many layers nothing is folded. */
const MOST_UNFOLDED = 20;
/** Items that are repeated together, at most. */
const LONGEST_PERIOD = 8;

/** The items of a network in their order; together they stand for every row once. */
export function foldNetwork(rows: readonly LayerRow[]): NetworkItem[] {
  const items = groupByScope(rows, { first: 0, end: rows.length, depth: 0 });
  return rows.length <= MOST_UNFOLDED ? items : foldRepeats(rows, items);
}

interface Range {
  readonly first: number;
  readonly end: number;
  /** Parts of the names that all of the range have in common. */
  readonly depth: number;
}

/** Neighbors whose names begin with the same scope become one item. */
function groupByScope(rows: readonly LayerRow[], { first, end, depth }: Range): NetworkItem[] {
  const items: NetworkItem[] = [];
  const scopeOf = (row: number) => rows[row].name.split("/").slice(0, depth + 1).join("/");
  for (let start = first; start < end;) {
    const title = scopeOf(start);
    let next = start + 1;
    while (next < end && scopeOf(next) === title) next++;
    const size = next - start;
    const single = { framed: false, first: start, size: 1, repeats: 1 };
    const hasInner = rows[start].name !== title || rows[next - 1].name !== title;
    if (size === 1) items.push({ title: rows[start].name, names: [rows[start].name], ...single });
    else if (size > MOST_TOGETHER && hasInner) {
      items.push(...groupByScope(rows, { first: start, end: next, depth: depth + 1 }));
    } else {
      items.push({ title, names: [title], framed: true, first: start, size, repeats: 1 });
    }
    start = next;
  }
  return items;
}

/** Runs of equal items, or of equal sequences of them, become one item. */
function foldRepeats(rows: readonly LayerRow[], items: readonly NetworkItem[]): NetworkItem[] {
  const signatures = items.map((item) => signatureOf(rows, item));
  const folded: NetworkItem[] = [];
  for (let i = 0; i < items.length;) {
    const { period, repeats } = longestRepeat(signatures, i);
    if (repeats === 1) folded.push(items[i]);
    else {
      const shown = items.slice(i, i + period);
      const all = items.slice(i, i + period * repeats);
      folded.push({
        title: `${all[0].title} … ${all[all.length - 1].title}`,
        names: all.map(({ title }) => title),
        framed: true,
        first: shown[0].first,
        size: shown.reduce((sum, { size }) => sum + size, 0),
        repeats,
      });
    }
    i += period * repeats;
  }
  return folded;
}

/** Of the sequences that begin at an item and are repeated, that which saves the most. */
function longestRepeat(signatures: readonly string[], start: number) {
  let best = { period: 1, repeats: 1 };
  for (let period = 1; period <= LONGEST_PERIOD; period++) {
    let end = start + period;
    while (end < signatures.length && signatures[end] === signatures[end - period]) end++;
    const repeats = Math.floor((end - start) / period);
    if (period * (repeats - 1) > best.period * (best.repeats - 1)) best = { period, repeats };
  }
  return best;
}

/** What two items must have in common to be copies: all but the names. */
function signatureOf(rows: readonly LayerRow[], { first, size, framed }: NetworkItem): string {
  const layers = rows.slice(first, first + size).map((row, i) => [
    row.kind,
    row.shape,
    row.tensors.map(({ shape }) => shape),
    row.multiplyAdds,
    row.inputs.map((input) => first + i - input),
  ]);
  return JSON.stringify([framed, layers]);
}
