// What stands in a checkpoint's manifest: its files with their sums, the run it belongs to, and the few
// numbers that the loop goes on with.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { DataError, UserError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import { isObject, parseObject } from "../../util/json.ts";
import { type LoopState, parseLoopState } from "./loop_state.ts";

/** The name of a manifest's file. */
export const MANIFEST_FILE = "manifest.json";
/** The version of the layout of a checkpoint's folder. */
export const FORMAT = 2;
/** What to do about a damaged checkpoint. */
export const DAMAGED_HINT =
  "it is damaged: use an earlier checkpoint (--resume and eval do so by themselves)";

/** A manifest is a few kilobytes; what is larger is none. */
const MOST_BYTES = 64 * 2 ** 20;

/** A file of a checkpoint. */
export interface FileSum {
  readonly bytes: number;
  readonly sha256: string;
}

/** What was measured up to a checkpoint; null where nothing was yet. */
export interface CheckpointMetrics {
  /** Loss of the last step whose loss was read. */
  readonly loss: number | null;
  /** The images of the precision: `test` or `validation`. */
  readonly set: string | null;
  /** Precision @ 1 at this very step, of the weights and of their moving averages. */
  readonly precision: number | null;
  readonly precisionEma: number | null;
}

/** The contents of `manifest.json`. */
export interface Manifest {
  /** Name of the model. */
  readonly model: string;
  /** Steps done. */
  readonly step: number;
  /** Which checkpoint of the run this is, from 1: every Nth may be kept for good. */
  readonly number: number;
  /** sha256 of the settings that decide what the run computes. */
  readonly configHash: string;
  readonly metrics: CheckpointMetrics;
  readonly loop: LoopState;
  /** The run as its `config.json` tells it, so that a checkpoint is understood without its folder. */
  readonly run: Readonly<Record<string, unknown>>;
  /** By name. */
  readonly files: Readonly<Record<string, FileSum>>;
}

/** sha256 of bytes, in hexadecimal. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * The text of a manifest. Its last field is the sum of all others, and every other text that JSON reads
 * as the same is refused: no bit of it can change unseen.
 */
export function encodeManifest(manifest: Manifest): string {
  const { model, step, number, configHash, metrics, loop, files, run } = manifest;
  const body = { format: FORMAT, model, step, number, configHash, metrics, loop, files, run };
  return textOf({ ...body, sha256: sha256Of(textOf(body)) });
}

/**
 * Reads and checks the manifest of a checkpoint's folder.
 *
 * @throws {DataError} if it is damaged, or none
 * @throws {UserError} if it cannot be read, or is of another version
 */
export async function readManifest(path: string): Promise<Manifest> {
  const file = join(path, MANIFEST_FILE);
  let text: string;
  try {
    const { size } = await Deno.stat(file);
    text = size > MOST_BYTES ? "" : await Deno.readTextFile(file);
  } catch (error) {
    throw ioError("read", file, error);
  }
  return parseManifest(text, file);
}

/**
 * The manifest in a text; `source` names it in errors.
 *
 * @throws {DataError} if it is damaged, or none
 * @throws {UserError} if it is whole and of another version
 */
export function parseManifest(text: string, source: string): Manifest {
  const json = parseObject(text);
  // The first version had no sum.
  const isWhole = json !== undefined && (text === resealed(json) || !("sha256" in json));
  if (isWhole && typeof json.format === "number" && json.format !== FORMAT) {
    throw new UserError(
      `Cannot use ${source}: expected checkpoint format ${FORMAT}, found ${json.format}`,
      { hint: "use the version of kiln that wrote it, or train again" },
    );
  }
  const manifest = isWhole && "sha256" in json ? fieldsOf(json) : undefined;
  if (manifest !== undefined) return manifest;
  throw new DataError(`Cannot use ${source}: expected an undamaged checkpoint manifest`, {
    hint: DAMAGED_HINT,
  });
}

function textOf(json: unknown): string {
  return JSON.stringify(json, null, 2) + "\n";
}

function resealed({ sha256: _, ...body }: Readonly<Record<string, unknown>>): string {
  return textOf({ ...body, sha256: sha256Of(textOf(body)) });
}

function fieldsOf(json: Readonly<Record<string, unknown>>): Manifest | undefined {
  const { format, model, step, number, configHash, metrics, loop, run, files } = json;
  const state = parseLoopState(loop);
  const sound = format === FORMAT && typeof model === "string" && isCount(step) &&
    isCount(number) &&
    typeof configHash === "string" && isMetrics(metrics) && isFiles(files) && isObject(run);
  return sound && state !== undefined
    ? { model, step, number, configHash, metrics, loop: state, run, files }
    : undefined;
}

function isMetrics(value: unknown): value is CheckpointMetrics {
  if (!isObject(value)) return false;
  const { loss, set, precision, precisionEma } = value;
  const numbers = [loss, precision, precisionEma];
  return numbers.every((n) => n === null || typeof n === "number") &&
    (set === null || typeof set === "string");
}

function isFiles(value: unknown): value is Manifest["files"] {
  return isObject(value) &&
    Object.entries(value).every(([name, sum]) =>
      /^[a-z_]+\.safetensors$/.test(name) && isObject(sum) && isCount(sum.bytes) &&
      typeof sum.sha256 === "string"
    );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}
