/**
 * From the text of a shader file to the WGSL handed to naga: pure text, no device.
 *
 * The three rules are those of docs/architecture.md "Shaders": included files, replaced lines,
 * unrolled loops, applied in that order. A file whose `//! use` lines are filled in is valid WGSL
 * already, except where it needs constants that only unrolling gives (`subgroupBroadcast`).
 */

/** What a shader file is expanded with. */
export interface SourceOptions {
  /** Text of every file that a `//! use` line may name, by that name. */
  readonly uses: Readonly<Record<string, string>>;
  /** New values of `const NAME = 4u;` lines (integers) and `alias NAME = f32;` lines (types). */
  readonly lines?: Readonly<Record<string, number | string>>;
}

const USE_LINE = /^[ \t]*\/\/! use (\S+)[ \t]*$/gm;
const UNROLL =
  /for \(var (\w+)(?:: u32)? = 0u; \1 < (\w+(?: \* \w+)*); (?:\1\+\+|\1 \+= 1u|\+\+\1)\) \{ *\/\/! unroll[^\n]*\n/;

/** Fills in `//! use` lines, replaces const and alias lines by name, and unrolls marked loops. */
export function expandSource(text: string, options: SourceOptions): string {
  const included = include(text, options.uses, new Set());
  const replaced = replaceLines(included, options.lines ?? {});
  const unrolled = unroll(replaced, constants(replaced));
  const left = /^.*\/\/! (?:unroll|use).*$/m.exec(unrolled);
  if (left) throw new SyntaxError(`Cannot expand the shader line: ${left[0].trim()}`);
  return unrolled;
}

/** A file named by several others is included once, where it is first named. */
function include(text: string, uses: SourceOptions["uses"], seen: Set<string>): string {
  return text.replace(USE_LINE, (_line, name: string) => {
    if (seen.has(name)) return "";
    seen.add(name);
    const file = Object.hasOwn(uses, name) ? uses[name] : undefined;
    if (file === undefined) throw new SyntaxError(`Cannot find the shader file ${name} to use`);
    return include(file, uses, seen).trimEnd();
  });
}

function replaceLines(text: string, lines: NonNullable<SourceOptions["lines"]>): string {
  let result = text;
  for (const [name, value] of Object.entries(lines)) {
    const isConst = typeof value === "number";
    if (isConst && !(Number.isInteger(value) && value >= 0 && value <= 0xffffffff)) {
      throw new RangeError(`Cannot set const ${name} as it is a u32: value is ${value}`);
    }
    const line = isConst
      ? new RegExp(`^const ${name} = \\d+u;`, "gm")
      : new RegExp(`^alias ${name} = [^;\\n]+;`, "gm");
    const count = result.match(line)?.length ?? 0;
    if (count !== 1) {
      const kind = isConst ? `const ${name} = <integer>u;` : `alias ${name} = <type>;`;
      throw new SyntaxError(`Cannot replace the line "${kind}" as ${count} lines read so`);
    }
    result = result.replace(
      line,
      isConst ? `const ${name} = ${value}u;` : `alias ${name} = ${value};`,
    );
  }
  return result;
}

function constants(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/^const (\w+) = (\d+)u;/gm)) {
    found.set(name, Number(value));
  }
  return found;
}

/** Unrolls the outermost marked loops; the loops inside follow in each copy of the body. */
function unroll(text: string, known: Map<string, number>): string {
  const loop = UNROLL.exec(text);
  if (!loop) return text;
  const [head, variable, bound] = loop;
  const trips = bound.split(" * ").reduce((product, factor) => product * size(factor, known), 1);
  const start = loop.index + head.length;
  const end = closingBrace(text, start);
  const body = text.slice(start, end);
  // Not a field of the same name (p.i), nor a part of a longer name.
  const use = new RegExp(`(?<![\\w.])${variable}(?!\\w)`, "g");
  let copies = "";
  for (let trip = 0; trip < trips; trip++) {
    copies += `{\n${unroll(body.replace(use, `${trip}u`), known)}}\n`;
  }
  return text.slice(0, loop.index) + copies + unroll(text.slice(end + 1), known);
}

/** A bound is a product of integer literals and names of const lines. */
function size(factor: string, known: Map<string, number>): number {
  const value = /^\d+u?$/.test(factor) ? parseInt(factor) : known.get(factor);
  if (value === undefined) {
    throw new SyntaxError(`Cannot unroll to ${factor}: it is neither an integer nor a const line`);
  }
  return value;
}

/** Index of the brace that closes the block whose inside starts at `start`. */
function closingBrace(text: string, start: number): number {
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text.startsWith("//", i)) {
      const newline = text.indexOf("\n", i);
      if (newline < 0) break;
      i = newline;
    } else if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return i;
  }
  throw new SyntaxError("Cannot unroll a loop whose block is not closed");
}
