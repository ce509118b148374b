import { placeholder, type Tensor } from "../tensor/tensor.ts";
import { type LayerRecord, traceNet } from "./net.ts";
import type { Net, TracedNet } from "./net.ts";
import type { NamedTensors, ParameterSpec } from "./parameters.ts";
import type { StatisticsDecay, StatisticsSpec } from "./statistics.ts";

/** What a forward pass is given. */
export interface ForwardInputs {
  readonly parameters: NamedTensors;
  /** [N, H, W, C] */
  readonly images: Tensor;
  /** Whether batches are normalized by their own moments, and dropout drops. */
  readonly training: boolean;
  /** Running moments [2, C] of each batch normalization by name; needed where `training` is false, and of `fixed`. */
  readonly statistics?: NamedTensors;
  /** Names of batch normalizations that normalize by their running moments while training too. */
  readonly fixed?: ReadonlySet<string>;
  /** [1] u32, another in each micro-batch: dropout draws its numbers by it and the seed. */
  readonly counter?: Tensor;
  readonly seed?: number;
}

/** What a forward pass gives. */
export interface ForwardResult {
  /** [N, classes] */
  readonly logits: Tensor;
  /** Moments [2, C] of this batch by the names of the batch normalizations, while training. */
  readonly moments: NamedTensors;
  /** Values by the names of layers: what features can be taken from. */
  readonly taps: NamedTensors;
  /** The layers in their order. */
  readonly layers: readonly LayerRecord[];
}

/** An image classifier. */
export interface Model {
  readonly name: string;
  /** Height, width and channels of an input image. */
  readonly image: readonly [number, number, number];
  readonly classes: number;
  readonly parameters: readonly ParameterSpec[];
  /** What its batch normalizations remember; most models have none. */
  readonly statistics: readonly StatisticsSpec[];
  readonly statisticsDecay: StatisticsDecay;
  /** Whether it drops values while training, so that `forward` needs a counter. */
  readonly drops: boolean;
  forward(inputs: ForwardInputs): ForwardResult;
  /**
   * The forward pass as an evaluation does it, of placeholders: what layers there are, and their shapes.
   *
   * @param images default one, [1, H, W, C]
   */
  rehearse(images?: Tensor): ForwardResult;
}

/** A model for any number of classes, as a file of `models/` or of a user exports it. */
export interface ModelDefinition {
  readonly name: string;
  /** Height, width and channels of an input image. */
  readonly image: readonly [number, number, number];
  /**
   * Flags of `train` that suit it, by name as on the command line; those of `default` hold unless
   * others are given.
   */
  readonly recipes?: Readonly<Record<string, Recipe>>;
  /** How running moments follow those of the batches. Default 0.9 with the start divided out. */
  readonly statisticsDecay?: StatisticsDecay;
  /** Images [N, H, W, C] to logits [N, net.classes], by layers that declare their parameters. */
  build(net: Net, images: Tensor): Tensor;
}

/** Values of flags by name: `{ "learning-rate": 0.1, optimizer: "momentum", flip: false }`. */
export type Recipe = Readonly<Record<string, string | number | boolean>>;

/** Says that a file's default export is a model; returns it as it is. */
export function defineModel(definition: ModelDefinition): ModelDefinition {
  return definition;
}

/**
 * A model whose running moments go on from given ones, as its weights do: with the start divided out, the
 * first batch would take their place.
 */
export function pretrained(model: Model): Model {
  return { ...model, statisticsDecay: { ...model.statisticsDecay, zeroDebias: false } };
}

/**
 * A definition as a model of so many classes. Its parameters and statistics are those that `build`
 * declares, in the order in which it does.
 *
 * @throws {RangeError} if a name is declared twice, or the logits are not [N, classes]
 */
export function createModel(definition: ModelDefinition, classes: number): Model {
  const { name, image, build } = definition;
  const built = (
    { net, moments, taps, layers }: TracedNet,
    images = placeholder("images", [1, ...image]),
  ): ForwardResult => ({ logits: build(net, images), moments, taps, layers });
  const traced = traceNet(classes);
  const { logits } = built(traced);
  if (logits.shape.length !== 2 || logits.shape[1] !== classes) {
    throw new RangeError(
      `Cannot make a model of ${name} as its logits must be [N, ${classes}]: found [${
        ["N", ...logits.shape.slice(1)].join(", ")
      }]`,
    );
  }
  return {
    name,
    image,
    classes,
    parameters: traced.parameters,
    statistics: traced.statistics,
    statisticsDecay: definition.statisticsDecay ?? { decay: 0.9, zeroDebias: true },
    drops: traced.drops,
    forward: (inputs) => built(traceNet(classes, inputs), inputs.images),
    rehearse: (images) => built(traceNet(classes), images),
  };
}
