/** The reference CNN's training step in TensorFlow.js, for whichever backend is set. */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import { initial } from "./nets/nets.ts";
import { PARAMETER_NAMES, type ParameterName, PARAMETERS, reference } from "./nets/reference.ts";
import { batchOf, CLASSES, oneHot } from "./numbers.ts";
import * as own from "./tfjs_conv.ts";
import { bandOf, localResponseNormalization, LRN } from "./tfjs_lrn.ts";
import type { Way } from "./tfjs_way.ts";

export function noteOf(way: Way): string {
  const rewritten = way !== "stock" && way.ownNorm ? "convolution and LRN" : "convolution";
  return `gradients of ${rewritten} rewritten in its own ops; no weight average`;
}

/**
 * Makes parameters and batch on the current backend, and the step: SGD, no average of weights.
 * `way` "stock" leaves all gradients to TensorFlow.js.
 */
export function makeStep(batch: number, way: Way): () => Promise<number> {
  const w = {} as Record<ParameterName, tf.Variable>;
  for (const name of PARAMETER_NAMES) {
    w[name] = tf.variable(
      tf.tensor(initial(reference, name), [...PARAMETERS[name].shape]),
      true,
      name,
    );
  }
  const data = batchOf(batch, reference.image);
  const images = tf.tensor4d(data.images, [batch, 24, 24, 3]);
  const targets = tf.tensor2d(oneHot(data.labels), [batch, CLASSES]);

  const conv = (x: tf.Tensor4D, name: "conv1" | "conv2") => {
    const filters = w[`${name}/weights`] as tf.Tensor as tf.Tensor4D;
    const y = way === "stock"
      ? tf.conv2d(x, filters, 1, "same")
      : name === "conv1"
      ? own.convOfConstant(x, filters, way.filterGradient)
      : own.conv(x, filters, way.filterGradient);
    return tf.relu(tf.add(y, w[`${name}/biases`])) as tf.Tensor4D;
  };
  const { radius, bias, alpha, beta } = LRN;
  const band = bandOf(64);
  const norm = (x: tf.Tensor4D) =>
    way === "stock" || !way.ownNorm
      ? tf.localResponseNormalization(x, radius, bias, alpha, beta)
      : localResponseNormalization(x, band);
  const pool = (x: tf.Tensor4D) => tf.maxPool(x, 3, 2, "same");
  const dense = (x: tf.Tensor, name: "local3" | "local4" | "softmax_linear") =>
    tf.add(tf.matMul(x, w[`${name}/weights`]), w[`${name}/biases`]);

  const loss = () => {
    let x = norm(pool(conv(images, "conv1")));
    x = pool(norm(conv(x, "conv2")));
    const flat = tf.reshape(x, [batch, 2304]);
    const hidden = tf.relu(dense(tf.relu(dense(flat, "local3")), "local4"));
    const logits = dense(hidden, "softmax_linear");
    const crossEntropy = tf.losses.softmaxCrossEntropy(
      targets,
      logits,
    ) as tf.Scalar;
    const squares = tf.add(
      tf.sum(tf.square(w["local3/weights"])),
      tf.sum(tf.square(w["local4/weights"])),
    );
    return tf.add(crossEntropy, tf.mul(squares, reference.weightDecay / 2)) as tf.Scalar;
  };
  const optimizer = tf.train.sgd(reference.learningRate);
  return async () => {
    const value = optimizer.minimize(loss, true) as tf.Scalar;
    const [number] = await value.data();
    value.dispose();
    return number;
  };
}
