/** The pre-activation ResNet-20 in jax-js. */

import type * as jax from "npm:@jax-js/jax@0.1.25";
import { nn, numpy as np } from "npm:@jax-js/jax@0.1.25";
import { batchNorm, conv, type Forward, makeStep as makeStepOf } from "./jax_layers.ts";
import { EPSILON, resnet20, SLOPE, UNITS } from "./nets/resnet20.ts";

export const NOTE = "batch norm and average pool composed of its own ops; no weight average";

const forward: Forward = (w, images) => {
  const active = (x: jax.Array, name: string) => {
    const [gamma, beta] = [w[`${name}/gamma`], w[`${name}/beta`]];
    return nn.leakyRelu(batchNorm(x, { gamma, beta, epsilon: EPSILON }), SLOPE);
  };
  let x = conv(images, w["stem/weights"]);
  for (const { name, channels, filters, stride, activatesShortcut } of UNITS) {
    const first = active(x.ref, `${name}/bn1`);
    let shortcut = activatesShortcut ? first.ref : x.ref;
    x.dispose();
    const y = active(conv(first, w[`${name}/conv1/weights`], stride), `${name}/bn2`);
    if (stride > 1) shortcut = shortcutA(shortcut, (filters - channels) / 2);
    x = conv(y, w[`${name}/conv2/weights`]).add(shortcut);
  }
  const pooled = np.mean(active(x, "bn_last"), [2, 3]);
  return np.matmul(pooled, w["logits/weights"]).add(w["logits/biases"]);
};

/** The means of windows 2x2, and as many zero channels in front as behind. */
function shortcutA(x: jax.Array, channels: number): jax.Array {
  const [n, c, height, width] = x.shape;
  const windows = x.reshape([n, c, height / 2, 2, width / 2, 2]);
  return np.pad(np.mean(windows, [3, 5]), [[0, 0], [channels, channels], [0, 0], [0, 0]]);
}

export function makeStep(batch: number): Promise<() => Promise<number>> {
  return makeStepOf(resnet20, batch, forward);
}
