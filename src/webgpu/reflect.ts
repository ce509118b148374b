import type { ScalarType } from "../engine/params.ts";

/** What TypeScript needs to know of a shader to launch it. */
export interface KernelInterface {
  /** Storage bindings in order, without the uniform. */
  readonly buffers: readonly string[];
  readonly access: readonly ("read" | "read_write")[];
  readonly overrides: Readonly<Record<string, ScalarType>>;
  /** Replaceable `const NAME = 4u;` lines with their defaults. */
  readonly lines: Readonly<Record<string, number>>;
  /** Replaceable `alias name = f32;` lines with their defaults. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Fields of `struct Params` in order; empty if the shader has none. */
  readonly params: Readonly<Record<string, ScalarType>>;
  /** True if the shader uses subgroup operations and so needs that feature. */
  readonly subgroups: boolean;
}

/**
 * Reads a shader's interface from its text (`uses` already spliced in).
 * The style rules make this a matter of lines; what does not follow them is an error, not a guess.
 *
 * @throws {SyntaxError} naming the shader and the line.
 */
export function reflect(name: string, source: string): KernelInterface {
  const text = source.replace(/\/\/.*$/gm, "");
  const buffers: string[] = [];
  const access: ("read" | "read_write")[] = [];
  let uniform = -1;
  let bindings = 0;
  const binding = /@group\((\d+)\)\s*@binding\((\d+)\)\s*var<(\w+)(?:,\s*(\w+))?>\s*(\w+)\s*:/g;
  for (const [line, group, index, space, mode, variable] of text.matchAll(binding)) {
    if (group !== "0" || Number(index) !== bindings) {
      throw new SyntaxError(
        `${name}: bindings must be @group(0), counted from 0, in order: ${line}`,
      );
    }
    bindings++;
    if (space === "uniform") {
      if (variable !== "p") throw new SyntaxError(`${name}: the uniform must be called p: ${line}`);
      uniform = Number(index);
    } else {
      if (mode !== "read" && mode !== "read_write") {
        throw new SyntaxError(`${name}: storage must be read or read_write: ${line}`);
      }
      buffers.push(variable);
      access.push(mode);
    }
  }
  if (uniform >= 0 && uniform !== buffers.length) {
    throw new SyntaxError(`${name}: the uniform must be the last binding`);
  }
  const struct = text.match(/struct Params\s*\{([^}]*)\}/);
  if ((struct === null) !== (uniform < 0)) {
    throw new SyntaxError(`${name}: struct Params and var<uniform> p go together`);
  }
  return {
    buffers,
    access,
    overrides: scalars(name, text.matchAll(/\boverride\s+(\w+)\s*:\s*(\w+)/g)),
    lines: Object.fromEntries(
      [...text.matchAll(/^const (\w+) = (\d+)u;/gm)].map(([, key, value]) => [key, Number(value)]),
    ),
    aliases: Object.fromEntries(
      [...text.matchAll(/^alias (\w+) = (\w+);/gm)].map(([, key, type]) => [key, type]),
    ),
    params: scalars(name, (struct?.[1] ?? "").matchAll(/(\w+)\s*:\s*(\w+)/g)),
    subgroups: /\bsubgroup[A-Z]\w*\(/.test(text),
  };
}

function scalars(name: string, matches: Iterable<RegExpMatchArray>): Record<string, ScalarType> {
  const found: Record<string, ScalarType> = {};
  for (const [, field, type] of matches) {
    if (type !== "u32" && type !== "i32" && type !== "f32" && type !== "bool") {
      throw new SyntaxError(`${name}: ${field} must be a scalar, not ${type}`);
    }
    found[field] = type;
  }
  return found;
}
