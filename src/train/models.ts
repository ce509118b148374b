// Which model a name or a file stands for, and the settings that its recipe brings.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createModel, type Model, type ModelDefinition, type Recipe } from "../nn/model.ts";
import { AIRBENCHES } from "../nn/models/airbench.ts";
import { CUDA_CONVNETS } from "../nn/models/cuda_convnet.ts";
import { reference } from "../nn/models/reference.ts";
import { bottleneckResnet, resnet, resnetV1, wideResnet } from "../nn/models/resnet.ts";
import { ConfigError, DataError } from "../util/errors.ts";
import { isObject } from "../util/json.ts";
import { nearest } from "../util/suggest.ts";
import { isUnread } from "./check_recipe.ts";
import { COMMANDS } from "./commands.ts";
import { completeTrainConfig, type TrainConfig } from "./config.ts";
import { camelCase, expected, type FlagTable, isValid } from "./flags.ts";
import { isModelFile } from "./model_file.ts";

/** Names of models as the help shows them. */
export const MODEL_NAMES = [
  "reference",
  "resnet-N",
  "resnet-v1-N",
  "wrn-28-10",
  "cuda-convnet-NAME",
  "airbench94",
  "airbench94-muon",
  "FILE.ts",
] as const;

/** Flags that say which run it is: no recipe sets them. */
const OF_THE_RUN: ReadonlySet<string> = new Set(
  [
    "model",
    "bottleneck",
    "recipe",
    "run-dir",
    "resume",
    "allow-change",
    "init-from",
    "init-partial",
  ] satisfies (keyof typeof COMMANDS.train.flags)[],
);

/** Names to suggest for one that is like them. */
const EXAMPLES = [
  "reference",
  ...[20, 32, 44, 56, 110, 164].map((layers) => `resnet-${layers}`),
  ...[20, 32, 44, 56, 110].map((layers) => `resnet-v1-${layers}`),
  "wrn-28-10",
  ...AIRBENCHES.keys(),
  ...[...CUDA_CONVNETS.keys()].flatMap((name) => [name, `cuda-convnet-${name}`]),
];

/**
 * The model of a name, or of a user's file whose default export is a `defineModel`.
 *
 * @param bottleneck whether a `resnet-N` has bottleneck units
 * @throws {ConfigError} if there is no such model
 * @throws {DataError} if the file is not there, or exports none
 */
export async function loadModel(
  { model: name, bottleneck }: Pick<TrainConfig, "model" | "bottleneck">,
): Promise<ModelDefinition> {
  const [, version, layers] = /^resnet-(v1-)?(\d+)$/.exec(name) ?? [];
  if (bottleneck && (layers === undefined || version !== undefined)) {
    throw new ConfigError(`--bottleneck is read by --model resnet-N only: found ${name}`, {
      hint: "for example --model resnet-164 --bottleneck",
    });
  }
  if (layers !== undefined) return resnetOf(Number(layers), version !== undefined, bottleneck);
  if (name === "reference") return reference;
  if (name === "wrn-28-10") return wideResnet;
  const cudaConvnet = CUDA_CONVNETS.get(name.replace(/^cuda-convnet-/, ""));
  if (cudaConvnet !== undefined) return cudaConvnet;
  const airbench = AIRBENCHES.get(name);
  if (airbench !== undefined) return airbench;
  if (isModelFile(name)) return await importModel(name);
  const near = nearest(name, EXAMPLES);
  throw new ConfigError(
    `unknown model ${JSON.stringify(name)}: expected one of ${MODEL_NAMES.join(", ")}`,
    {
      hint: name.startsWith("cuda-convnet")
        ? `the nets are cuda-convnet-${[...CUDA_CONVNETS.keys()].join(", -")}`
        : near === undefined
        ? "for example --model resnet-20"
        : `did you mean ${near}?`,
    },
  );
}

/**
 * The model of a run for its number of classes.
 *
 * @throws {ConfigError} and {DataError} as `loadModel` does, {DataError} if a user's file builds none
 */
export async function openModel(
  config: Pick<TrainConfig, "model" | "bottleneck">,
  classes: number,
): Promise<Model> {
  const definition = await loadModel(config);
  try {
    return createModel(definition, classes);
  } catch (error) {
    if (!isModelFile(config.model) || !(error instanceof Error)) throw error;
    const { href } = pathToFileURL(resolve(config.model));
    const place = error.stack?.split(href)[1]?.match(/^:\d+:\d+/)?.[0] ?? "";
    throw new DataError(
      `Cannot build the model ${config.model}${place}: ${error.message.split("\n")[0]}`,
      { hint: "mend its build function", cause: error },
    );
  }
}

function resnetOf(layers: number, isFirst: boolean, bottleneck: boolean): ModelDefinition {
  try {
    return isFirst ? resnetV1(layers) : bottleneck ? bottleneckResnet(layers) : resnet(layers);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError(error.message, { hint: "choose a number of layers that there is" });
  }
}

async function importModel(path: string): Promise<ModelDefinition> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new DataError(`Cannot load the model ${path}: ${reason}`, {
      hint: "check the path, and that the file runs by itself: deno check FILE",
      cause: error,
    });
  }
  const { default: definition } = module;
  if (isDefinition(definition)) return definition;
  throw new DataError(
    `Cannot use ${path} as a model: expected a default export of defineModel({ name, image, build })`,
    { hint: "see the README's model of one's own" },
  );
}

function isDefinition(value: unknown): value is ModelDefinition {
  if (!isObject(value)) return false;
  const { name, image, build } = value;
  return typeof name === "string" && name !== "" && Array.isArray(image) && image.length === 3 &&
    image.every((size) => Number.isSafeInteger(size) && size > 0) && image[2] === 3 &&
    typeof build === "function";
}

/**
 * The settings of a run: those that were given, else those of the model's recipe, else the defaults.
 *
 * @param name of the recipe; null: the model's own, if it has one
 * @throws {ConfigError} if the model has no such recipe, or the settings do not go together
 * @throws {DataError} if a recipe has a value that is none
 */
export function withRecipe(
  definition: ModelDefinition,
  name: string | null,
  given: Partial<TrainConfig>,
): TrainConfig {
  const recipes = definition.recipes ?? {};
  const names = Object.keys(recipes);
  if (name !== null && name !== "none" && !Object.hasOwn(recipes, name)) {
    throw new ConfigError(
      `unknown recipe ${JSON.stringify(name)} of ${definition.name}: expected one of ${
        ["none", ...names].join(", ")
      }`,
      { hint: "leave out --recipe for the model's own" },
    );
  }
  const recipe = name === "none" ? {} : recipes[name ?? "default"] ?? {};
  return completeTrainConfig({ ...settingsOf(definition.name, recipe, given), ...given });
}

/**
 * A recipe's values by the properties of the config, but for those that a given flag excludes, or that it
 * leaves without a reader: milestones beside `--schedule cosine`.
 */
function settingsOf(
  model: string,
  recipe: Recipe,
  given: Partial<TrainConfig>,
): Partial<TrainConfig> {
  const table: FlagTable = COMMANDS.train.flags;
  const isGiven = (flag: string) => Object.hasOwn(given, camelCase(flag));
  const settings: Record<string, unknown> = {};
  for (const [flag, value] of Object.entries(recipe)) {
    const isSetting = Object.hasOwn(table, flag) && !OF_THE_RUN.has(flag);
    if (!isSetting || !isValid(table[flag], value)) {
      const rule = isSetting ? `must be ${expected(table[flag])}` : "is no flag of a recipe";
      throw new DataError(
        `Cannot use the recipe of ${model}: ${flag} ${rule}, found ${JSON.stringify(value)}`,
        { hint: "write it as deno task train --help shows it" },
      );
    }
    const others = Object.keys(table).filter((other) =>
      table[other].excludes === flag || table[flag].excludes === other
    );
    if (!others.some(isGiven) && !isUnread(flag, given)) settings[camelCase(flag)] = value;
  }
  return settings;
}
