import type { Launch, Operand } from "../engine/launch.ts";
import { checkScalar, packParams } from "../engine/params.ts";
import { type KernelInterface, type KernelName, KERNELS } from "./kernels.ts";

type Kernel<K extends KernelName> = (typeof KERNELS)[K];

/** What a launch of kernel `K` must be given. */
export interface KernelArguments<K extends KernelName> {
  readonly buffers: { readonly [name in Kernel<K>["buffers"][number]]: Operand };
  readonly params: { readonly [name in keyof Kernel<K>["params"]]: number };
  /** Independent parts of the work, which threads share. */
  readonly units: number;
}

/**
 * A launch of a CPU kernel as data, checked against its interface by the compiler.
 *
 * @throws {RangeError} if a param does not have its type or `units` is no whole number.
 */
export function launch<K extends KernelName>(kernel: K, given: KernelArguments<K>): Launch {
  const spec: KernelInterface = KERNELS[kernel];
  const buffers = given.buffers as Readonly<Record<string, Operand>>;
  checkScalar(`${kernel} units`, "u32", given.units);
  return {
    kernel,
    overrides: {},
    lines: {},
    params: packParams(kernel, spec.params, given.params),
    buffers: spec.buffers.map((name) => buffers[name]),
    access: spec.access,
    grid: [given.units, 1, 1],
  };
}

/** Elements of a unit of a flat pass: `BLOCK` of assembly/block.ts. */
export const BLOCK = 4096;

/** Units of a flat pass over `length` elements. */
export function blocks(length: number): number {
  return Math.ceil(length / BLOCK);
}
