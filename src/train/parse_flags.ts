import { parseArgs } from "node:util";
import { ConfigError } from "../util/errors.ts";
import { nearest } from "../util/suggest.ts";
import {
  camelCase,
  expected,
  type Flag,
  type FlagTable,
  type FlagValue,
  type FlagValues,
  isValid,
  type Positionals,
} from "./flags.ts";

/** What an error about a flag says beside the flag. */
export interface FlagContext {
  /** The command, e.g. `train`. */
  readonly command: string;
  /** How a person starts it, e.g. `deno task train`. */
  readonly usage: string;
  /** The commands that have a flag of this name, for one that this command lacks. */
  readonly commandsWith: (name: string) => readonly string[];
  /** What the arguments are that are no flags, for a command that takes such. */
  readonly positionals?: Positionals;
}

/**
 * Reads flags by a table: `--name value`, `--name=value`, `--name` and `--no-name` for booleans.
 * A flag that is unknown, given twice, without its value, out of range or excluded by another one is
 * a {@linkcode ConfigError}, as is any argument that is not a flag.
 */
export function parseFlags<T extends FlagTable>(
  table: T,
  args: readonly string[],
  context: FlagContext,
): FlagValues<T> {
  return fill(table, readFlags(table, args, context));
}

/**
 * Reads flags as {@linkcode parseFlags} does, and the arguments between and behind them, as they stand;
 * `--` ends the flags. None where some are needed is a {@linkcode ConfigError}.
 */
export function parseArguments<T extends FlagTable>(
  table: T,
  args: readonly string[],
  context: FlagContext & { readonly positionals: Positionals },
): { readonly flags: FlagValues<T>; readonly positionals: readonly string[] } {
  const flags = parseFlags(table, args, context);
  const positionals = tokenize(table, args).flatMap((token) =>
    token.kind === "positional" ? [token.value] : []
  );
  if (positionals.length === 0) {
    throw new ConfigError(
      `Cannot ${context.command} without ${context.positionals.about}: expected at least one, found none`,
      { hint: `for example ${context.positionals.example}` },
    );
  }
  return { flags, positionals };
}

/** The flags that were given, by their properties' names, as `parseFlags` reads and checks them. */
export function parseGivenFlags<T extends FlagTable>(
  table: T,
  args: readonly string[],
  context: FlagContext,
): Partial<FlagValues<T>> {
  const given = readFlags(table, args, context);
  return Object.fromEntries([...given].map(([name, value]) => [camelCase(name), value])) as Partial<
    FlagValues<T>
  >;
}

function readFlags(
  table: FlagTable,
  args: readonly string[],
  context: FlagContext,
): Map<string, FlagValue> {
  const given = new Map<string, FlagValue>();
  for (const token of tokenize(table, args)) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      if (context.positionals !== undefined) continue;
      throw new ConfigError(
        `unexpected argument ${JSON.stringify(token.value)} for ${context.command}: ` +
          "expected flags only",
        { hint: seeHelp(context) },
      );
    }
    const resolved = resolveName(table, token.name);
    if (resolved === undefined) throw unknownFlag(table, token.rawName, context);
    const { name, negated } = resolved;
    // parseArgs takes whatever follows; what looks like the next flag is not a value.
    const missing = !token.inlineValue && token.value?.startsWith("--");
    const value = parseValue(
      token.rawName,
      table[name],
      missing ? undefined : token.value,
      negated,
    );
    if (given.has(name)) {
      throw new ConfigError(
        `--${name} may be given only once: found ${quote(given.get(name))} and ${quote(value)}`,
        { hint: `keep one --${name}` },
      );
    }
    given.set(name, value);
  }
  for (const name of given.keys()) {
    const other = table[name].excludes;
    if (other === undefined || !given.has(other)) continue;
    throw new ConfigError(`--${name} and --${other} exclude each other: found both`, {
      hint: `keep either --${name} or --${other}`,
    });
  }
  return given;
}

/**
 * Reads back what was saved as JSON: every key must be a flag of the table with a value in its
 * range; what is missing takes its default. `source` names the file in errors.
 */
export function flagsFromJson<T extends FlagTable>(
  table: T,
  json: unknown,
  source: string,
): FlagValues<T> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new ConfigError(`${source}: expected an object of settings, found ${typeOf(json)}`);
  }
  const names = new Map(Object.keys(table).map((name) => [camelCase(name), name]));
  const given = new Map<string, FlagValue>();
  for (const [key, value] of Object.entries(json)) {
    const name = names.get(key);
    if (name === undefined) {
      const near = nearest(key, [...names.keys()]);
      throw new ConfigError(`${source}: unknown setting ${JSON.stringify(key)}`, {
        hint: near === undefined ? "remove it" : `did you mean ${JSON.stringify(near)}?`,
      });
    }
    if (!isValid(table[name], value)) {
      throw new ConfigError(
        `${source}: ${JSON.stringify(key)} must be ${expected(table[name])}: found ${quote(value)}`,
      );
    }
    given.set(name, value);
  }
  return fill(table, given);
}

function tokenize(table: FlagTable, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(table).flatMap(([name, flag]) => {
      const option = { type: flag.kind === "boolean" ? "boolean" as const : "string" as const };
      const names = flag.alias === undefined ? [name] : [name, flag.alias];
      return names.map((written) => [written, option]);
    }),
  );
  return parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens;
}

/** The table's name of a flag as it was written; `no-x` is `x` if that is a boolean, negated. */
function resolveName(
  table: FlagTable,
  written: string,
): { readonly name: string; readonly negated: boolean } | undefined {
  const entry = Object.entries(table).find(([name, { alias }]) =>
    name === written || alias === written
  );
  if (entry !== undefined) return { name: entry[0], negated: false };
  const name = written.replace(/^no-/, "");
  return Object.hasOwn(table, name) && table[name].kind === "boolean"
    ? { name, negated: true }
    : undefined;
}

function parseValue(
  written: string,
  flag: Flag,
  text: string | undefined,
  negated: boolean,
): FlagValue {
  if (flag.kind === "boolean") {
    if (text === undefined) return !negated;
    throw new ConfigError(`${written} takes no value: found ${JSON.stringify(text)}`, {
      hint: `write ${written} alone`,
    });
  }
  const value = text === undefined ? undefined : convert(flag, text);
  if (value !== undefined && isValid(flag, value)) return value;
  const found = text === undefined ? "no value" : JSON.stringify(text);
  throw new ConfigError(`${written} must be ${expected(flag)}: found ${found}`, {
    hint: valueHint(written, flag, text),
  });
}

/** The value that a text stands for; what is no number for a number's flag is returned as it is. */
function convert(flag: Flag, text: string): FlagValue {
  if (flag.kind !== "integer" && flag.kind !== "number") return text;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

function fill<T extends FlagTable>(table: T, given: ReadonlyMap<string, FlagValue>): FlagValues<T> {
  const entries = Object.entries(table).map(([name, flag]) => [
    camelCase(name),
    given.has(name)
      ? given.get(name)
      : typeof flag.default === "object"
      ? flag.default.of()
      : flag.default,
  ]);
  return Object.fromEntries(entries);
}

function unknownFlag(table: FlagTable, written: string, context: FlagContext): ConfigError {
  const message = `unknown flag ${written} for ${context.command}`;
  const name = written.replace(/^-+/, "");
  const positive = name.replace(/^no-/, "");
  const known = Object.hasOwn(table, positive);
  const others = known ? [] : context.commandsWith(positive);
  const near = known ? positive : nearest(name, flagNames(table));
  const parts = [
    ...(near === undefined ? [] : [`did you mean --${near}?`]),
    ...(others.length === 0 ? [] : [`--${positive} is a flag of ${others.join(" and ")};`]),
  ];
  return new ConfigError(message, { hint: [...parts, seeHelp(context)].join(" ") });
}

/** Every way to write a flag of the table, `no-x` only where it says something. */
function flagNames(table: FlagTable): string[] {
  return Object.entries(table).flatMap(([name, flag]) => [
    ...flag.default === true ? [`no-${name}`] : [],
    name,
    ...flag.alias === undefined ? [] : [flag.alias],
  ]);
}

function valueHint(written: string, flag: Flag, text: string | undefined): string {
  if (flag.kind === "choice") {
    const near = text === undefined ? undefined : nearest(text, flag.choices);
    return near === undefined
      ? `for example ${written} ${flag.choices[0]}`
      : `did you mean ${near}?`;
  }
  const example = typeof flag.default === "object" ? flag.default.of() : flag.default;
  return example === null
    ? `write ${written} followed by ${expected(flag)}`
    : `for example ${written} ${example}`;
}

function seeHelp(context: FlagContext): string {
  return `see ${context.usage} --help`;
}

function quote(value: unknown): string {
  return typeof value === "object" && value !== null ? typeOf(value) : JSON.stringify(value);
}

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
