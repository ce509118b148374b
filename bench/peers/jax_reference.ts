/** The reference CNN's training step in jax-js: one `jit`. Layout NCHW, as its convolution asks. */

import * as jax from "npm:@jax-js/jax@0.1.25";
import { lax, nn, numpy as np } from "npm:@jax-js/jax@0.1.25";
import { initial } from "./nets/nets.ts";
import { PARAMETER_NAMES, type ParameterName, PARAMETERS, reference } from "./nets/reference.ts";
import { batchOf, CLASSES, oneHot } from "./numbers.ts";

const { learningRate, weightDecay } = reference;
type Parameters = Record<ParameterName, jax.Array>;

/** What its program does otherwise than the net is written. */
export const NOTE = "LRN and loss composed of its own ops; no weight average";

/** In jax-js every use of an array consumes it, unless it is `.ref`. */
function loss(
  w: Parameters,
  images: jax.Array,
  targets: jax.Array,
  band: jax.Array,
): jax.Array {
  const [batch] = images.shape;
  const conv = (x: jax.Array, name: "conv1" | "conv2") => {
    const y = lax.conv(x, w[`${name}/weights`], [1, 1], "SAME");
    return nn.relu(y.add(w[`${name}/biases`].reshape([1, 64, 1, 1])));
  };
  const pool = (x: jax.Array) =>
    // values are >= 0 here, so that zeros never win
    lax.reduceWindow(np.pad(x, [[0, 0], [0, 0], [0, 1], [0, 1]]), np.max, [
      3,
      3,
    ], [2, 2]);
  const norm = (x: jax.Array) => { // window sums as a banded 1x1 convolution
    const sums = lax.conv(np.square(x.ref), band.ref, [1, 1], "VALID");
    return x.mul(np.exp(np.log(sums.mul(0.001 / 9).add(1)).mul(-0.75)));
  };
  const dense = (x: jax.Array, name: "local3" | "local4" | "softmax_linear") =>
    np.matmul(x, w[`${name}/weights`].ref).add(w[`${name}/biases`]);

  let x = norm(pool(conv(images, "conv1")));
  x = pool(norm(conv(x, "conv2"))).reshape([batch, 2304]);
  const logits = dense(
    nn.relu(dense(nn.relu(dense(x, "local3")), "local4")),
    "softmax_linear",
  );
  const crossEntropy = np.sum(nn.logSoftmax(logits).mul(targets)).mul(
    -1 / batch,
  );
  const squares = np.sum(np.square(w["local3/weights"])).add(
    np.sum(np.square(w["local4/weights"])),
  );
  w["softmax_linear/weights"].dispose();
  band.dispose();
  return crossEntropy.add(squares.mul(weightDecay / 2));
}

const step = jax.jit(
  (w: Parameters, images: jax.Array, targets: jax.Array, band: jax.Array) => {
    const [value, gradient] = jax.valueAndGrad(loss)(
      jax.tree.ref(w),
      images,
      targets,
      band,
    );
    const next = {} as Parameters;
    for (const name of PARAMETER_NAMES) {
      next[name] = w[name].sub(
        (gradient as Parameters)[name].mul(learningRate),
      );
    }
    return [value, next] as [jax.Array, Parameters];
  },
);

/** A parameter in jax-js's layout: filters [O, C, KH, KW]; rows of local3 in C, H, W order. */
function parameter(name: ParameterName): jax.Array {
  const value = np.array(initial(reference, name), { shape: [...PARAMETERS[name].shape] });
  if (name.startsWith("conv") && name.endsWith("weights")) {
    return value.transpose([3, 2, 0, 1]);
  }
  if (name !== "local3/weights") return value;
  return value.reshape([6, 6, 64, 384]).transpose([2, 0, 1, 3]).reshape([
    2304,
    384,
  ]);
}

/** Makes parameters and batch on the current device, and the step. */
export async function makeStep(batch: number): Promise<() => Promise<number>> {
  let w = {} as Parameters;
  for (const name of PARAMETER_NAMES) w[name] = parameter(name);
  const data = batchOf(batch, reference.image);
  const images = np.array(data.images, { shape: [batch, 24, 24, 3] }).transpose([
    0,
    3,
    1,
    2,
  ]);
  const targets = np.array(oneHot(data.labels), { shape: [batch, CLASSES] });
  const band = np.array(
    Float32Array.from(
      { length: 64 * 64 },
      (_, i) => +(Math.abs(i % 64 - (i >> 6)) <= 4),
    ),
    { shape: [64, 64, 1, 1] },
  );
  await jax.blockUntilReady([images, targets, band, w]);

  return async () => {
    const [value, next] = step(w, images.ref, targets.ref, band.ref);
    w = next;
    await jax.blockUntilReady(next);
    return (await value.data())[0];
  };
}
