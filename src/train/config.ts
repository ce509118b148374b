import { ConfigError } from "../util/errors.ts";
import { nearest } from "../util/suggest.ts";
import { checkRecipe } from "./check_recipe.ts";
import { COMMANDS } from "./commands.ts";
import type { Flag, FlagValues } from "./flags.ts";
import { commandHelp, overviewHelp } from "./help.ts";
import {
  type FlagContext,
  flagsFromJson,
  parseArguments,
  parseFlags,
  parseGivenFlags,
} from "./parse_flags.ts";

/** The name of a command. */
export type CommandName = keyof typeof COMMANDS;

/** The settings of a command, by camelCase name; plain JSON values. */
export type ConfigOf<C extends CommandName> =
  & FlagValues<(typeof COMMANDS)[C]["flags"]>
  & PositionalsOf<(typeof COMMANDS)[C]>;

/** The arguments that are no flags, under the name that the command gives them. */
type PositionalsOf<C> = C extends
  { readonly positionals: { readonly name: infer N extends string } }
  ? { readonly [P in N]: readonly string[] }
  : unknown;

/** The settings of `train`; `epochs` is null unless given, and then counts instead of `steps`. */
export type TrainConfig = ConfigOf<"train">;
/** The settings of `eval`; null means the newest. */
export type EvalConfig = ConfigOf<"eval">;
/** The settings of `predict`; null means the newest. */
export type PredictConfig = ConfigOf<"predict">;
/** The settings of `features`; null means the newest, and a null `tap` that they are listed. */
export type FeaturesConfig = ConfigOf<"features">;
/** The settings of `finetune`; a null `validationFeatures` means that nothing is measured. */
export type FinetuneConfig = ConfigOf<"finetune"> & { readonly features: string };
/** The settings of `describe`; a null `svg` means no picture. */
export type DescribeConfig = ConfigOf<"describe">;
/** The settings of `data`; a null `dataUrl` means the official address. */
export type DataConfig = ConfigOf<"data">;
/** The settings of `data inspect`. */
export type InspectConfig = ConfigOf<"data inspect">;
/** The settings of `doctor`. */
export type DoctorConfig = ConfigOf<"doctor">;
/** The settings of `bench`; a null `only` means everything. */
export type BenchConfig = ConfigOf<"bench">;

/** A command line understood: a command with its settings, or a help text to print. */
export type Invocation =
  | {
    readonly [C in Exclude<CommandName, "train" | "finetune">]: {
      readonly command: C;
      readonly config: ConfigOf<C>;
    };
  }[Exclude<CommandName, "train" | "finetune">]
  | { readonly command: "finetune"; readonly config: FinetuneConfig }
  | {
    readonly command: "train";
    readonly config: TrainConfig;
    /** What of it was given: the rest is the run's own where `--resume` goes on with one. */
    readonly given: Partial<TrainConfig>;
  }
  | { readonly command: "help"; readonly text: string };

/**
 * Reads a whole command line: a command and its flags, `<command> --help`, `help <command>`, or
 * nothing, which asks for the overview. Whatever is wrong with it is a {@linkcode ConfigError}.
 */
export function parseCommandLine(argv: readonly string[]): Invocation {
  const [first, ...rest] = argv;
  if (first === undefined || isHelp(first)) {
    return { command: "help", text: overviewHelp(COMMANDS) };
  }
  if (first === "help") {
    const text = rest.length === 0 ? overviewHelp(COMMANDS) : helpText(commandName(rest.join(" ")));
    return { command: "help", text };
  }
  const inspects = first === "data" && rest[0] === "inspect";
  const command = inspects ? "data inspect" : commandName(first);
  if (inspects) rest.shift();
  // Behind `--` stand names of files.
  const end = rest.indexOf("--");
  if (rest.slice(0, end === -1 ? rest.length : end).some(isHelp)) {
    return { command: "help", text: helpText(command) };
  }
  switch (command) {
    case "train": {
      const given = parseGivenFlags(COMMANDS.train.flags, rest, contextOf("train"));
      return { command, config: parseTrainConfig(rest), given };
    }
    case "eval":
      return { command, config: parseEvalConfig(rest) };
    case "predict":
      return { command, config: parsePredictConfig(rest) };
    case "features":
      return { command, config: parseFeaturesConfig(rest) };
    case "finetune":
      return { command, config: parseFinetuneConfig(rest) };
    case "describe":
      return { command, config: parseDescribeConfig(rest) };
    case "data":
      return { command, config: parseDataConfig(rest) };
    case "data inspect":
      return { command, config: parseInspectConfig(rest) };
    case "doctor":
      return { command, config: parseDoctorConfig(rest) };
    case "bench":
      return { command, config: parseBenchConfig(rest) };
  }
}

/** The settings of `train` from the flags behind the command; throws {@linkcode ConfigError}. */
export function parseTrainConfig(argv: readonly string[]): TrainConfig {
  const config = parseFlags(COMMANDS.train.flags, argv, contextOf("train"));
  // A run that goes on, and a model's recipe, bring settings beside the given ones: all are checked together.
  if (!config.resume && config.model === "reference") checkRecipe(config);
  return config;
}

/** The settings of `train` where some are known: the rest are the defaults; throws {@linkcode ConfigError}. */
export function completeTrainConfig(known: Partial<TrainConfig>): TrainConfig {
  const config = { ...parseFlags(COMMANDS.train.flags, [], contextOf("train")), ...known };
  checkRecipe(config);
  return config;
}

/** The settings of `eval` from the flags behind the command; throws {@linkcode ConfigError}. */
export function parseEvalConfig(argv: readonly string[]): EvalConfig {
  return parseFlags(COMMANDS.eval.flags, argv, contextOf("eval"));
}

/** The settings of `predict` from what stands behind the command; throws {@linkcode ConfigError}. */
export function parsePredictConfig(argv: readonly string[]): PredictConfig {
  const { flags, positionals } = COMMANDS.predict;
  const context = { ...contextOf("predict"), positionals };
  const { flags: values, positionals: images } = parseArguments(flags, argv, context);
  return { ...values, images };
}

/** The settings of `features` from the flags behind the command; throws {@linkcode ConfigError}. */
export function parseFeaturesConfig(argv: readonly string[]): FeaturesConfig {
  const config = parseFlags(COMMANDS.features.flags, argv, contextOf("features"));
  if (config.tap !== null && config.out === null || config.tap === null && config.out !== null) {
    throw new ConfigError("--tap and --out go together: found one of them", {
      hint: "for example --tap local4 --out local4.npy; without both the taps are listed",
    });
  }
  return config;
}

/** The settings of `finetune` from the flags behind the command; throws {@linkcode ConfigError}. */
export function parseFinetuneConfig(argv: readonly string[]): FinetuneConfig {
  const config = parseFlags(COMMANDS.finetune.flags, argv, contextOf("finetune"));
  const { features } = config;
  if (features !== null) return { ...config, features };
  throw new ConfigError("Cannot finetune without --features: expected a file, found none", {
    hint: "write one with deno task features, or see deno task finetune --help",
  });
}

/** The settings of `describe` from the flags behind the command; throws {@linkcode ConfigError}. */
export function parseDescribeConfig(argv: readonly string[]): DescribeConfig {
  return parseFlags(COMMANDS.describe.flags, argv, contextOf("describe"));
}

/** The settings of `data` from the flags behind the command; throws {@linkcode ConfigError}. */
export function parseDataConfig(argv: readonly string[]): DataConfig {
  return parseFlags(COMMANDS.data.flags, argv, contextOf("data"));
}

/** The settings of `data inspect` from the flags behind the command; throws {@linkcode ConfigError}. */
export function parseInspectConfig(argv: readonly string[]): InspectConfig {
  return parseFlags(COMMANDS["data inspect"].flags, argv, contextOf("data inspect"));
}

/** The settings of `doctor` from the flags behind the command; throws {@linkcode ConfigError}. */
export function parseDoctorConfig(argv: readonly string[]): DoctorConfig {
  return parseFlags(COMMANDS.doctor.flags, argv, contextOf("doctor"));
}

/**
 * The settings of `bench` from the flags behind the command, where `bench input` is `bench --only input`;
 * throws {@linkcode ConfigError}.
 */
export function parseBenchConfig(argv: readonly string[]): BenchConfig {
  const [part, ...flags] = argv;
  if (part !== undefined && !part.startsWith("-")) argv = ["--only", part, ...flags];
  return parseFlags(COMMANDS.bench.flags, argv, contextOf("bench"));
}

/** The settings of `train` as a run saved them (`JSON.stringify` of the config), checked again. */
export function trainConfigFromJson(json: unknown, source: string): TrainConfig {
  const config = flagsFromJson(COMMANDS.train.flags, json, source);
  checkRecipe(config);
  return config;
}

/** The text of `<command> --help`. */
export function helpText(command: CommandName): string {
  return commandHelp(COMMANDS[command]);
}

/** How many steps a run takes: `epochs` passes of whole batches, rounded up, where it is given. */
export function totalSteps(
  { steps, epochs, batchSize, accumulate }: Pick<
    TrainConfig,
    "steps" | "epochs" | "batchSize" | "accumulate"
  >,
  trainingImages: number,
): number {
  if (epochs !== null) {
    return Math.max(1, Math.ceil(epochs * trainingImages / (batchSize * accumulate)));
  }
  return steps;
}

function commandName(text: string): CommandName {
  const names = Object.keys(COMMANDS);
  if (isCommand(text)) return text;
  const near = nearest(text, names);
  throw new ConfigError(
    `unknown command ${JSON.stringify(text)}: expected one of ${names.join(", ")}`,
    { hint: near === undefined ? "see deno task <command> --help" : `did you mean ${near}?` },
  );
}

function isCommand(text: string): text is CommandName {
  return Object.hasOwn(COMMANDS, text);
}

function isHelp(argument: string): boolean {
  return argument === "--help" || argument === "-h";
}

function contextOf(command: CommandName): FlagContext {
  return {
    command,
    usage: COMMANDS[command].usage,
    commandsWith: (name) =>
      Object.entries(COMMANDS)
        .filter(([other, { flags }]) =>
          other !== command &&
          Object.entries<Flag>(flags).some(([flag, { alias }]) => flag === name || alias === name)
        )
        .map(([other]) => other),
  };
}
