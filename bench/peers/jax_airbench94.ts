/** airbench94 in jax-js. */

import type * as jax from "npm:@jax-js/jax@0.1.25";
import { lax, nn, numpy as np } from "npm:@jax-js/jax@0.1.25";
import { batchNorm, conv, type Forward, makeStep as makeStepOf } from "./jax_layers.ts";
import { airbench94, EPSILON, FEATURES, GROUPS, SCALE } from "./nets/airbench94.ts";

export const NOTE = "batch norm composed of its own ops, its exact GELU; no weight average";

const gelu = (x: jax.Array) => nn.gelu(x, { approximate: false });
const maxPool = (x: jax.Array, size: number) =>
  lax.reduceWindow(x, np.max, [size, size], [size, size]);

const forward: Forward = (w, images) => {
  const active = (x: jax.Array, name: string) =>
    gelu(batchNorm(x, { beta: w[`${name}/beta`], epsilon: EPSILON }));
  const whitened = conv(images, w["whiten/weights"], 1, "VALID");
  let x = gelu(whitened.add(w["whiten/biases"].reshape([1, -1, 1, 1])));
  for (const { name } of GROUPS) {
    x = active(maxPool(conv(x, w[`${name}/conv1/weights`]), 2), `${name}/bn1`);
    x = active(conv(x, w[`${name}/conv2/weights`]), `${name}/bn2`);
  }
  return np.matmul(maxPool(x, 3).reshape([-1, FEATURES]), w["head/weights"]).mul(SCALE);
};

export function makeStep(batch: number): Promise<() => Promise<number>> {
  return makeStepOf(airbench94, batch, forward);
}
