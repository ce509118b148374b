// Layers: functions of a net, a name and a value that declare their parameters and make the next value.

import { batchNorm as batchNormOp, normalizeChannels } from "../ops/batch_norm.ts";
import { conv2d } from "../ops/conv.ts";
import { reshape } from "../ops/layout.ts";
import { locallyConnected2d } from "../ops/local.ts";
import { localResponseNormalization, type LrnAttributes } from "../ops/lrn.ts";
import { matmul } from "../ops/matmul.ts";
import { avgPool2d, globalAveragePool, maxPool2d } from "../ops/pool.ts";
import { type SpatialNormAttributes, spatialResponseNormalization } from "../ops/spatial_norm.ts";
import { type WindowAttributes, windowGeometry } from "../ops/window.ts";
import { sizeOf } from "../tensor/shape.ts";
import { fill, type Tensor } from "../tensor/tensor.ts";
import { constantInitializer, type ImageInitializer, type Initializer } from "./initializers.ts";
import type { Net } from "./net.ts";
import type { LearningLimit } from "./parameters.ts";

/** The weights and biases of a layer. */
export interface WeightOptions {
  readonly weights: Initializer;
  /** Factors of the recipe's weight decay and learning rate. Default 0 and 1. */
  readonly decay?: number;
  readonly rate?: number;
  /** How biases start; null: none. Default 0. */
  readonly biases?: Initializer | null;
  /** Factor of the recipe's weight decay for the biases. Default 0. */
  readonly biasDecay?: number;
  /** Factor of the recipe's learning rate for the biases. Default 1. */
  readonly biasRate?: number;
  /** When the biases stop to learn. Default: never. */
  readonly biasLimit?: LearningLimit;
  /** How weights start where there are training images to look at. */
  readonly fromImages?: ImageInitializer;
  readonly activation?: "none" | "relu";
}

/** A convolution's filters. */
export interface ConvOptions extends WeightOptions {
  readonly filters: number;
  /** Height and width of a filter. */
  readonly size: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default `same`. */
  readonly padding?: WindowAttributes["padding"];
}

/** conv + bias + activation: [N, H, W, C] to [N, OH, OW, filters]; `name/weights`, `name/biases`. */
export function conv(net: Net, name: string, x: Tensor, options: ConvOptions): Tensor {
  const { filters, size, stride = 1, padding = "same", activation } = options;
  const weights = weightsOf(net, name, [size, size, x.shape[3], filters], options);
  const bias = biasesOf(net, name, [filters], options);
  const y = conv2d(x, weights, { bias, activation, strides: [stride, stride], padding });
  const words = `conv ${size}x${size}${stride === 1 ? "" : ` / ${stride}`}`;
  return net.layer(name, withActivation(words, options), y);
}

/**
 * A convolution whose filters and biases are not shared (cuda-convnet's local layer): each output position has its own;
 * `name/weights` [OH OW, size size C, filters], `name/biases` [OH OW, filters].
 */
export function local(net: Net, name: string, x: Tensor, options: ConvOptions): Tensor {
  const { filters, size: side, stride = 1, padding = "same", activation } = options;
  const window: WindowAttributes = { size: [side, side], strides: [stride, stride], padding };
  const { oh, ow, c } = windowGeometry("local", x.shape, window);
  const weights = weightsOf(net, name, [oh * ow, side * side * c, filters], options);
  const bias = biasesOf(net, name, [oh * ow, filters], options);
  const y = locallyConnected2d(x, weights, { ...window, bias, activation });
  const words = `local ${side}x${side}${stride === 1 ? "" : ` / ${stride}`}`;
  return net.layer(name, withActivation(words, options), y);
}

/** x w + bias + activation: [N, K] to [N, units]; `name/weights`, `name/biases`. */
export function dense(
  net: Net,
  name: string,
  x: Tensor,
  { units, ...options }: WeightOptions & { readonly units: number },
): Tensor {
  const weights = weightsOf(net, name, [x.shape[1], units], options);
  const bias = biasesOf(net, name, [units], options);
  const y = matmul(x, weights, { bias, activation: options.activation });
  return net.layer(name, withActivation("dense", options), y);
}

/** A batch normalization, with a leaky ReLU behind it in the same pass. */
export interface BatchNormOptions {
  /** Added to the variance. Default 1e-3. */
  readonly epsilon?: number;
  /** Of what is below zero; 0: ReLU, 1 (the default): no activation. */
  readonly slope?: number;
  /** Factor of the recipe's weight decay, of gamma and beta. Default 0. */
  readonly decay?: number;
  /** Whether there is a gamma; else it is 1 for good. Default true. */
  readonly scales?: boolean;
  /** Factor of the recipe's learning rate for beta. Default 1. */
  readonly betaRate?: number;
}

/**
 * (x - mean) / sqrt(variance + epsilon) * gamma + beta, with the moments of the batch while training, else
 * (and where they are fixed) the running ones (Ioffe and Szegedy 2015); `name/gamma`, `name/beta`.
 */
export function batchNorm(
  net: Net,
  name: string,
  x: Tensor,
  { epsilon, slope = 1, decay, scales = true, betaRate }: BatchNormOptions = {},
): Tensor {
  const channels = x.shape[x.shape.length - 1];
  const inner = net.scope(name);
  const gamma = scales
    ? inner.parameter("gamma", [channels], { initializer: constantInitializer(1), decay })
    : fill(1, [channels]);
  const start = { initializer: constantInitializer(0), decay, rate: betaRate };
  const beta = inner.parameter("beta", [channels], start);
  const running = net.statistics(name, channels);
  const words = slope === 1 ? "batch norm" : `batch norm, ${slope === 0 ? "ReLU" : "leaky ReLU"}`;
  if (!net.training || net.isFixed(name)) {
    return net.layer(name, words, normalizeChannels(x, gamma, beta, running, { epsilon, slope }));
  }
  const { y, moments } = batchNormOp(x, gamma, beta, { epsilon, slope });
  net.follow(name, moments);
  return net.layer(name, words, y);
}

/** The largest value of each window. */
export function maxPool(net: Net, name: string, x: Tensor, window: WindowAttributes): Tensor {
  return net.layer(name, `max pool ${windowText(window)}`, maxPool2d(x, window));
}

/** The mean of each window, clipped at the edge. */
export function avgPool(net: Net, name: string, x: Tensor, window: WindowAttributes): Tensor {
  return net.layer(name, `average pool ${windowText(window)}`, avgPool2d(x, window));
}

/** The mean of each channel: [N, H, W, C] to [N, C]. */
export function globalPool(net: Net, name: string, x: Tensor): Tensor {
  return net.layer(name, "global average pool", globalAveragePool(x));
}

/** Local response normalization across channels. */
export function responseNorm(net: Net, name: string, x: Tensor, attributes: LrnAttributes): Tensor {
  return net.layer(name, "response norm", localResponseNormalization(x, attributes));
}

/** Local response normalization within each channel, over rows and columns. */
export function spatialNorm(
  net: Net,
  name: string,
  x: Tensor,
  attributes: SpatialNormAttributes,
): Tensor {
  return net.layer(name, "spatial response norm", spatialResponseNormalization(x, attributes));
}

/** A share of the values dropped while training, the others scaled up (Srivastava et al. 2014). */
export function dropout(net: Net, name: string, x: Tensor, rate: number): Tensor {
  return net.layer(name, `dropout ${rate}`, net.drop(x, rate));
}

/** [N, …] to [N, the rest], in the order H, W, C. */
export function flatten(x: Tensor): Tensor {
  const [batch] = x.shape;
  return reshape(x, [batch, sizeOf(x.shape) / batch]);
}

function weightsOf(
  net: Net,
  name: string,
  shape: readonly number[],
  { weights, decay, rate, fromImages }: WeightOptions,
): Tensor {
  const options = { initializer: weights, decay, rate, fromImages };
  return net.scope(name).parameter("weights", shape, options);
}

function biasesOf(
  net: Net,
  name: string,
  shape: readonly number[],
  { biases = constantInitializer(0), biasDecay, biasRate, biasLimit }: WeightOptions,
): Tensor | undefined {
  if (biases === null) return undefined;
  const options = { initializer: biases, decay: biasDecay, rate: biasRate, limit: biasLimit };
  return net.scope(name).parameter("biases", shape, options);
}

function withActivation(words: string, { activation }: WeightOptions): string {
  return activation === "relu" ? `${words}, ReLU` : words;
}

function windowText({ size: [height, width], strides: [down] }: WindowAttributes): string {
  return `${height}x${width}${down === 1 ? "" : ` / ${down}`}`;
}
