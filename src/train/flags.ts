import { INTERVAL_FORMS, parseInterval } from "./interval.ts";

/** A default: a value, or a function with the words that stand for it in the help. */
export type Default<T> = T | { readonly text: string; readonly of: () => T | null };

interface Common {
  /** The heading under which the help lists the flag. */
  readonly group: string;
  /** What it does, with its unit; a part of a sentence. */
  readonly about: string;
  /** A flag that must not be given together with this one. */
  readonly excludes?: string;
  /** Another name for it. */
  readonly alias?: string;
}

/** The arguments of a command that are no flags. */
export interface Positionals {
  /** The property of the settings that holds them. */
  readonly name: string;
  /** How they stand in the usage, e.g. `image|folder|- …`. */
  readonly placeholder: string;
  /** What they are, for errors and the help: `images`. */
  readonly about: string;
  /** A command line that has some. */
  readonly example: string;
}

/** A flag with a number; `min` and `max` belong to the range, `above` and `below` do not. */
export interface NumberFlag extends Common {
  readonly kind: "integer" | "number";
  readonly default: Default<number>;
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
}

/** A flag with a text that is not empty; `placeholder` stands for it in the help. */
export interface StringFlag extends Common {
  readonly kind: "string";
  readonly default: Default<string>;
  readonly placeholder: string;
}

/** A flag without a value: `--name` is true, `--no-name` false. */
export interface BooleanFlag extends Common {
  readonly kind: "boolean";
  readonly default: boolean;
}

/** A flag with one of several words. */
export interface ChoiceFlag extends Common {
  readonly kind: "choice";
  readonly choices: readonly string[];
  readonly default: string;
}

/** A flag with a number of steps or a time: see `interval.ts`. */
export interface IntervalFlag extends Common {
  readonly kind: "interval";
  readonly default: string;
}

/** One flag of a command. */
export type Flag = NumberFlag | StringFlag | BooleanFlag | ChoiceFlag | IntervalFlag;

/** The flags of a command by name: `batch-size`, without the dashes. */
export type FlagTable = Readonly<Record<string, Flag>>;

/** The value of any flag, as it stands in JSON. */
export type FlagValue = number | string | boolean | null;

type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

type BaseValue<F extends Flag> = F extends ChoiceFlag ? F["choices"][number]
  : F extends NumberFlag ? number
  : F extends BooleanFlag ? boolean
  : string;

type ValueOf<F extends Flag> =
  | BaseValue<F>
  | (F["default"] extends { of: () => infer R } ? Extract<R, null> : never);

/** The values of a table of flags: `batch-size` becomes `batchSize`. */
export type FlagValues<T extends FlagTable> = {
  readonly [N in keyof T & string as CamelCase<N>]: ValueOf<T[N]>;
};

/** The range of a flag in words: `an integer from 1 to 16`, `one of auto, gpu, software`. */
export function expected(flag: Flag): string {
  switch (flag.kind) {
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${flag.choices.join(", ")}`;
    case "string":
      return `a ${flag.placeholder} (not empty)`;
    case "interval":
      return INTERVAL_FORMS;
    default:
      return [flag.kind === "integer" ? "an integer" : "a number", ...bounds(flag)].join(" ");
  }
}

/** `batch-size` as a property's name: `batchSize`. */
export function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** A property's name as its flag's: `batch-size`. */
export function flagName(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function bounds({ min, max, above, below }: NumberFlag): string[] {
  if (min !== undefined && max !== undefined) return [`from ${min} to ${max}`];
  const low = min !== undefined
    ? `of at least ${min}`
    : above !== undefined
    ? `above ${above}`
    : "";
  const high = max !== undefined ? `at most ${max}` : below !== undefined ? `below ${below}` : "";
  return [[low, high].filter((part) => part !== "").join(" and ")].filter((part) => part !== "");
}

/** Whether a value is what the flag may have: its type and its range. */
export function isValid(flag: Flag, value: unknown): value is FlagValue {
  if (value === null) {
    return typeof flag.default === "object" && flag.default.of() === null;
  }
  switch (flag.kind) {
    case "boolean":
      return typeof value === "boolean";
    case "choice":
      return flag.choices.some((choice) => choice === value);
    case "string":
      return typeof value === "string" && value !== "";
    case "interval":
      return typeof value === "string" && parseInterval(value) !== undefined;
    default: {
      if (typeof value !== "number") return false;
      if (flag.kind === "integer" && !Number.isSafeInteger(value)) return false;
      const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity } = flag;
      // NaN and infinities fail too: no bound of a range includes them.
      return value >= min && value <= max && value > above && value < below;
    }
  }
}
