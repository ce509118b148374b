import { join } from "node:path";
import { readSafetensors } from "../../formats/safetensors.ts";
import { toFloat32 } from "../../formats/to_float32.ts";
import { initialValues, type ParameterLayout } from "../../nn/parameters.ts";
import { formatShape, sameShape } from "../../tensor/shape.ts";
import { DataError } from "../../util/errors.ts";
import { listCheckpoints } from "./list_checkpoints.ts";
import { newestCheckpoint, type VerifiedCheckpoint, verifyCheckpoint } from "./load_checkpoint.ts";
import { FILES } from "./write_checkpoint.ts";

/** Names that an error lists at most. */
const SHOWN = 12;

/** Weights to start from. */
export interface InitialWeights {
  /** In the layout of the model. */
  readonly parameters: Float32Array<ArrayBuffer>;
  /** What the file lacks or has otherwise, one phrase each: these are random. */
  readonly mismatches: readonly string[];
  /** How many of the model's tensors came from the file. */
  readonly taken: number;
  /** Names in the file that are no parameters of the model. */
  readonly unused: readonly string[];
}

/**
 * Takes the weights of a model from a safetensors file, a checkpoint's folder or a run's newest checkpoint,
 * by name and shape; F16, BF16 and F64 become float32.
 *
 * @param partial whether some may be missing or of another shape, but not all; those are `seed`'s
 * @throws {DataError} that lists what does not match, or if the file is unsound
 */
export async function loadInitialWeights(
  path: string,
  layout: ParameterLayout,
  { partial, seed }: { partial: boolean; seed: number },
): Promise<InitialWeights> {
  const file = await weightsFile(path);
  const { tensors } = await readSafetensors(file);
  const parameters = initialValues(layout, seed);
  const mismatches: string[] = [];
  layout.specs.forEach(({ name, shape }, i) => {
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    const values = tensor && toFloat32(tensor);
    if (tensor === undefined) mismatches.push(`${name} ${formatShape(shape)} is missing`);
    else if (values === undefined || !sameShape(tensor.shape, shape)) {
      const found = `${tensor.dtype} ${formatShape(tensor.shape)}`;
      mismatches.push(`${name} is ${found}, expected F32 ${formatShape(shape)}`);
    } else if (!values.every(Number.isFinite)) mismatches.push(`${name} is not finite everywhere`);
    else parameters.set(values, layout.offsets[i]);
  });
  const names = new Set(layout.specs.map(({ name }) => name));
  const unused = Object.keys(tensors).filter((name) => !names.has(name));
  const taken = layout.specs.length - mismatches.length;
  if (mismatches.length === 0 || (partial && taken > 0)) {
    return { parameters, mismatches, taken, unused };
  }
  const others = unused.length === 0 ? "" : `; the file also has ${listed(unused, ", ")}`;
  throw new DataError(
    `Cannot start from ${file}: ${taken} of ${layout.specs.length} tensors match; ${
      listed(mismatches, "; ")
    }${others}`,
    {
      hint: taken > 0
        ? "name a file of this model, or start the rest at random: --init-partial"
        : "name a file of this model",
    },
  );
}

/** A file itself, or the weights of a checkpoint's folder or of a run's newest checkpoint, verified. */
async function weightsFile(path: string): Promise<string> {
  const isFolder = await Deno.stat(path).then((info) => info.isDirectory, () => false);
  if (!isFolder) return path;
  return join((await startCheckpoint(path)).path, FILES.model);
}

/** The checkpoint of that folder, or the newest of that run: an older one would not be what was asked for. */
export async function startCheckpoint(path: string): Promise<VerifiedCheckpoint> {
  const isRun = (await listCheckpoints(path)).length > 0;
  if (!isRun) return await verifyCheckpoint(path);
  return await newestCheckpoint(path, (_, error) => {
    throw error;
  });
}

/** The first of many names, and how many more there are. */
export function listed(names: readonly string[], separator: string): string {
  const rest = names.length - SHOWN;
  return names.slice(0, SHOWN).join(separator) + (rest > 0 ? ` and ${rest} more` : "");
}
