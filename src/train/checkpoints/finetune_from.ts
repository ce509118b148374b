import { join } from "node:path";
import { decodeSafetensors } from "../../formats/safetensors.ts";
import { createModel, type Model, type ModelDefinition } from "../../nn/model.ts";
import { initialValues, parameterLayout } from "../../nn/parameters.ts";
import { initialStatistics, statisticsLayout } from "../../nn/statistics.ts";
import { formatShape, sameShape, sizeOf } from "../../tensor/shape.ts";
import { DataError } from "../../util/errors.ts";
import { listed } from "../../util/listed.ts";
import { parseSavedRun } from "../saved_run.ts";
import { startCheckpoint } from "./init_from.ts";
import { momentsPlaces } from "./moments_tensors.ts";
import { FILES } from "./write_checkpoint.ts";

/** What a run starts from that was trained for other classes. */
export interface FinetuneStart {
  /** Of the checkpoint. */
  readonly path: string;
  /** In the layouts of the model. */
  readonly parameters: Float32Array<ArrayBuffer>;
  readonly statistics: Float32Array<ArrayBuffer> | undefined;
  /** Names of the parameters that start at random. */
  readonly fresh: readonly string[];
  readonly taken: number;
}

/** What is asked for. */
export interface FinetuneOptions {
  readonly definition: ModelDefinition;
  /** Of the definition, for the new classes. */
  readonly model: Model;
  /** Names of the new classes. */
  readonly classes: readonly string[];
  readonly seed: number;
  readonly weights: "ema" | "trained";
}

/**
 * Takes a model's weights and running moments from a run's newest checkpoint, or a checkpoint's folder. What
 * depends on the number of classes is the head: unless the classes are the same ones it starts at random,
 * even where their number is the same and the shapes match.
 *
 * @throws {DataError} if the checkpoint is of another model, damaged, or has no tensor of the model
 */
export async function loadFinetune(
  from: string,
  { definition, model, classes, seed, weights }: FinetuneOptions,
): Promise<FinetuneStart> {
  const { path, manifest, files } = await startCheckpoint(from);
  const fail = (message: string) => {
    throw new DataError(`Cannot finetune from ${path}: ${message}`, {
      hint: `name a run of ${definition.name}, or train that model: --model ${manifest.model}`,
    });
  };
  if (manifest.model !== definition.name) {
    fail(`expected model ${definition.name}, found ${manifest.model}`);
  }
  const { data } = parseSavedRun(manifest.run, path);
  const file = weights === "ema" ? FILES.averages : FILES.model;
  const { tensors } = decodeSafetensors(files[file], join(path, file));
  const matching = (name: string, shape: readonly number[]) => {
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    return tensor?.dtype === "F32" && sameShape(tensor.shape, shape) ? tensor.data : undefined;
  };

  const isSame = JSON.stringify(data.classes) === JSON.stringify(classes);
  const head = isSame ? new Set<string>() : headOf(definition, model);
  const layout = parameterLayout(model.parameters);
  const parameters = initialValues(layout, seed);
  const fresh: string[] = [];
  layout.specs.forEach(({ name, shape }, i) => {
    const values = head.has(name) ? undefined : matching(name, shape);
    if (values === undefined) fresh.push(name);
    else parameters.set(values.subarray(0, sizeOf(shape)), layout.offsets[i]);
  });
  const taken = layout.specs.length - fresh.length;
  if (taken === 0) {
    const [{ name, shape }] = layout.specs;
    fail(
      `no tensor matches; expected ${name} ${formatShape(shape)} and others, found ${
        listed(Object.keys(tensors), ", ")
      }`,
    );
  }
  const places = statisticsLayout(model.statistics);
  const statistics = places.size === 0 ? undefined : initialStatistics(places);
  for (const { name, shape, offset } of statistics ? momentsPlaces(places) : []) {
    const values = matching(name, shape);
    if (values !== undefined) statistics?.set(values, offset);
  }
  return { path, parameters, statistics, fresh, taken };
}

/** The parameters whose shapes grow with the number of classes. */
function headOf(definition: ModelDefinition, { classes, parameters }: Model): Set<string> {
  const more = createModel(definition, classes + 1).parameters;
  const shapes = new Map(more.map(({ name, shape }) => [name, shape]));
  return new Set(
    parameters.filter(({ name, shape }) => !sameShape(shapes.get(name) ?? [], shape))
      .map(({ name }) => name),
  );
}
