/** The training step in TensorFlow.js of a net that its description and its logits define. */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import type { Net } from "./nets/net.ts";
import { initial } from "./nets/nets.ts";
import { batchOf, CLASSES, oneHot } from "./numbers.ts";

export type Parameters = Readonly<Record<string, tf.Tensor>>;
export type Forward = (w: Parameters, images: tf.Tensor4D) => tf.Tensor2D;

/**
 * Makes parameters and batch on the current backend, and the step. One optimizer for each learning
 * rate, as TensorFlow.js has no groups of parameters.
 */
export function makeStep(net: Net, batch: number, forward: Forward): () => Promise<number> {
  const entries = Object.entries(net.parameters);
  const w = Object.fromEntries(entries.map(([name, { shape, rate }]) => {
    return [name, tf.variable(tf.tensor(initial(net, name), [...shape]), rate !== 0, name)];
  }));
  const data = batchOf(batch, net.image);
  const images = tf.tensor4d(data.images, [batch, ...net.image]);
  const targets = tf.tensor2d(oneHot(data.labels, net.labelSmoothing), [batch, CLASSES]);

  const loss = () => {
    const crossEntropy = tf.losses.softmaxCrossEntropy(targets, forward(w, images));
    const decays = entries.flatMap(([name, { decay = 0 }]) =>
      decay === 0 ? [] : tf.mul(tf.sum(tf.square(w[name])), decay * net.weightDecay / 2)
    );
    // Its addN gives 0 on webgpu for more terms than a shader may have buffers.
    return decays.reduce((sum, decay) => tf.add(sum, decay), crossEntropy) as tf.Scalar;
  };
  const rates = [...new Set(entries.map(([, { rate = 1 }]) => rate))].filter((rate) => rate !== 0);
  const optimizers = rates.map((rate) => ({
    names: entries.filter(([, parameter]) => (parameter.rate ?? 1) === rate).map(([name]) => name),
    optimizer: tf.train.momentum(net.learningRate * rate, net.momentum, net.nesterov),
  }));
  return async () => {
    const value = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(loss);
      for (const { names, optimizer } of optimizers) {
        optimizer.applyGradients(names.map((name) => ({ name, tensor: grads[name] })));
      }
      return value;
    });
    const [number] = await value.data();
    value.dispose();
    return number;
  };
}
