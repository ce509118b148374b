/** What nets of convolutions and batch normalizations share in jax-js; NCHW, as its convolution asks. */

import * as jax from "npm:@jax-js/jax@0.1.25";
import { lax, nn, numpy as np } from "npm:@jax-js/jax@0.1.25";
import type { Net } from "./nets/net.ts";
import { initial } from "./nets/nets.ts";
import { batchOf, CLASSES, oneHot } from "./numbers.ts";

export type Parameters = Record<string, jax.Array>;

/** Logits of images. In jax-js every use of an array consumes it, unless it is `.ref`. */
export type Forward = (w: Parameters, images: jax.Array) => jax.Array;

export function conv(x: jax.Array, filters: jax.Array, stride = 1, padding = "SAME"): jax.Array {
  return lax.conv(x, filters, [stride, stride], padding as lax.PaddingType);
}

/** (x - mean) / sqrt(variance + epsilon) gamma + beta by the batch's moments; without gamma it is 1. */
export function batchNorm(
  x: jax.Array,
  { gamma, beta, epsilon }: { gamma?: jax.Array; beta: jax.Array; epsilon: number },
): jax.Array {
  const mean = (value: jax.Array) => np.mean(value, [0, 2, 3], { keepdims: true });
  const channels = [1, x.shape[1], 1, 1];
  const centered = x.ref.sub(mean(x));
  const scale = np.reciprocal(np.sqrt(mean(np.square(centered.ref)).add(epsilon)));
  const factor = gamma === undefined ? scale : scale.mul(gamma.reshape(channels));
  return centered.mul(factor).add(beta.reshape(channels));
}

/** The net's whole step as one `jit`, with its parameters and batch on the current device. */
export async function makeStep(
  net: Net,
  batch: number,
  forward: Forward,
): Promise<() => Promise<number>> {
  const entries = Object.entries(net.parameters);
  const trained = entries.filter(([, { rate }]) => rate !== 0).map(([name]) => name);
  const fixed = entries.filter(([, { rate }]) => rate === 0).map(([name]) => name);

  const loss = (w: Parameters, constants: Parameters, images: jax.Array, targets: jax.Array) => {
    const decays = entries.flatMap(([name, { decay = 0 }]) =>
      decay === 0 ? [] : np.sum(np.square(w[name].ref)).mul(decay * net.weightDecay / 2)
    );
    const logits = forward({ ...w, ...constants }, images);
    const crossEntropy = np.sum(nn.logSoftmax(logits).mul(targets)).mul(-1 / batch);
    return decays.reduce((sum, decay) => sum.add(decay), crossEntropy);
  };

  const step = jax.jit((
    w: Parameters,
    velocities: Parameters,
    constants: Parameters,
    images: jax.Array,
    targets: jax.Array,
  ) => {
    const [value, gradients] = jax.valueAndGrad(loss)(jax.tree.ref(w), constants, images, targets);
    const next: Parameters = {};
    const moved: Parameters = {};
    for (const name of trained) {
      const rate = net.learningRate * (net.parameters[name].rate ?? 1);
      const gradient = (gradients as Parameters)[name];
      const velocity = velocities[name].mul(net.momentum).add(gradient.ref);
      const direction = net.nesterov
        ? gradient.add(velocity.ref.mul(net.momentum))
        : (gradient.dispose(), velocity.ref);
      next[name] = w[name].sub(direction.mul(rate));
      moved[name] = velocity;
    }
    return [value, next, moved] as [jax.Array, Parameters, Parameters];
  });

  const made = (names: readonly string[], make: (name: string) => jax.Array) =>
    Object.fromEntries(names.map((name) => [name, make(name)]));
  /** Filters [KH, KW, C, O] as [O, C, KH, KW]. */
  const parameter = (name: string) => {
    const value = np.array(initial(net, name), { shape: [...net.parameters[name].shape] });
    return value.ndim === 4 ? value.transpose([3, 2, 0, 1]) : value;
  };
  let w = made(trained, parameter);
  let velocities = made(trained, (name) => np.zeros([...w[name].shape]));
  const constants = made(fixed, parameter);
  const data = batchOf(batch, net.image);
  const images = np.array(data.images, { shape: [batch, ...net.image] }).transpose([0, 3, 1, 2]);
  const labels = oneHot(data.labels, net.labelSmoothing);
  const targets = np.array(labels, { shape: [batch, CLASSES] });
  await jax.blockUntilReady([w, velocities, constants, images, targets]);
  return async () => {
    const own = jax.tree.ref(constants);
    const [value, next, moved] = step(w, velocities, own, images.ref, targets.ref);
    [w, velocities] = [next, moved];
    await jax.blockUntilReady([next, moved]);
    return (await value.data())[0];
  };
}
