// What a model is made of, layer by layer, as data.

import type { Model } from "../nn/model.ts";
import { sizeOf } from "../tensor/shape.ts";
import { bytesOf, placeholder, type Tensor } from "../tensor/tensor.ts";

/** A parameter of a layer. */
export interface LayerParameter {
  readonly name: string;
  readonly shape: readonly number[];
}

/** One layer, or what no layer claims. */
export interface LayerRow {
  readonly name: string;
  /** What it does: `conv 5x5, ReLU`. */
  readonly kind: string;
  /** Of its output, without the batch: [H, W, C] or [units]; null where there is no output. */
  readonly shape: readonly number[] | null;
  /** Trainable values. */
  readonly parameters: number;
  /** Running moments of a batch normalization: values that are kept but not trained. */
  readonly statistics: number;
  /** Of one image, forward, padding included. */
  readonly multiplyAdds: number;
  /** Of its output for one image, in float32. */
  readonly bytes: number;
  /** The parameters one by one. */
  readonly tensors: readonly LayerParameter[];
  /** Rows whose outputs it is made of, ascending; -1 stands for the images. */
  readonly inputs: readonly number[];
}

/** Sums over all rows. */
export interface LayerTotals {
  readonly parameters: number;
  readonly statistics: number;
  readonly multiplyAdds: number;
  /** Of the parameters, in float32. */
  readonly parameterBytes: number;
  /** Of all rows' outputs for one image, in float32. */
  readonly activationBytes: number;
}

/** A model's layers in their order, and their sums. */
export interface LayerTable {
  readonly model: string;
  /** Height, width and channels of an input image. */
  readonly image: readonly [number, number, number];
  readonly classes: number;
  readonly layers: readonly LayerRow[];
  readonly totals: LayerTotals;
}

/** The ops whose work is counted: those of a pass over a value (pooling, activation) are a small rest. */
const COUNTED: ReadonlySet<string> = new Set(["conv2d", "matmul", "locally_connected2d"]);

/** The name of the row for what is done behind the last layer. */
export const UNNAMED = "(logits)";

/**
 * The layers of a model. A parameter belongs to the layer whose name is the longest that begins its own;
 * the multiply-adds of a layer are those between its output and the layers before it. What no layer
 * claims has rows of its own behind them, so that the sums are the model's.
 */
export function layerTable(model: Model): LayerTable {
  const images = placeholder("images", [1, ...model.image]);
  const { logits, layers } = model.rehearse(images);
  const claimed = claims(layers.map(({ name }) => name), model);
  const walk = graphWalk(images);
  const rows: LayerRow[] = layers.map(({ name, kind, output }, index) => ({
    ...{ name, kind, shape: output.shape.slice(1), ...claimed.of(name) },
    ...{ bytes: bytesOf(output), ...walk(output, index) },
  }));
  // Where the last ops are no layer, the logits still are an output.
  const rest = walk(logits, rows.length);
  if (rest.isNew) {
    const shape = logits.shape.slice(1);
    rows.push({
      ...{ name: UNNAMED, kind: "ops without a name", shape, ...NOTHING, bytes: bytesOf(logits) },
      ...rest,
    });
  }
  const complete = [...rows, ...claimed.rest()].map(cleanRow);
  return {
    model: model.name,
    image: model.image,
    classes: model.classes,
    layers: complete,
    totals: totalsOf(complete),
  };
}

/** What a row has of the model's parameters. */
type Claim = Pick<LayerRow, "parameters" | "statistics" | "tensors">;

const NOTHING: Claim = { parameters: 0, statistics: 0, tensors: [] };

/** Shares parameters and statistics out to layers by name; each goes to one row. */
function claims(
  layers: readonly string[],
  { parameters, statistics }: Pick<Model, "parameters" | "statistics">,
) {
  const names = new Set(layers);
  const owned = new Map<string, { tensors: LayerParameter[]; statistics: number }>();
  const rest: LayerRow[] = [];
  const ownerOf = (name: string) => {
    for (let end = name.length; end > 0; end = name.lastIndexOf("/", end - 1)) {
      const prefix = name.slice(0, end);
      if (names.has(prefix)) {
        const entry = owned.get(prefix) ?? { tensors: [], statistics: 0 };
        owned.set(prefix, entry);
        return entry;
      }
    }
  };
  const alone = (name: string, kind: string, claim: Claim): LayerRow => ({
    ...{ name, kind, shape: null, ...claim, multiplyAdds: 0, bytes: 0, inputs: [] },
  });
  for (const { name, shape } of parameters) {
    const tensor = { name, shape };
    const owner = ownerOf(name);
    if (owner !== undefined) owner.tensors.push(tensor);
    else rest.push(alone(name, "parameter of no layer", claimOf([tensor], 0)));
  }
  for (const { name, channels } of statistics) {
    const owner = ownerOf(name);
    if (owner !== undefined) owner.statistics += 2 * channels;
    else rest.push(alone(name, "statistics of no layer", claimOf([], 2 * channels)));
  }
  return {
    of(name: string): Claim {
      const entry = owned.get(name);
      // A name that stands for two layers counts once.
      owned.delete(name);
      return entry === undefined ? NOTHING : claimOf(entry.tensors, entry.statistics);
    },
    rest: () => rest,
  };
}

function claimOf(tensors: readonly LayerParameter[], statistics: number): Claim {
  return {
    parameters: tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    statistics,
    tensors,
  };
}

/** Walks a graph from one row's output after the other, each node once. */
function graphWalk(images: Tensor) {
  const seen = new Set<Tensor>();
  const owners = new Map<Tensor, number>([[images, -1]]);
  return (output: Tensor, row: number) => {
    let multiplyAdds = 0;
    const inputs = new Set<number>();
    const before = owners.get(output);
    const isNew = before === undefined;
    // A value that is noted twice: the second layer does nothing to the first.
    if (!isNew) inputs.add(before);
    const open = isNew ? [output] : [];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      const owner = owners.get(node);
      if (owner !== undefined) inputs.add(owner);
      else if (!seen.has(node)) {
        seen.add(node);
        if (node.op !== undefined && COUNTED.has(node.op.name)) {
          multiplyAdds += node.op.cost().flops / 2;
        }
        open.push(...node.inputs);
      }
    }
    owners.set(output, row);
    return { multiplyAdds, inputs: [...inputs].sort((a, b) => a - b), isNew };
  };
}

/** A row without the traces of its making, its properties in one order: it is printed as JSON. */
function cleanRow(
  { name, kind, shape, parameters, statistics, multiplyAdds, bytes, tensors, inputs }: LayerRow,
): LayerRow {
  return { name, kind, shape, parameters, statistics, multiplyAdds, bytes, tensors, inputs };
}

function totalsOf(rows: readonly LayerRow[]): LayerTotals {
  const sum = (of: (row: LayerRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  const parameters = sum((row) => row.parameters);
  return {
    parameters,
    statistics: sum((row) => row.statistics),
    multiplyAdds: sum((row) => row.multiplyAdds),
    parameterBytes: parameters * 4,
    activationBytes: sum((row) => row.bytes),
  };
}
