/** Local response normalization in TensorFlow.js with a gradient of its own public ops. */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";

/** Radius, bias, alpha and beta of the net's local response normalization. */
export const LRN = {
  radius: 4,
  bias: 1,
  alpha: 0.001 / 9,
  beta: 0.75,
} as const;

/**
 * y = x s^-beta with s = bias + alpha * (sum of x^2 over the window), as a matrix product with a
 * banded matrix of ones; dx = dy s^-beta - 2 alpha beta x * (window sum of dy x s^(-beta - 1)).
 */
export function localResponseNormalization(
  x: tf.Tensor4D,
  band: tf.Tensor2D,
): tf.Tensor4D {
  const windowSum = (x: tf.Tensor) =>
    tf.reshape(tf.matMul(tf.reshape(x, [-1, band.shape[0]]), band), x.shape);
  const op = tf.customGrad((...all) => {
    const [x, save] = all as [tf.Tensor4D, tf.GradSaveFunc] & unknown[];
    const s = tf.add(tf.mul(windowSum(tf.square(x)), LRN.alpha), LRN.bias);
    const power = tf.pow(s, -LRN.beta);
    save([x, s, power]);
    return {
      value: tf.mul(x, power),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, s, power] = saved;
        const direct = tf.mul(dy, power);
        const spread = windowSum(tf.div(tf.mul(direct, x), s));
        return tf.sub(
          direct,
          tf.mul(tf.mul(x, 2 * LRN.alpha * LRN.beta), spread),
        );
      },
    };
  });
  return op(x) as tf.Tensor4D;
}

/** [channels, channels], 1 where two channels are in each other's window. */
export function bandOf(channels: number): tf.Tensor2D {
  const ones = (_: unknown, i: number) =>
    Math.abs(i % channels - Math.floor(i / channels)) <= LRN.radius ? 1 : 0;
  return tf.tensor2d(Array.from({ length: channels ** 2 }, ones), [
    channels,
    channels,
  ]);
}
