import { ConfigError } from "./errors.ts";
import { nearest } from "./suggest.ts";

type EnvFlag =
  | {
    readonly kind: "integer";
    readonly default: number;
    readonly min: number;
    readonly max: number;
    readonly meaning: string;
  }
  | {
    readonly kind: "choice";
    readonly default: string;
    readonly choices: readonly string[];
    readonly meaning: string;
  }
  | { readonly kind: "boolean"; readonly default: false; readonly meaning: string };

/** Every environment variable that kiln reads, with its default and meaning. */
export const ENV_FLAGS = {
  KILN_DEBUG: {
    kind: "integer",
    default: 0,
    min: 0,
    max: 4,
    meaning: "1 adapter and device, 2 one line a kernel, 3 buffers and plan, 4 WGSL sources",
  },
  KILN_ADAPTER: {
    kind: "choice",
    default: "auto",
    choices: ["auto", "gpu", "subgroup8", "software", "naive"],
    meaning: "the kind of adapter that kernels are chosen for, whatever the adapter is",
  },
  NO_COLOR: {
    kind: "boolean",
    default: false,
    meaning: "any value but the empty one: no colors",
  },
} as const satisfies Record<string, EnvFlag>;

/** The name of an environment variable that kiln reads. */
export type EnvName = keyof typeof ENV_FLAGS;

/** The type of an environment variable's value. */
export type EnvValue<N extends EnvName> = (typeof ENV_FLAGS)[N] extends
  { choices: readonly (infer C)[] } ? C
  : (typeof ENV_FLAGS)[N] extends { kind: "integer" } ? number
  : boolean;

/**
 * The value of an environment variable, or its default where it is unset, empty, or where
 * `--allow-env` does not cover it (the user is never asked).
 * A value out of range is a {@linkcode ConfigError}.
 */
export function envFlag<N extends EnvName>(name: N): EnvValue<N> {
  return parseEnvFlag(name, readEnv(name));
}

/** Reads every variable, so that a wrong one is found whichever of them a command comes to need. */
export function checkEnvFlags(): void {
  for (const name of Object.keys(ENV_FLAGS)) envFlag(name as EnvName);
}

/** What {@linkcode envFlag} makes of the text of a variable. */
export function parseEnvFlag<N extends EnvName>(name: N, text: string | undefined): EnvValue<N> {
  const flag: EnvFlag = ENV_FLAGS[name];
  return parse(name, flag, text) as EnvValue<N>;
}

/** The text of any environment variable; undefined if it is unset or may not be read. */
export function readEnv(variable: string): string | undefined {
  // Deno.env.get would ask on a terminal, or throw; the query does neither.
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}

function parse(name: string, flag: EnvFlag, text: string | undefined): string | number | boolean {
  if (text === undefined || text === "") return flag.default;
  switch (flag.kind) {
    case "boolean":
      return true;
    case "choice": {
      if (flag.choices.includes(text)) return text;
      const near = nearest(text, flag.choices);
      throw new ConfigError(
        `environment variable ${name} must be one of ${flag.choices.join(", ")}: found ` +
          JSON.stringify(text),
        { hint: near === undefined ? `unset ${name}` : `did you mean ${name}=${near}?` },
      );
    }
    case "integer": {
      const value = Number(text);
      if (/^\d+$/.test(text) && value >= flag.min && value <= flag.max) return value;
      throw new ConfigError(
        `environment variable ${name} must be an integer from ${flag.min} to ${flag.max}: found ` +
          JSON.stringify(text),
        { hint: `${flag.meaning}` },
      );
    }
  }
}
