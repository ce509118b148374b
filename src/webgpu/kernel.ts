import type { Grid, Launch, Operand } from "../engine/launch.ts";
import { checkScalar, packParams } from "../engine/params.ts";
import { KERNELS } from "./kernels.gen.ts";
import type { KernelInterface } from "./reflect.ts";

/** The name of a WGSL kernel, as its file is called. */
export type KernelName = keyof typeof KERNELS;

type Kernel<K extends KernelName> = (typeof KERNELS)[K];
type ValueOf<T> = T extends "bool" ? boolean : number;
type Values<T> = { readonly [key in keyof T]: ValueOf<T[key]> };
/** `{}` would take anything: a shader without such values takes none. */
type Optional<Key extends string, T> = keyof T extends never
  ? { readonly [key in Key]?: Record<string, never> }
  : { readonly [key in Key]: T };

/** Types that an alias line may name. */
type VectorType = "f32" | "vec4f" | "u32" | "vec4u" | "bool" | "vec4<bool>";

/** What a launch of kernel `K` must be given; derived from its WGSL. */
export type KernelArguments<K extends KernelName> =
  & {
    readonly buffers: { readonly [name in Kernel<K>["buffers"][number]]: Operand };
    readonly lines?: { readonly [name in keyof Kernel<K>["lines"]]?: number };
    /** Element types: a kernel that can read whole vec4s where sizes allow. */
    readonly aliases?: { readonly [name in keyof Kernel<K>["aliases"]]?: VectorType };
    readonly grid: Grid;
  }
  & Optional<"overrides", Values<Kernel<K>["overrides"]>>
  & Optional<"params", Values<Kernel<K>["params"]>>;

/**
 * A launch of a WGSL kernel as data. Buffers, overrides and params are checked against the shader
 * by the compiler; integers are checked here, because WebGPU silently accepts 1.5 for a u32.
 *
 * @throws {RangeError} if an integer override, line, param or grid size is not a whole number in range.
 */
export function launch<K extends KernelName>(kernel: K, given: KernelArguments<K>): Launch {
  const spec: KernelInterface = KERNELS[kernel];
  const overrides = (given.overrides ?? {}) as Record<string, number | boolean>;
  const params = (given.params ?? {}) as Record<string, number | boolean>;
  const lines = (given.lines ?? {}) as Record<string, number>;
  const buffers = given.buffers as Readonly<Record<string, Operand>>;
  for (const [name, type] of Object.entries(spec.overrides)) {
    if (type !== "bool") checkScalar(`${kernel} override ${name}`, type, overrides[name]);
  }
  for (const [name, value] of Object.entries(lines)) {
    checkScalar(`${kernel} const ${name}`, "u32", value);
  }
  for (const size of given.grid) {
    checkScalar(`${kernel} grid`, "u32", size);
    if (size > 65535) {
      throw new RangeError(`Cannot launch ${kernel}: grid ${given.grid} exceeds 65535`);
    }
  }
  return {
    kernel,
    overrides,
    lines: { ...lines, ...(given.aliases as Record<string, string>) },
    params: packParams(kernel, spec.params, params),
    buffers: spec.buffers.map((name) => buffers[name]),
    access: spec.access,
    grid: given.grid,
  };
}
