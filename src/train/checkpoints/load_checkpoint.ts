import { join } from "node:path";
import { decodeSafetensors, type SafeTensor } from "../../formats/safetensors.ts";
import type { Model } from "../../nn/model.ts";
import type { ParameterLayout } from "../../nn/parameters.ts";
import { statisticsLayout } from "../../nn/statistics.ts";
import { formatShape, sameShape, sizeOf } from "../../tensor/shape.ts";
import { DataError, UserError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import { LOOKAHEAD } from "../lookahead.ts";
import type { TrainerState } from "../trainer.ts";
import { type CheckpointFolder, checkpointsFolder, listCheckpoints } from "./list_checkpoints.ts";
import { DAMAGED_HINT, type FileSum, type Manifest, readManifest, sha256Of } from "./manifest.ts";
import { momentsPlaces } from "./moments_tensors.ts";
import { FILES } from "./write_checkpoint.ts";

type Tensors = Readonly<Record<string, SafeTensor<ArrayBuffer>>>;

/** A checkpoint that was verified. */
export interface VerifiedCheckpoint {
  readonly path: string;
  readonly manifest: Manifest;
  /** The bytes of each of its files, as the manifest's sums say. */
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
}

/** A checkpoint and what a trainer goes on with. */
export interface LoadedCheckpoint {
  readonly path: string;
  readonly manifest: Manifest;
  readonly state: TrainerState;
}

/**
 * Reads a checkpoint's folder and compares every file with its sum.
 *
 * @throws {DataError} if anything is damaged
 * @throws {UserError} if it cannot be read
 */
export async function verifyCheckpoint(path: string): Promise<VerifiedCheckpoint> {
  const manifest = await readManifest(path);
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const [name, sum] of Object.entries(manifest.files)) {
    files[name] = await readVerified(join(path, name), sum);
  }
  return { path, manifest, files };
}

/**
 * Reads a checkpoint for a model.
 *
 * @throws {DataError} if it is damaged, or does not fit the model
 */
export async function loadCheckpoint(
  path: string,
  model: Model,
  layout: ParameterLayout,
): Promise<LoadedCheckpoint> {
  return unpackCheckpoint(await verifyCheckpoint(path), model, layout);
}

/** What a trainer goes on with, of a verified checkpoint. @throws {DataError} if it does not fit the model */
export function unpackCheckpoint(
  { path, manifest, files }: VerifiedCheckpoint,
  model: Model,
  layout: ParameterLayout,
): LoadedCheckpoint {
  if (manifest.model !== model.name) {
    throw new DataError(
      `Cannot use ${path}: expected model ${model.name}, found ${manifest.model}`,
      { hint: "name a run or checkpoint of that model with --run-dir or --checkpoint" },
    );
  }
  const read = (name: string): Tensors => {
    const file = join(path, name);
    const bytes = Object.hasOwn(files, name) ? files[name] : undefined;
    if (bytes !== undefined) return decodeSafetensors(bytes, file).tensors;
    throw new DataError(`Cannot use ${path}: expected ${name} in its manifest, found none`, {
      hint: DAMAGED_HINT,
    });
  };
  const [file, tensors] = [join(path, FILES.model), read(FILES.model)];
  const parameters = toBlock(layout, tensors, "", file);
  const averages = toBlock(layout, read(FILES.averages), "", join(path, FILES.averages));
  const optimizer: Record<string, Float32Array<ArrayBuffer>> = {};
  let slowStatistics: Float32Array<ArrayBuffer> | undefined;
  if (FILES.optimizer in files) {
    const tensors = read(FILES.optimizer);
    const slots = new Set(Object.keys(tensors).map((name) => name.slice(0, name.indexOf("/"))));
    for (const slot of slots) {
      optimizer[slot] = toBlock(layout, tensors, `${slot}/`, join(path, FILES.optimizer));
    }
    if (slots.has(LOOKAHEAD) && model.statistics.length > 0) {
      slowStatistics = statisticsBlock(model, { tensors, prefix: `${LOOKAHEAD}/`, path });
    }
  }
  const state: TrainerState = {
    step: manifest.step,
    lossAverage: manifest.loop.lossAverage,
    parameters,
    averages,
    optimizer,
    ...(model.statistics.length > 0 && {
      statistics: statisticsBlock(model, { tensors, prefix: "", path: file }),
    }),
    ...(slowStatistics && { slowStatistics }),
  };
  return { path, manifest, state };
}

/**
 * The newest checkpoint of a run that is not damaged.
 *
 * @param onDamaged hears of each newer one that is
 * @throws {UserError} if there is none, or one cannot be read or is of another version of kiln
 */
export async function newestCheckpoint(
  runDir: string,
  onDamaged: (folder: CheckpointFolder, error: UserError) => void,
): Promise<VerifiedCheckpoint> {
  let damaged = 0;
  for (const folder of (await listCheckpoints(runDir)).reverse()) {
    try {
      return await verifyCheckpoint(folder.path);
    } catch (error) {
      if (!isDamage(error)) throw error;
      if (await isGone(folder)) {
        // Whoever trains here has removed it since the folder was read, and has written a newer one.
        return await newestCheckpoint(runDir, onDamaged);
      }
      damaged++;
      onDamaged(folder, error);
    }
  }
  const found = damaged === 0 ? "" : `: all ${damaged} are damaged`;
  throw new UserError(`no checkpoint found in ${checkpointsFolder(runDir)}${found}`, {
    hint: "train first, or name another run with --run-dir",
  });
}

/** Wrong contents, or a file that is missing; not a system that refuses to read, or another version. */
function isDamage(error: unknown): error is UserError {
  return error instanceof DataError ||
    error instanceof UserError && error.cause instanceof Deno.errors.NotFound;
}

async function isGone({ path }: CheckpointFolder): Promise<boolean> {
  return await Deno.stat(path).then(() => false, (error) => error instanceof Deno.errors.NotFound);
}

async function readVerified(path: string, sum: FileSum): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  let size: number;
  try {
    ({ size } = await Deno.stat(path));
    // A file of another length is not read: it may be of any size.
    if (size === sum.bytes) bytes = await Deno.readFile(path);
  } catch (error) {
    throw ioError("read", path, error);
  }
  const found = bytes && sha256Of(bytes);
  if (bytes !== undefined && found === sum.sha256) return bytes;
  throw new DataError(
    `Cannot use ${path}: expected ${sum.bytes} bytes with sha256 ${sum.sha256}, ` +
      `found ${bytes?.length ?? size} bytes${found === undefined ? "" : ` with ${found}`}`,
    { hint: DAMAGED_HINT },
  );
}

function toBlock(
  { specs, offsets, size }: ParameterLayout,
  tensors: Tensors,
  prefix: string,
  path: string,
): Float32Array<ArrayBuffer> {
  const places = specs.map(({ name, shape }, i) => ({ name, shape, offset: offsets[i] }));
  return fillBlock(size, places, { tensors, prefix, path });
}

function statisticsBlock(model: Model, source: BlockSource): Float32Array<ArrayBuffer> {
  const layout = statisticsLayout(model.statistics);
  return fillBlock(layout.size, momentsPlaces(layout), source);
}

/** Where a block's tensors are: their names behind a prefix, and the file for errors. */
interface BlockSource {
  readonly tensors: Tensors;
  readonly prefix: string;
  readonly path: string;
}

/** A place of a block that a tensor fills. */
interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
}

function fillBlock(
  size: number,
  places: readonly Place[],
  { tensors, prefix, path }: BlockSource,
): Float32Array<ArrayBuffer> {
  const block = new Float32Array(size);
  for (const { name, shape, offset } of places) {
    const key = prefix + name;
    const tensor = Object.hasOwn(tensors, key) ? tensors[key] : undefined;
    if (tensor?.dtype !== "F32" || !sameShape(tensor.shape, shape)) {
      const found = tensor ? `${tensor.dtype} ${formatShape(tensor.shape)}` : "nothing";
      throw new DataError(
        `Cannot use ${path}: expected ${key} as F32 ${formatShape(shape)}, found ${found}`,
        { hint: "it was written for another model or number of classes" },
      );
    }
    block.set(tensor.data.subarray(0, sizeOf(shape)), offset);
  }
  return block;
}
