/**
 * The golden values of `reference_cnn.json`, `ops.json` and `families.json`, and the parameters and batch they
 * belong to. The twin of the recipe in `reference_cnn.py`; see there for how to make the files.
 *
 * A missing or unreadable file, or a generated tensor that differs from Python's, throws.
 */

/** Trainable tensors in the order of the net. */
export const PARAMETER_NAMES = [
  "conv1/weights",
  "conv1/biases",
  "conv2/weights",
  "conv2/biases",
  "local3/weights",
  "local3/biases",
  "local4/weights",
  "local4/biases",
  "softmax_linear/weights",
  "softmax_linear/biases",
] as const;

export type ParameterName = typeof PARAMETER_NAMES[number];
export type TensorName = ParameterName | "images";

interface Recipe {
  readonly stream: number;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly scale: number;
}

const RECIPES: Record<TensorName, Recipe> = {
  "images": { stream: 42, shape: [8, 24, 24, 3], offset: 0, scale: 1.75 },
  "conv1/weights": { stream: 2, shape: [5, 5, 3, 64], offset: 0, scale: 0.08 },
  "conv1/biases": { stream: 3, shape: [64], offset: 0, scale: 0.05 },
  "conv2/weights": { stream: 4, shape: [5, 5, 64, 64], offset: 0, scale: 0.08 },
  "conv2/biases": { stream: 5, shape: [64], offset: 0.1, scale: 0.05 },
  "local3/weights": { stream: 6, shape: [2304, 384], offset: 0, scale: 0.06 },
  "local3/biases": { stream: 7, shape: [384], offset: 0.1, scale: 0.05 },
  "local4/weights": { stream: 8, shape: [384, 192], offset: 0, scale: 0.06 },
  "local4/biases": { stream: 9, shape: [192], offset: 0.1, scale: 0.05 },
  "softmax_linear/weights": { stream: 10, shape: [192, 10], offset: 0, scale: 0.1 },
  "softmax_linear/biases": { stream: 11, shape: [10], offset: 0, scale: 0.05 },
};

/**
 * A gradient: the whole of it if `stride` is 1, else `values[i]` = flat element `i * stride`.
 * `sum` may cancel to nearly nothing: its error is to be judged against `norm`.
 */
export interface GoldenGradient {
  readonly shape: readonly number[];
  readonly norm: number;
  readonly sum: number;
  readonly stride: number;
  readonly values: readonly number[];
}

/** Contents of `reference_cnn.json`. Losses of a run: before each of its ten steps, then the last. */
export interface ReferenceCnn {
  readonly made_by: string;
  readonly batch: number;
  readonly weight_decay: number;
  readonly labels: readonly number[];
  readonly inputs: Record<
    TensorName,
    { readonly shape: readonly number[]; readonly bits_sum: number; readonly first: number[] }
  >;
  /** Row-major `[batch, 10]`. */
  readonly logits: readonly number[];
  /** Mean over the batch. */
  readonly cross_entropy: number;
  /** `cross_entropy` + `weight_decay` * (sum(local3²) + sum(local4²)) / 2, weights only. */
  readonly total_loss: number;
  /** Of `total_loss`. */
  readonly gradients: Record<ParameterName, GoldenGradient>;
  readonly sgd: { readonly rate: number; readonly losses: readonly number[] };
  /** velocity = momentum * velocity + gradient; w -= rate * velocity. */
  readonly momentum: {
    readonly rate: number;
    readonly momentum: number;
    readonly losses: readonly number[];
  };
  /**
   * L2 norms of the averages after ten plain SGD steps (those of `sgd`), with the effective decay
   * min(decay, (1 + s) / (10 + s)): s counts from 0 or from 1 at the first update.
   */
  readonly ema: {
    readonly decay: number;
    readonly first_step_0: Record<ParameterName, number>;
    readonly first_step_1: Record<ParameterName, number>;
  };
  readonly margins: { readonly relu: number; readonly pool: number };
}

/** The ops of `ops.json`. */
export type OpName = "conv2d" | "max_pool" | "avg_pool" | "lrn" | "softmax_cross_entropy";

/** The ops of `families.json`. */
export type FamilyOpName =
  | "batch_norm"
  | "normalize_channels"
  | "moments"
  | "leaky_relu"
  | "gelu"
  | "global_average_pool"
  | "locally_connected"
  | "spatial_norm";

/** One case of `ops.json` or `families.json`: arrays are flat and row-major, layouts are kiln's. */
export interface OpCase<Name = OpName> {
  readonly op: Name;
  readonly name: string;
  readonly attributes: Record<string, number | string>;
  readonly inputs: Record<string, GoldenArray>;
  readonly output: GoldenArray;
  /** The upstream gradient, of the shape of `output`. */
  readonly dy: readonly number[];
  /** Gradients of sum(dy * output), by input. */
  readonly gradients: Record<string, readonly number[]>;
}

export interface GoldenArray {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** The shape of a tensor of the fixture. */
export function shapeOf(name: TensorName): readonly number[] {
  return RECIPES[name].shape;
}

/** The values of a tensor of the fixture, bit for bit those of `reference_cnn.py`. */
export function generate(name: TensorName): Float32Array<ArrayBuffer> {
  const { shape, ...recipe } = RECIPES[name];
  return hashed({ ...recipe, size: shape.reduce((a, b) => a * b, 1) });
}

/** Numbers in [offset - scale, offset + scale) that Python makes alike, by the recipe of `reference_cnn.py`. */
export function hashed(
  { stream, size, offset, scale }: Omit<Recipe, "shape"> & { readonly size: number },
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(size);
  for (let i = 0; i < values.length; i++) {
    let x = stream * 2 ** 20 + i;
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    x ^= x >>> 16;
    values[i] = offset + scale * (((x >>> 8) - 2 ** 23) / 2 ** 23);
  }
  return values;
}

/** All ten parameters of the fixture, in the order of the net. */
export function referenceParameters(): Record<ParameterName, Float32Array<ArrayBuffer>> {
  const entries = PARAMETER_NAMES.map((name) => [name, generate(name)]);
  return Object.fromEntries(entries);
}

/** The golden values of the reference CNN, after a check that both recipes agree. */
export function loadReferenceCnn(): ReferenceCnn {
  const golden = readJson("reference_cnn.json") as ReferenceCnn;
  for (const name of ["images", ...PARAMETER_NAMES] as const) {
    const { bits_sum, first, shape } = golden.inputs[name];
    const values = generate(name);
    const bits = new Uint32Array(values.buffer).reduce((a, b) => (a + b) >>> 0, 0);
    const same = `${shape}` === `${shapeOf(name)}` && bits === bits_sum &&
      first.every((value, i) => value === values[i]);
    if (!same) {
      throw new Error(
        `Cannot use reference_cnn.json as ${name} is generated differently by fixture.ts and ` +
          `reference_cnn.py: bit sum is ${bits}, of shape [${shapeOf(name)}], not ${bits_sum}, ` +
          `of shape [${shape}]`,
      );
    }
  }
  return golden;
}

/** The golden cases of single ops. */
export function loadOpCases(): readonly OpCase[] {
  return (readJson("ops.json") as { cases: OpCase[] }).cases;
}

/** The golden cases of the ops of more model families. */
export function loadFamilyCases(): readonly OpCase<FamilyOpName>[] {
  return (readJson("families.json") as { cases: OpCase<FamilyOpName>[] }).cases;
}

/** ‖actual − expected‖ / ‖expected‖ in float64, with `actual` sampled at `stride`. */
export function relativeError(
  actual: ArrayLike<number>,
  expected: readonly number[],
  stride = 1,
): number {
  const count = Math.ceil(actual.length / stride);
  if (count !== expected.length) {
    throw new RangeError(`Cannot compare ${count} values with ${expected.length} golden ones`);
  }
  let difference = 0, norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i * stride] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  return Math.sqrt(difference / norm);
}

function readJson(file: string): unknown {
  return JSON.parse(Deno.readTextFileSync(new URL(file, import.meta.url)));
}
