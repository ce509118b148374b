/**
 * The kernels of the CPU engine. Each is an AssemblyScript function of `assembly/`,
 *
 * ```ts ignore
 * export function name(p: usize, first: i32, last: i32, scratch: usize): void
 * ```
 *
 * that computes the work units `first` to `last - 1` of a launch's `units`.
 * - `p` points at a block of 4-byte words: the byte offset of each buffer in declared order, then the params.
 * - A unit's result must not depend on which thread computes it or on how many there are, so that results
 *   are the same to the bit for any number of threads. Units must not read what other units write.
 * - `scratch` is the thread's own area of `SCRATCH_BYTES`, 64-byte aligned, undefined at first.
 * - Slices start at multiples of 64 bytes. A tensor may be read up to 64 bytes beyond its end, where
 *   anything may stand. What follows it up to the next multiple of 16 bytes is its own and may be written.
 */
import type { ScalarType } from "../engine/params.ts";
import { GEMM_KERNELS } from "./gemm_kernels.ts";
import type { KERNEL_NAMES } from "./module.gen.ts";
import { PASS_KERNELS } from "./pass_kernels.ts";

/** What a launch must give a kernel. */
export interface KernelInterface {
  readonly buffers: readonly string[];
  /** What the kernel does with each buffer. */
  readonly access: readonly ("read" | "read_write")[];
  readonly params: Readonly<Record<string, Exclude<ScalarType, "bool">>>;
}

/** Bytes of a thread's scratch area. */
export const SCRATCH_BYTES = 1 << 20;

/** The name of a kernel, as its function is called. */
export type KernelName = keyof typeof KERNELS;

/** Every kernel's interface. A function without an interface is a compile error, and so is the reverse. */
export const KERNELS = {
  ...PASS_KERNELS,
  ...GEMM_KERNELS,
} as const satisfies Record<(typeof KERNEL_NAMES)[number], KernelInterface>;

const everyKernelIsCompiled: (typeof KERNEL_NAMES)[number] extends KernelName
  ? KernelName extends (typeof KERNEL_NAMES)[number] ? true : never
  : never = true;
void everyKernelIsCompiled;
