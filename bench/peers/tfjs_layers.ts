/**
 * Layers of TensorFlow.js whose gradients are written in its own public ops: fewer passes than its
 * own gradients take. With the way "stock" all are its own.
 */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import * as own from "./tfjs_conv.ts";
import type { Way } from "./tfjs_way.ts";

/** A convolution's parts besides its input; padding `same`. */
export interface ConvOptions {
  readonly way: Way;
  readonly stride?: number;
  /** Whether the input is the batch, which needs no gradient. */
  readonly constant?: boolean;
}

export function conv(
  x: tf.Tensor4D,
  filters: tf.Tensor,
  { way, stride = 1, constant = false }: ConvOptions,
): tf.Tensor4D {
  const w = filters as tf.Tensor4D;
  if (way === "stock") return tf.conv2d(x, w, stride, "same");
  return constant
    ? own.convOfConstant(x, w, way.filterGradient)
    : own.conv(x, w, way.filterGradient, stride);
}

/** The mean of each channel: on both backends the average pool of whole images is the fastest. */
function channelMean(x: tf.Tensor4D): tf.Tensor1D {
  return tf.mean(tf.avgPool(x, [x.shape[1], x.shape[2]], 1, "valid"), [0, 1, 2]);
}

export interface BatchNormOptions {
  readonly way: Way;
  readonly gamma: tf.Tensor;
  readonly beta: tf.Tensor;
  readonly epsilon: number;
}

/** (x - mean) / sqrt(variance + epsilon) gamma + beta by the batch's moments. */
export function batchNorm(
  x: tf.Tensor4D,
  { way, gamma, beta, epsilon }: BatchNormOptions,
): tf.Tensor4D {
  if (way === "stock") {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return tf.batchNorm(
      x,
      mean as tf.Tensor1D,
      variance as tf.Tensor1D,
      beta as tf.Tensor1D,
      gamma as tf.Tensor1D,
      epsilon,
    );
  }
  const op = tf.customGrad((...all) => {
    const [x, gamma, beta, save] = all as
      & [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc]
      & unknown[];
    const centered = tf.sub(x, channelMean(x)) as tf.Tensor4D;
    const scale = tf.rsqrt(tf.add(channelMean(tf.square(centered)), epsilon));
    const factor = tf.mul(gamma, scale);
    save([centered, scale, factor]);
    return {
      value: tf.add(tf.mul(centered, factor), beta),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [centered, scale, factor] = saved;
        const [n, height, width] = x.shape;
        const count = n * height * width;
        const mean = channelMean(dy as tf.Tensor4D);
        const product = channelMean(tf.mul(dy, centered));
        const spread = tf.mul(tf.mul(product, factor), tf.square(scale));
        const direct = tf.sub(tf.mul(dy, factor), tf.mul(centered, spread));
        const dx = tf.sub(direct, tf.mul(mean, factor));
        return [dx, tf.mul(tf.mul(product, scale), count), tf.mul(mean, count)];
      },
    };
  });
  return op(x, gamma, beta) as tf.Tensor4D;
}

/** x above 0, else slope x. */
export function leakyRelu(x: tf.Tensor4D, { way, slope }: { way: Way; slope: number }) {
  if (way === "stock") return tf.leakyRelu(x, slope);
  const op = tf.customGrad((...all) => {
    const [x, save] = all as [tf.Tensor4D, tf.GradSaveFunc] & unknown[];
    save([x]);
    return {
      value: tf.prelu(x, tf.fill([1, 1, 1, x.shape[3]], slope)),
      gradFunc: (dy: tf.Tensor, [x]: tf.Tensor[]) => tf.mul(dy, tf.step(x, slope)),
    };
  });
  return op(x) as tf.Tensor4D;
}

/** x times the normal distribution's share below x, by its erf. */
export function gelu(x: tf.Tensor4D, way: Way): tf.Tensor4D {
  const share = (x: tf.Tensor) => tf.add(tf.mul(tf.erf(tf.mul(x, Math.SQRT1_2)), 0.5), 0.5);
  if (way === "stock") return tf.mul(x, share(x));
  const op = tf.customGrad((...all) => {
    const [x, save] = all as [tf.Tensor4D, tf.GradSaveFunc] & unknown[];
    const below = share(x);
    save([x, below]);
    return {
      value: tf.mul(x, below),
      gradFunc: (dy: tf.Tensor, [x, below]: tf.Tensor[]) => {
        const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        return tf.mul(dy, tf.add(below, tf.mul(x, density)));
      },
    };
  });
  return op(x) as tf.Tensor4D;
}
