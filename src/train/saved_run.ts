import { join } from "node:path";
import type { Normalization } from "../data/augment/spec.ts";
import { DataError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";
import { COMMANDS } from "./commands.ts";
import { type TrainConfig, trainConfigFromJson } from "./config.ts";
import { camelCase } from "./flags.ts";
import { CONFIG_FILE } from "./run_folder.ts";

/** What an evaluation must know of a run's data. */
export interface SavedData {
  /** Names of the classes in the order of their labels. */
  readonly classes: readonly string[];
  readonly normalization: Normalization;
}

/** A run as its `config.json` tells it. */
export interface SavedRun {
  readonly config: TrainConfig;
  readonly data: SavedData;
}

/**
 * Reads what a run's folder says of it.
 *
 * @throws {DataError} if the folder holds no run, or its config is not one of kiln's
 */
export async function readSavedRun(runDir: string): Promise<SavedRun> {
  const path = join(runDir, CONFIG_FILE);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw ioError("read", path, error);
    throw new DataError(`Cannot find ${path}: expected the config of a run`, {
      hint: "keep a checkpoint in the folder of its run, or name another run with --run-dir",
    });
  }
  const json = parseObject(text);
  const data = savedData(json?.data);
  if (json === undefined || data === undefined) {
    throw new DataError(`Cannot use ${path}: expected the config of a run with its classes`, {
      hint: "train again with this version of kiln",
    });
  }
  const names = Object.keys(COMMANDS.train.flags).map(camelCase);
  const settings = Object.fromEntries(names.filter((n) => n in json).map((n) => [n, json[n]]));
  return { config: trainConfigFromJson(settings, path), data };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json = JSON.parse(text);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function savedData(json: unknown): SavedData | undefined {
  if (!isObject(json)) return undefined;
  const { classes, normalization } = json;
  const named = Array.isArray(classes) && classes.length > 0 &&
    classes.every((name) => typeof name === "string");
  return named && isNormalization(normalization) ? { classes, normalization } : undefined;
}

function isNormalization(json: unknown): json is Normalization {
  if (!isObject(json)) return false;
  const three = (value: unknown) =>
    Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
  return json.kind === "image" ||
    json.kind === "channel" && three(json.mean) && three(json.deviation);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
