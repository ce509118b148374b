/** Which family of kernels suits an adapter; see docs/architecture.md. */
export type AdapterKind = "gpu" | "subgroup8" | "software" | "naive";

/** The engine that kernels are for and, where it has several families of them, the family. */
export type Target =
  | { readonly engine: "webgpu"; readonly kind: AdapterKind }
  | { readonly engine: "wasm" };

/** The engines; every op has kernels for each. */
export type Engine = Target["engine"];

/** A buffer of a launch as the op that issues it sees it: one of its inputs, its output, or scratch memory of its own. */
export type Operand =
  | { readonly from: "input"; readonly index: number }
  | { readonly from: "output" }
  | { readonly from: "scratch"; readonly index: number };

/** The op's input number `index`. */
export function input(index: number): Operand {
  return { from: "input", index };
}

/** The op's output. */
export const output: Operand = { from: "output" };

/** The op's scratch buffer number `index`, valid for this op's launches only. */
export function scratch(index: number): Operand {
  return { from: "scratch", index };
}

/** The number of workgroups in x, y, z. */
export type Grid = readonly [number, number, number];

/** One kernel dispatch as data: it can be printed, counted and costed without a device. */
export interface Launch {
  /** Name in the engine's kernel table. */
  readonly kernel: string;
  /** Pipeline constants. Integers for u32/i32, booleans for bool. */
  readonly overrides: Readonly<Record<string, number | boolean>>;
  /** Replaced `const` and `alias` lines of the shader. */
  readonly lines: Readonly<Record<string, number | string>>;
  /** Values of `struct Params`, packed in declaration order, 4 bytes each. */
  readonly params: Uint8Array<ArrayBuffer>;
  /** Buffers in binding order. */
  readonly buffers: readonly Operand[];
  /** The access that the kernel declares for each buffer. */
  readonly access: readonly ("read" | "read_write")[];
  readonly grid: Grid;
}

/** What an op issues: its launches in order, and the bytes of each scratch buffer they use. */
export interface LaunchList {
  readonly launches: readonly Launch[];
  readonly scratchBytes?: readonly number[];
}

/** The most workgroups that WebGPU accepts in one dimension. */
export const MAX_GRID = 65535;

/**
 * Folds `groups` workgroups into x and y, as one dimension holds at most 65,535.
 * The kernel recovers the index as `id.y * groups_x + id.x` and drops what lies beyond `groups`.
 */
export function foldGrid(groups: number): Grid {
  if (groups <= MAX_GRID) return [Math.max(groups, 1), 1, 1];
  const rows = Math.ceil(groups / MAX_GRID);
  return [Math.ceil(groups / rows), rows, 1];
}
