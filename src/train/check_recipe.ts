import { ConfigError } from "../util/errors.ts";
import type { TrainConfig } from "./config.ts";
import { OPTIMIZER_FLAGS } from "./optimizer_flags.ts";
import { camelCase, flagName, type FlagTable, type FlagValue } from "./flags.ts";

/** Flags that only some choices of another flag read. */
const BELONGS: readonly {
  readonly flag: keyof typeof OPTIMIZER_FLAGS;
  readonly to: "optimizer" | "schedule";
  readonly choices: readonly string[];
}[] = [
  { flag: "momentum", to: "optimizer", choices: ["momentum", "nesterov", "muon"] },
  { flag: "muon-momentum", to: "optimizer", choices: ["muon"] },
  { flag: "beta1", to: "optimizer", choices: ["adamw"] },
  { flag: "beta2", to: "optimizer", choices: ["adamw"] },
  { flag: "epsilon", to: "optimizer", choices: ["adamw"] },
  { flag: "decay-factor", to: "schedule", choices: ["step", "exponential", "plateau"] },
  { flag: "epochs-per-decay", to: "schedule", choices: ["step", "exponential"] },
  { flag: "milestones", to: "schedule", choices: ["step"] },
  { flag: "final-learning-rate", to: "schedule", choices: ["cosine", "linear", "triangle"] },
  { flag: "start-learning-rate", to: "schedule", choices: ["triangle"] },
  { flag: "peak", to: "schedule", choices: ["triangle"] },
  { flag: "plateau-patience", to: "schedule", choices: ["plateau"] },
];

/** Whether a flag is read only where another has a choice that it has not in `chosen`; what lacks there counts not. */
export function isUnread(flag: string, chosen: Partial<TrainConfig>): boolean {
  return BELONGS.some(({ flag: name, to, choices }) =>
    name === flag && chosen[to] !== undefined && !choices.includes(chosen[to])
  );
}

/**
 * Checks what one flag alone cannot tell: settings that nothing would read, and lists. Settings at their
 * defaults count as not given.
 *
 * @throws {ConfigError} naming the flags and the fix.
 */
export function checkRecipe(config: TrainConfig): void {
  const values: Readonly<Record<string, FlagValue>> = config;
  const table: FlagTable = OPTIMIZER_FLAGS;
  for (const { flag, to, choices } of BELONGS) {
    const value = values[camelCase(flag)];
    const { default: byDefault } = table[flag];
    const unset = typeof byDefault === "object" ? byDefault.of() : byDefault;
    const chosen = String(values[to]);
    if (value === unset || choices.includes(chosen)) continue;
    const fitting = choices.map((choice) => `--${to} ${choice}`).join(" or ");
    throw new ConfigError(`--${flag} is read by ${fitting} only: found --${to} ${chosen}`, {
      hint: `leave out --${flag}, or choose ${fitting}`,
    });
  }
  if (config.schedule === "plateau" && config.evalEvery === 0) {
    throw new ConfigError("--schedule plateau follows the evaluations: found --eval-every 0", {
      hint: "add --eval-every with a number of steps, for example --eval-every 400",
    });
  }
  if (config.patience > 0 && config.evalEvery === 0) {
    throw new ConfigError("--patience counts measurements during training: found --eval-every 0", {
      hint: "add --eval-every with a number of steps, for example --eval-every 400",
    });
  }
  if (config.initPartial && config.initFrom === null) {
    throw new ConfigError("--init-partial is read by --init-from only: found none", {
      hint: "leave out --init-partial, or name a file with --init-from",
    });
  }
  checkFinetune(config);
  for (const property of ["startLearningRate", "finalLearningRate"] as const) {
    if (config[property] <= config.learningRate) continue;
    throw new ConfigError(
      `--${flagName(property)} must be at most --learning-rate, ${config.learningRate}: ` +
        `found ${config[property]}`,
      { hint: "a rising rate is what --warmup-steps and --schedule triangle make" },
    );
  }
  if (
    config.lookahead === 0 && config.lookaheadDecay !== OPTIMIZER_FLAGS["lookahead-decay"].default
  ) {
    throw new ConfigError("--lookahead-decay is read by --lookahead only: found --lookahead 0", {
      hint: "leave out --lookahead-decay, or give --lookahead 5",
    });
  }
  parseMilestones(config.milestones);
  if (config.classWeights !== null && config.classWeights !== BALANCED) {
    parseClassWeights(config.classWeights);
  }
}

function checkFinetune(config: TrainConfig): void {
  const { finetuneFrom, initFrom, finetuneWeights, freeze, headLearningRate, optimizer } = config;
  const flag = freeze !== null
    ? "freeze"
    : headLearningRate !== null
    ? "head-learning-rate"
    : finetuneWeights !== "ema"
    ? "finetune-weights"
    : undefined;
  if (flag !== undefined && finetuneFrom === null) {
    throw new ConfigError(`--${flag} is read by --finetune-from only: found none`, {
      hint: `leave out --${flag}, or name a run with --finetune-from`,
    });
  }
  if (finetuneFrom !== null && initFrom !== null) {
    throw new ConfigError("--finetune-from and --init-from exclude each other: found both", {
      hint: "keep either --finetune-from or --init-from",
    });
  }
  if (headLearningRate !== null && optimizer === "adamw") {
    throw new ConfigError(
      "--head-learning-rate is read by --optimizer sgd, momentum, nesterov or muon: found adamw, whose " +
        "step does not grow with the gradient",
      { hint: "leave out --head-learning-rate, or choose --optimizer momentum" },
    );
  }
}

const BALANCED = "balanced";

/**
 * The steps of `--milestones`, none for null.
 *
 * @throws {ConfigError} unless they are rising whole numbers above 0.
 */
export function parseMilestones(text: string | null): readonly number[] {
  if (text === null) return [];
  const steps = text.split(",").map((part) => /^\s*\d+\s*$/.test(part) ? Number(part) : NaN);
  if (steps.every((step, i) => Number.isSafeInteger(step) && step > (i === 0 ? 0 : steps[i - 1]))) {
    return steps;
  }
  throw new ConfigError(
    `--milestones must be rising steps above 0: found ${JSON.stringify(text)}`,
    { hint: "for example --milestones 32000,48000" },
  );
}

function parseClassWeights(text: string): readonly number[] {
  const weights = text.split(",").map((part) => part.trim() === "" ? NaN : Number(part));
  if (weights.every((weight) => weight > 0 && Number.isFinite(Math.fround(weight)))) return weights;
  throw new ConfigError(
    `--class-weights must be ${BALANCED} or positive numbers: found ${JSON.stringify(text)}`,
    { hint: "for example --class-weights 1,2.5,1, one for each class" },
  );
}

/**
 * The weights of `--class-weights`: null for null, as given, or for `balanced` the number of images
 * over (the number of classes times that of the class's images), so that every class weighs the same.
 *
 * @param classes their names
 * @param labels those of the training images
 * @throws {ConfigError} if their number is not that of the classes, or a balanced class has no image.
 */
export function classWeightsOf(
  text: string | null,
  classes: readonly string[],
  labels: ArrayLike<number>,
): readonly number[] | null {
  if (text === null) return null;
  if (text !== BALANCED) {
    const weights = parseClassWeights(text);
    if (weights.length === classes.length) return weights;
    throw new ConfigError(
      `--class-weights must be one weight for each of ${classes.length} classes: ` +
        `found ${weights.length}`,
      { hint: `their order is ${classes.join(", ")}` },
    );
  }
  const counts = new Array<number>(classes.length).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  const empty = counts.indexOf(0);
  if (empty >= 0) {
    throw new ConfigError(
      `--class-weights ${BALANCED} needs images of every class: found none of ${classes[empty]}`,
      { hint: "give the weights as numbers, or use more of the images" },
    );
  }
  return counts.map((count) => labels.length / (classes.length * count));
}

/**
 * Refuses settings that follow measurements where there are no images to measure on.
 *
 * @throws {ConfigError} naming the flag
 */
export function checkMeasurable(
  { schedule, patience, evalEvery }: Pick<TrainConfig, "schedule" | "patience" | "evalEvery">,
  sets: number,
): void {
  if (sets > 0) return;
  const flag = schedule === "plateau"
    ? "--schedule plateau"
    : patience > 0
    ? `--patience ${patience}`
    : evalEvery > 0
    ? `--eval-every ${evalEvery}`
    : undefined;
  if (flag === undefined) return;
  throw new ConfigError(`${flag} needs images to measure on: found none`, {
    hint: "set some aside with --validation-fraction 0.1",
  });
}
