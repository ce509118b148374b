import { join } from "node:path";
import { readSafetensors, type SafeTensor } from "../../formats/safetensors.ts";
import { toFloat32 } from "../../formats/to_float32.ts";
import { initialValues, type ParameterLayout } from "../../nn/parameters.ts";
import { initialStatistics, NO_STATISTICS, type StatisticsLayout } from "../../nn/statistics.ts";
import { formatShape, sameShape, type Shape } from "../../tensor/shape.ts";
import { DataError } from "../../util/errors.ts";
import { listed } from "../../util/listed.ts";
import { listCheckpoints } from "./list_checkpoints.ts";
import { newestCheckpoint, type VerifiedCheckpoint, verifyCheckpoint } from "./load_checkpoint.ts";
import { momentsPlaces } from "./moments_tensors.ts";
import { FILES } from "./write_checkpoint.ts";

type Tensors = Readonly<Record<string, SafeTensor>>;

/** Weights to start from. */
export interface InitialWeights {
  /** In the layout of the model. */
  readonly parameters: Float32Array<ArrayBuffer>;
  /** What the file lacks or has otherwise, one phrase each: these are random. */
  readonly mismatches: readonly string[];
  /** How many of the model's tensors came from the file. */
  readonly taken: number;
  /** The running moments of the model's batch normalizations, in their layout; absent if it has none. */
  readonly statistics?: Float32Array<ArrayBuffer>;
  /** Batch normalizations of which the file has no running moments: they start at mean 0, variance 1. */
  readonly fresh: readonly string[];
  /** Names in the file that are neither parameters nor running moments of the model. */
  readonly unused: readonly string[];
}

/**
 * Takes the weights of a model from a safetensors file, a checkpoint's folder or a run's newest checkpoint,
 * by name and shape; F16, BF16 and F64 become float32. Running moments that are there are taken too.
 *
 * @param partial whether some may be missing or of another shape, but not all; those are `seed`'s
 * @throws {DataError} that lists what does not match, or if the file is unsound
 */
export async function loadInitialWeights(
  path: string,
  layout: ParameterLayout,
  { partial, seed, moments = NO_STATISTICS }: {
    partial: boolean;
    seed: number;
    /** Where the model's running moments lie; default: it has none. */
    moments?: StatisticsLayout;
  },
): Promise<InitialWeights> {
  const file = await weightsFile(path);
  const { tensors } = await readSafetensors(file);
  const parameters = initialValues(layout, seed);
  const mismatches: string[] = [];
  layout.specs.forEach(({ name, shape }, i) => {
    const found = fitting(tensors, name, shape);
    if (typeof found === "string") mismatches.push(found);
    else parameters.set(found, layout.offsets[i]);
  });
  const taken = layout.specs.length - mismatches.length;
  const { statistics, fresh, ...others } = takeMoments(tensors, moments);
  mismatches.push(...others.mismatches);
  const names = new Set([...layout.specs, ...momentsPlaces(moments)].map(({ name }) => name));
  const unused = Object.keys(tensors).filter((name) => !names.has(name));
  if (mismatches.length === 0 || (partial && taken > 0)) {
    return { parameters, mismatches, taken, statistics, fresh, unused };
  }
  const also = unused.length === 0 ? "" : `; the file also has ${listed(unused, ", ")}`;
  throw new DataError(
    `Cannot start from ${file}: ${taken} of ${layout.specs.length} tensors match; ${
      listed(mismatches, "; ")
    }${also}`,
    {
      hint: taken > 0
        ? "name a file of this model, or start the rest at random: --init-partial"
        : "name a file of this model",
    },
  );
}

/** The values of a tensor as float32, or what it has otherwise. */
function fitting(tensors: Tensors, name: string, shape: Shape): Float32Array | string {
  const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
  if (tensor === undefined) return `${name} ${formatShape(shape)} is missing`;
  const values = toFloat32(tensor);
  if (values === undefined || !sameShape(tensor.shape, shape)) {
    const found = `${tensor.dtype} ${formatShape(tensor.shape)}`;
    return `${name} is ${found}, expected F32 ${formatShape(shape)}`;
  }
  return values.every(Number.isFinite) ? values : `${name} is not finite everywhere`;
}

/** Running moments as far as the file has them: a network from elsewhere may come without. */
function takeMoments(
  tensors: Tensors,
  layout: StatisticsLayout,
): Pick<InitialWeights, "statistics" | "fresh" | "mismatches"> {
  if (layout.size === 0) return { fresh: [], mismatches: [] };
  const statistics = initialStatistics(layout);
  const [fresh, mismatches]: [string[], string[]] = [[], []];
  const places = momentsPlaces(layout);
  layout.specs.forEach((spec, i) => {
    const pair = places.slice(2 * i, 2 * i + 2);
    if (!pair.some(({ name }) => Object.hasOwn(tensors, name))) {
      fresh.push(spec.name);
      return;
    }
    const found = pair.map(({ name, shape }) => fitting(tensors, name, shape));
    const wrong = found.filter((values) => typeof values === "string");
    const [, variances] = found;
    if (typeof variances !== "string" && variances.some((variance) => variance < 0)) {
      wrong.push(`${pair[1].name} is below zero somewhere`);
    }
    mismatches.push(...wrong);
    // Mean and variance belong together: both are taken or neither.
    if (wrong.length > 0) return;
    pair.forEach(({ offset }, row) => statistics.set(found[row] as Float32Array, offset));
  });
  return { statistics, fresh, mismatches };
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
