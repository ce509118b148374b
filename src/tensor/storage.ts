import { sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** A run of launches' need for memory: bytes from launch `first` to launch `last`, both included. */
export interface Interval {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** Where an interval was put. */
export interface Assignment {
  /** Bytes of each physical block. */
  readonly blocks: readonly number[];
  /** The block of each interval, in the order given. */
  readonly blockOf: readonly number[];
}

/**
 * Shares memory by liveness: largest first, each interval goes to the smallest block in which nothing
 * overlaps it in time (greedy by size: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural
 * Net Inference", 2020). Blocks are whole buffers, because WebGPU tracks hazards by buffer.
 */
export function assignBlocks(intervals: readonly Interval[]): Assignment {
  const order = intervals.map((_, i) => i).sort((a, b) =>
    intervals[b].bytes - intervals[a].bytes || a - b
  );
  const blocks: { bytes: number; tenants: Interval[] }[] = [];
  const blockOf = new Array<number>(intervals.length);
  for (const i of order) {
    const interval = intervals[i];
    let best = -1;
    for (const [b, block] of blocks.entries()) {
      const free = block.tenants.every((t) => t.last < interval.first || t.first > interval.last);
      if (free && (best < 0 || block.bytes < blocks[best].bytes)) best = b;
    }
    if (best < 0) {
      best = blocks.length;
      blocks.push({ bytes: interval.bytes, tenants: [] });
    }
    blocks[best].tenants.push(interval);
    blockOf[i] = best;
  }
  return { blocks: blocks.map((b) => b.bytes), blockOf };
}

/** Where a tensor placed in a pack lies: the pack, and the offset in elements. */
export interface Placement {
  readonly pack: Tensor;
  readonly offset: number;
}

/**
 * The inputs of pack nodes that can be computed right into the pack's memory, so that no copy is needed:
 * those with memory of their own and one aligned slot, unless a reader of it is placed in the same pack
 * (a launch must not read and write one buffer).
 */
export function placeInPacks(order: readonly Tensor[], alignment: number): Map<Tensor, Placement> {
  const readers = new Map<Tensor, Tensor[]>();
  for (const node of order) {
    for (const input of node.inputs) {
      const list = readers.get(input);
      if (list === undefined) readers.set(input, [node]);
      else list.push(node);
    }
  }
  const placed = new Map<Tensor, Placement>();
  for (const pack of order) {
    const storage = pack.op?.storage;
    if (storage?.kind !== "pack") continue;
    const members = new Set(pack.inputs);
    pack.inputs.forEach((tensor, i) => {
      const offset = storage.offsets[i];
      const once = pack.inputs.indexOf(tensor) === pack.inputs.lastIndexOf(tensor);
      const free = tensor.op?.storage.kind === "own" && once && !placed.has(tensor) &&
        (offset * 4) % alignment === 0;
      const conflict = reachesMember(tensor, readers, members);
      if (free && !conflict) placed.set(tensor, { pack, offset });
    });
  }
  return placed;
}

/** True if a launch that reads `tensor`, directly or through a view, makes a member of the same pack. */
function reachesMember(
  tensor: Tensor,
  readers: ReadonlyMap<Tensor, readonly Tensor[]>,
  members: ReadonlySet<Tensor>,
): boolean {
  return (readers.get(tensor) ?? []).some((reader) =>
    members.has(reader) ||
    (reader.op?.storage.kind === "alias" && reachesMember(reader, readers, members))
  );
}

/** Elements by which slots of a pack are aligned: 256 bytes, the strictest offset alignment of WebGPU. */
export const SLOT_ELEMENTS = 64;

/** Offsets of consecutive tensors in one block, each at the start of a slot, and the block's size; in elements. */
export function slotLayout(
  shapes: readonly (readonly number[])[],
): { offsets: number[]; size: number } {
  const offsets: number[] = [];
  let size = 0;
  for (const shape of shapes) {
    offsets.push(size);
    size += Math.ceil(sizeOf(shape) / SLOT_ELEMENTS) * SLOT_ELEMENTS;
  }
  return { offsets, size };
}
