/** The pre-activation ResNet-20 in TensorFlow.js. */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import { EPSILON, resnet20, SLOPE, UNITS } from "./nets/resnet20.ts";
import { batchNorm, conv, leakyRelu } from "./tfjs_layers.ts";
import { makeStep as makeStepOf, type Parameters } from "./tfjs_step.ts";
import type { Way } from "./tfjs_way.ts";

export function noteOf(): string {
  return "gradients of convolution, batch norm and leaky ReLU rewritten in its own ops; " +
    "no weight average";
}

function logits(w: Parameters, images: tf.Tensor4D, way: Way): tf.Tensor2D {
  const active = (x: tf.Tensor4D, name: string) => {
    const [gamma, beta] = [w[`${name}/gamma`], w[`${name}/beta`]];
    const y = batchNorm(x, { way, gamma, beta, epsilon: EPSILON });
    return leakyRelu(y, { way, slope: SLOPE });
  };
  let x = conv(images, w["stem/weights"], { way, constant: true });
  for (const { name, channels, filters, stride, activatesShortcut } of UNITS) {
    const first = active(x, `${name}/bn1`);
    const y = active(conv(first, w[`${name}/conv1/weights`], { way, stride }), `${name}/bn2`);
    const branch = conv(y, w[`${name}/conv2/weights`], { way });
    const shortcut = activatesShortcut ? first : x;
    x = tf.add(branch, shortcutA(shortcut, { stride, channels: (filters - channels) / 2 }));
  }
  const pooled = tf.mean(active(x, "bn_last"), [1, 2]);
  return tf.add(tf.matMul(pooled, w["logits/weights"]), w["logits/biases"]);
}

/** The means of windows, and as many zero channels in front as behind. */
function shortcutA(
  x: tf.Tensor4D,
  { stride, channels }: { stride: number; channels: number },
): tf.Tensor4D {
  if (stride === 1) return x;
  const pooled = tf.avgPool(x, stride, stride, "valid");
  return tf.pad(pooled, [[0, 0], [0, 0], [0, 0], [channels, channels]]);
}

export function makeStep(batch: number, way: Way): () => Promise<number> {
  return makeStepOf(resnet20, batch, (w, images) => logits(w, images, way));
}
