import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { readSafetensors, type SafeTensor, writeSafetensors } from "../formats/safetensors.ts";
import type { Model } from "../nn/model.ts";
import { type ParameterLayout, splitBlock } from "../nn/parameters.ts";
import { formatShape, sameShape, sizeOf } from "../tensor/shape.ts";
import { syncFolder, writeFileAtomic } from "../util/atomic_file.ts";
import { DataError, UserError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";

/** TensorFlow's suffix of a variable's moving average. */
const AVERAGE_SUFFIX = "/ExponentialMovingAverage";
const STATE_FILE = "state.safetensors";
const MANIFEST_FILE = "manifest.json";
const FORMAT = 1;
const DAMAGED_HINT = "it is damaged: use an earlier checkpoint";

/** What a checkpoint holds. */
export interface Checkpoint {
  /** Steps done. */
  readonly step: number;
  /** All parameters, in the model's layout. */
  readonly parameters: Float32Array<ArrayBuffer>;
  /** Their exponential moving averages. */
  readonly averages: Float32Array<ArrayBuffer>;
}

interface Manifest {
  readonly format: number;
  readonly model: string;
  readonly step: number;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/**
 * Writes `checkpoints/step-00002000` of a run: under a temporary name, synced, then renamed, so that a
 * folder of that name is always whole.
 *
 * @returns the folder's path.
 * @throws {UserError} if it cannot be written; earlier checkpoints are untouched.
 */
export async function writeCheckpoint(
  runDir: string,
  model: Model,
  layout: ParameterLayout,
  { step, parameters, averages }: Checkpoint,
): Promise<string> {
  const folder = join(runDir, "checkpoints");
  const path = join(folder, `step-${String(step).padStart(8, "0")}`);
  const temporary = join(folder, `.${basename(path)}.${crypto.randomUUID().slice(0, 8)}.tmp`);
  try {
    await Deno.mkdir(temporary, { recursive: true });
    const state = join(temporary, STATE_FILE);
    await writeSafetensors(state, toTensors(layout, parameters, averages), {
      format: "kiln-checkpoint",
      model: model.name,
      step: String(step),
    });
    const manifest: Manifest = {
      format: FORMAT,
      model: model.name,
      step,
      files: { [STATE_FILE]: await describeFile(state) },
    };
    await writeFileAtomic(join(temporary, MANIFEST_FILE), JSON.stringify(manifest, null, 2) + "\n");
    await Deno.remove(path, { recursive: true }).catch(ignoreMissing);
    await Deno.rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
    throw ioError("write", path, error);
  }
  return path;
}

/**
 * Reads and verifies a checkpoint folder.
 *
 * @throws {DataError} if a file is damaged or does not fit the model.
 */
export async function readCheckpoint(
  path: string,
  model: Model,
  layout: ParameterLayout,
): Promise<Checkpoint> {
  const manifest = await readManifest(path);
  if (manifest.model !== model.name) {
    throw new DataError(
      `Cannot use ${path}: expected model ${model.name}, found ${manifest.model}`,
      { hint: "name a run or checkpoint of that model with --run-dir or --checkpoint" },
    );
  }
  const state = join(path, STATE_FILE);
  const expected = manifest.files[STATE_FILE];
  const found = await describeFile(state).catch((error) => {
    throw ioError("read", state, error);
  });
  if (expected.sha256 !== found.sha256) {
    throw new DataError(
      `Cannot use ${state}: expected ${expected.bytes} bytes with sha256 ${expected.sha256}, ` +
        `found ${found.bytes} bytes with ${found.sha256}`,
      { hint: DAMAGED_HINT },
    );
  }
  const { tensors } = await readSafetensors(state);
  return {
    step: manifest.step,
    parameters: toBlock(layout, tensors, "", state),
    averages: toBlock(layout, tensors, AVERAGE_SUFFIX, state),
  };
}

/** The run's checkpoint with the most steps. @throws {UserError} if it has none. */
export async function newestCheckpoint(runDir: string): Promise<string> {
  const folder = join(runDir, "checkpoints");
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isDirectory && /^step-\d+$/.test(entry.name)) names.push(entry.name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw ioError("read", folder, error);
  }
  const newest = names.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5))).pop();
  if (newest === undefined) {
    throw new UserError(`no checkpoint found in ${folder}`, {
      hint: "train first, or name another run with --run-dir",
    });
  }
  return join(folder, newest);
}

function toTensors(
  layout: ParameterLayout,
  parameters: Float32Array<ArrayBuffer>,
  averages: Float32Array<ArrayBuffer>,
): Record<string, SafeTensor<ArrayBuffer>> {
  const values = splitBlock(layout, parameters);
  const shadows = splitBlock(layout, averages);
  return Object.fromEntries(layout.specs.flatMap(({ name, shape }) => [
    [name, { dtype: "F32", shape, data: values[name] }],
    [name + AVERAGE_SUFFIX, { dtype: "F32", shape, data: shadows[name] }],
  ]));
}

function toBlock(
  { specs, offsets, size }: ParameterLayout,
  tensors: Readonly<Record<string, SafeTensor<ArrayBuffer>>>,
  suffix: string,
  path: string,
): Float32Array<ArrayBuffer> {
  const block = new Float32Array(size);
  specs.forEach(({ name, shape }, i) => {
    const tensor = Object.hasOwn(tensors, name + suffix) ? tensors[name + suffix] : undefined;
    if (tensor?.dtype !== "F32" || !sameShape(tensor.shape, shape)) {
      const found = tensor ? `${tensor.dtype} ${formatShape(tensor.shape)}` : "nothing";
      throw new DataError(
        `Cannot use ${path}: expected ${name + suffix} as F32 ${
          formatShape(shape)
        }, found ${found}`,
        { hint: DAMAGED_HINT },
      );
    }
    block.set(tensor.data.subarray(0, sizeOf(shape)), offsets[i]);
  });
  return block;
}

async function readManifest(path: string): Promise<Manifest> {
  const file = join(path, MANIFEST_FILE);
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (error) {
    throw ioError("read", file, error);
  }
  const manifest = parseManifest(text);
  if (manifest !== undefined) return manifest;
  throw new DataError(`Cannot use ${file}: expected a kiln checkpoint manifest, format ${FORMAT}`, {
    hint: DAMAGED_HINT,
  });
}

function parseManifest(text: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(text);
    const state = manifest.files[STATE_FILE];
    const sound = manifest.format === FORMAT && typeof manifest.model === "string" &&
      Number.isInteger(manifest.step) && manifest.step >= 0 &&
      Number.isInteger(state.bytes) && typeof state.sha256 === "string";
    return sound ? manifest : undefined;
  } catch {
    return undefined;
  }
}

async function describeFile(path: string): Promise<{ bytes: number; sha256: string }> {
  const bytes = await Deno.readFile(path);
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
