/**
 * Ops of TensorFlow.js whose gradients are written in its own public ops: the wasm backend has no
 * `Conv2DBackpropFilter`, and on a software adapter the webgpu backend's `Conv2DBackpropFilter` and
 * `LRNGrad` take 34 s of a step between them. Of the ways tried, these are the fastest.
 */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";

/**
 * How the gradient of the filters is taken: `conv`: a convolution of the input with dy, batch and
 * channels exchanged; `matmul`: im2col and a matrix product for every 16th of the rows.
 */
export type FilterGradient = "conv" | "matmul";

/** Radius, bias, alpha and beta of the net's local response normalization. */
export const LRN = {
  radius: 4,
  bias: 1,
  alpha: 0.001 / 9,
  beta: 0.75,
} as const;

const SIZE = 5;
const PAD = 2;

/** Convolution of a constant: no gradient of `x`. */
export function convOfConstant(
  x: tf.Tensor4D,
  w: tf.Tensor4D,
  way: FilterGradient,
): tf.Tensor4D {
  const op = tf.customGrad((w) => ({
    value: tf.conv2d(x, w as tf.Tensor4D, 1, "same"),
    gradFunc: (dy: tf.Tensor) => filterGradient(x, dy as tf.Tensor4D, way),
  }));
  return op(w) as tf.Tensor4D;
}

/** Convolution with gradients of both `x` and `w`. */
export function conv(
  x: tf.Tensor4D,
  w: tf.Tensor4D,
  way: FilterGradient,
): tf.Tensor4D {
  const op = tf.customGrad((...all) => {
    const [x, w, save] = all as
      & [tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc]
      & unknown[];
    save([x, w]);
    return {
      value: tf.conv2d(x, w, 1, "same"),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, w] = saved as [tf.Tensor4D, tf.Tensor4D];
        const flipped = tf.transpose(tf.reverse(w, [0, 1]), [0, 1, 3, 2]);
        const dx = tf.conv2d(
          dy as tf.Tensor4D,
          flipped as tf.Tensor4D,
          1,
          "same",
        );
        return [dx, filterGradient(x, dy as tf.Tensor4D, way)];
      },
    };
  });
  return op(x, w) as tf.Tensor4D;
}

function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  way: FilterGradient,
): tf.Tensor {
  const [n, height, width, channels] = x.shape;
  const padded = tf.pad(x, [[0, 0], [PAD, PAD], [PAD, PAD], [0, 0]]);
  if (way === "conv") {
    const images = tf.transpose(padded, [3, 1, 2, 0]) as tf.Tensor4D;
    const filters = tf.transpose(dy, [1, 2, 0, 3]) as tf.Tensor4D;
    return tf.transpose(tf.conv2d(images, filters, 1, "valid"), [1, 2, 0, 3]);
  }
  const windows = Array.from(
    { length: SIZE * SIZE },
    (_, i) => tf.slice(padded, [0, Math.floor(i / SIZE), i % SIZE, 0], x.shape),
  );
  const parts = n % 16 === 0 ? 16 : 1;
  const rows = n * height * width / parts;
  const columns = tf.reshape(tf.concat(windows, 3), [
    parts,
    rows,
    SIZE * SIZE * channels,
  ]);
  const products = tf.matMul(
    columns,
    tf.reshape(dy, [parts, rows, dy.shape[3]]),
    true,
  );
  return tf.reshape(tf.sum(products, 0), [SIZE, SIZE, channels, dy.shape[3]]);
}

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
