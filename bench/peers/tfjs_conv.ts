/**
 * Convolutions of TensorFlow.js whose gradients are written in its own public ops: the wasm backend
 * has no `Conv2DBackpropFilter`, and on a software adapter the webgpu backend's takes most of half a
 * minute a step. Of the ways tried, these are the fastest.
 */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import type { FilterGradient } from "./tfjs_way.ts";

/** Convolution of a constant: no gradient of `x`. */
export function convOfConstant(
  x: tf.Tensor4D,
  w: tf.Tensor4D,
  way: FilterGradient,
): tf.Tensor4D {
  const window = { size: w.shape[0], stride: 1, way };
  const op = tf.customGrad((w) => ({
    value: tf.conv2d(x, w as tf.Tensor4D, 1, "same"),
    gradFunc: (dy: tf.Tensor) => filterGradient(x, dy as tf.Tensor4D, window),
  }));
  return op(w) as tf.Tensor4D;
}

/** Convolution with gradients of both `x` and `w`; padding `same`. */
export function conv(
  x: tf.Tensor4D,
  w: tf.Tensor4D,
  way: FilterGradient,
  stride = 1,
): tf.Tensor4D {
  const op = tf.customGrad((...all) => {
    const [x, w, save] = all as
      & [tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc]
      & unknown[];
    save([x, w]);
    return {
      value: tf.conv2d(x, w, stride, "same"),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, w] = saved as [tf.Tensor4D, tf.Tensor4D];
        const window = { size: w.shape[0], stride, way };
        return [
          inputGradient(x, dy as tf.Tensor4D, w, window),
          filterGradient(x, dy as tf.Tensor4D, window),
        ];
      },
    };
  });
  return op(x, w) as tf.Tensor4D;
}

interface Window {
  readonly size: number;
  readonly stride: number;
  readonly way: FilterGradient;
}

/** Zeros that `same` puts before and behind a length. */
function around(length: number, { size, stride }: Window): [number, number] {
  const missing = Math.max((Math.ceil(length / stride) - 1) * stride + size - length, 0);
  return [missing >> 1, missing - (missing >> 1)];
}

/** dy, spread by the stride, convolved with the filters turned around. */
function inputGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  w: tf.Tensor4D,
  window: Window,
): tf.Tensor4D {
  const { size, stride, way } = window;
  const [, height, width] = x.shape;
  if (stride > 1 && way === "matmul") return tf.conv2dTranspose(dy, w, x.shape, stride, "same");
  const turned = way === "matmul" ? tf.reverse(w, [0, 1]) : turnedByCopies(w);
  const filters = tf.transpose(turned, [0, 1, 3, 2]) as tf.Tensor4D;
  if (stride === 1) return tf.conv2d(dy, filters, 1, "same");
  const spread = spreadBy(dy, stride);
  const padding = [height, width].map((length, i): [number, number] => {
    const before = size - 1 - around(length, window)[0];
    return [before, length + size - 1 - before - spread.shape[1 + i]];
  });
  return tf.conv2d(tf.pad(spread, [[0, 0], ...padding, [0, 0]]), filters, 1, "valid");
}

/** `tf.reverse(w, [0, 1])`, on WebAssembly in less time. */
function turnedByCopies(w: tf.Tensor4D): tf.Tensor {
  const [height, width, channels, filters] = w.shape;
  const positions = tf.reshape(w, [height * width, channels, filters]);
  const turned = tf.unstack(positions).reverse();
  return tf.reshape(tf.stack(turned), w.shape);
}

/** Each row and column followed by stride - 1 of zeros. */
function spreadBy(dy: tf.Tensor4D, stride: number): tf.Tensor4D {
  const [n, height, width, channels] = dy.shape;
  const rows = tf.pad(tf.reshape(dy, [n * height * width, 1, channels]), [
    [0, 0],
    [0, stride - 1],
    [0, 0],
  ]);
  const apart = tf.pad(tf.reshape(rows, [n * height, 1, width * stride * channels]), [
    [0, 0],
    [0, stride - 1],
    [0, 0],
  ]);
  return tf.reshape(apart, [n, height * stride, width * stride, channels]);
}

function filterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, window: Window): tf.Tensor {
  const { size, stride, way } = window;
  const [, height, width] = x.shape;
  const filters = dy.shape[3];
  const padding = [around(height, window), around(width, window)];
  const padded = tf.pad(x, [[0, 0], ...padding, [0, 0]]);
  if (way === "conv") {
    const images = tf.transpose(padded, [3, 1, 2, 0]) as tf.Tensor4D;
    const dilated = tf.transpose(dy, [1, 2, 0, 3]) as tf.Tensor4D;
    const found = tf.conv2d(images, dilated, 1, "valid", "NHWC", stride);
    return tf.transpose(
      tf.slice(found, [0, 0, 0, 0], [x.shape[3], size, size, filters]),
      [1, 2, 0, 3],
    );
  }
  return windowProduct(padded, dy, window);
}

/** x as columns, a window each, times dy. */
function windowProduct(
  padded: tf.Tensor4D,
  dy: tf.Tensor4D,
  { size, stride }: Window,
): tf.Tensor {
  const [n, height, width, filters] = dy.shape;
  const channels = padded.shape[3];
  const windows = Array.from({ length: size * size }, (_, i) => {
    const [top, left] = [Math.floor(i / size), i % size];
    const shape = [n, height, width, channels];
    if (stride === 1) return tf.slice(padded, [0, top, left, 0], shape);
    const [bottom, right] = [top + (height - 1) * stride + 1, left + (width - 1) * stride + 1];
    return tf.stridedSlice(padded, [0, top, left, 0], [n, bottom, right, channels], [
      1,
      stride,
      stride,
      1,
    ]);
  });
  const parts = n % 16 === 0 ? 16 : 1;
  const rows = n * height * width / parts;
  const columns = tf.reshape(tf.concat(windows, 3), [parts, rows, size * size * channels]);
  const products = tf.matMul(columns, tf.reshape(dy, [parts, rows, filters]), true);
  return tf.reshape(tf.sum(products, 0), [size, size, channels, filters]);
}
