// A run as its `config.json` and the manifests of its checkpoints tell it.

import { join } from "node:path";
import type { Normalization } from "../data/augment/spec.ts";
import type { ImageFormat } from "../data/image_store.ts";
import { meanValues } from "../data/mean_image.ts";
import { DataError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";
import { isObject, parseObject } from "../util/json.ts";
import { COMMANDS } from "./commands.ts";
import { type TrainConfig, trainConfigFromJson } from "./config.ts";
import { camelCase } from "./flags.ts";
import { locateModel, rooted } from "./model_file.ts";
import { CONFIG_FILE } from "./run_folder.ts";

/** What must be known of a run's data to evaluate, predict and go on. */
export interface SavedData {
  /** Names of the classes in the order of their labels. */
  readonly classes: readonly string[];
  readonly normalization: Normalization;
  /** How the images are stored: other images are brought to this size. */
  readonly format: ImageFormat;
  /** Of the training images: their labels and a sample of their pixels, as sha256. */
  readonly fingerprint: string;
}

/** What a run is computed with. */
export interface SavedMachine {
  readonly kiln: string;
  readonly deno: string;
  /** The engine, and on WebGPU the adapter and its kernels: what rounding depends on. */
  readonly device: string;
}

/** What a run took of another one. */
export interface SavedFinetune {
  /** Parameters that started at random: the head. */
  readonly fresh: readonly string[];
}

/** A run as it was started. */
export interface SavedRun {
  readonly config: TrainConfig;
  readonly data: SavedData;
  readonly machine: SavedMachine;
  /** Of a run with `--finetune-from`: it need not be there any more when this one goes on. */
  readonly finetune?: SavedFinetune;
  /** All of it as it stands in files: the settings, `data`, `machine` and `finetune`. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** A run from its parts; a model of the user's is known by its whole path from here on. */
export function savedRun(
  given: TrainConfig,
  { data, machine, finetune }: Pick<SavedRun, "data" | "machine" | "finetune">,
): SavedRun {
  const config = rooted(given);
  const parts = { data, machine, ...(finetune && { finetune }) };
  return { config, ...parts, json: { ...config, ...parts } };
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
      hint: "name another run with --run-dir, or train first",
    });
  }
  return parseSavedRun(parseObject(text), path);
}

/** A run from what stands in a file; `source` names it. @throws {DataError} if it is no run */
export function parseSavedRun(json: unknown, source: string): SavedRun {
  const data = isObject(json) ? savedData(json.data) : undefined;
  const machine = isObject(json) ? savedMachine(json.machine) : undefined;
  if (!isObject(json) || data === undefined || machine === undefined) {
    throw new DataError(`Cannot use ${source}: expected the config of a run with its data`, {
      hint: "train again with this version of kiln",
    });
  }
  const names = Object.keys(COMMANDS.train.flags).map(camelCase);
  const settings = Object.fromEntries(names.filter((n) => n in json).map((n) => [n, json[n]]));
  const saved = trainConfigFromJson(settings, source);
  const config = { ...saved, model: locateModel(saved, source) };
  const finetune = savedFinetune(json.finetune);
  if (config.finetuneFrom !== null && finetune === undefined) {
    throw new DataError(`Cannot use ${source}: expected what the run took of another one`, {
      hint: "train again with this version of kiln",
    });
  }
  return { config, data, machine, finetune, json };
}

function savedData(json: unknown): SavedData | undefined {
  if (!isObject(json)) return undefined;
  const { classes, normalization, format, fingerprint } = json;
  const named = Array.isArray(classes) && classes.length > 0 &&
    classes.every((name) => typeof name === "string");
  return named && isNormalization(normalization) && isFormat(format) &&
      typeof fingerprint === "string"
    ? { classes, normalization, format, fingerprint }
    : undefined;
}

function savedFinetune(json: unknown): SavedFinetune | undefined {
  if (!isObject(json) || !Array.isArray(json.fresh)) return undefined;
  return json.fresh.every((name) => typeof name === "string") ? { fresh: json.fresh } : undefined;
}

function savedMachine(json: unknown): SavedMachine | undefined {
  if (!isObject(json)) return undefined;
  const { kiln, deno, device } = json;
  const named = [kiln, deno, device].every((value) => typeof value === "string");
  return named ? json as unknown as SavedMachine : undefined;
}

function isNormalization(json: unknown): json is Normalization {
  if (!isObject(json)) return false;
  const three = (value: unknown) =>
    Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
  return json.kind === "image" ||
    json.kind === "channel" && three(json.mean) && three(json.deviation) ||
    json.kind === "pixel" && isMeanImage(json);
}

function isMeanImage({ height, width, mean }: Readonly<Record<string, unknown>>): boolean {
  if (!isSize(height) || !isSize(width) || typeof mean !== "string") return false;
  try {
    const values = meanValues({ mean });
    return values.length === height * width * 3 && values.every(Number.isFinite);
  } catch {
    // No base64.
    return false;
  }
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number > 0;
}

function isFormat(json: unknown): json is ImageFormat {
  if (!isObject(json)) return false;
  const { height, width, channels, order } = json;
  return isSize(height) && isSize(width) && (channels === 1 || channels === 3) &&
    (order === "CHW" || order === "HWC");
}
