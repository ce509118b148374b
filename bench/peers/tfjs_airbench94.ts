/** airbench94 in TensorFlow.js. */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import { airbench94, EPSILON, FEATURES, GROUPS, SCALE } from "./nets/airbench94.ts";
import { batchNorm, conv, gelu } from "./tfjs_layers.ts";
import { makeStep as makeStepOf, type Parameters } from "./tfjs_step.ts";
import type { Way } from "./tfjs_way.ts";

export function noteOf(): string {
  return "gradients of convolution, batch norm and GELU (by its erf) rewritten in its own ops; " +
    "no weight average";
}

function logits(w: Parameters, images: tf.Tensor4D, way: Way): tf.Tensor2D {
  const active = (x: tf.Tensor4D, name: string) => {
    const beta = w[`${name}/beta`];
    return gelu(batchNorm(x, { way, gamma: tf.onesLike(beta), beta, epsilon: EPSILON }), way);
  };
  // The filters are fixed: only what stands behind the convolution needs gradients.
  const whitened = tf.conv2d(images, w["whiten/weights"] as tf.Tensor4D, 1, "valid");
  let x = gelu(tf.add(whitened, w["whiten/biases"]), way);
  for (const { name } of GROUPS) {
    const pooled = tf.maxPool(conv(x, w[`${name}/conv1/weights`], { way }), 2, 2, "valid");
    x = active(pooled, `${name}/bn1`);
    x = active(conv(x, w[`${name}/conv2/weights`], { way }), `${name}/bn2`);
  }
  const features = tf.reshape(tf.maxPool(x, 3, 3, "valid"), [-1, FEATURES]);
  return tf.mul(tf.matMul(features, w["head/weights"]), SCALE) as tf.Tensor2D;
}

export function makeStep(batch: number, way: Way): () => Promise<number> {
  return makeStepOf(airbench94, batch, (w, images) => logits(w, images, way));
}
