import type { LrnAttributes } from "../../ops/lrn.ts";
import type { WindowAttributes } from "../../ops/window.ts";
import { constantInitializer, truncatedNormal } from "../initializers.ts";
import { conv, dense, flatten, maxPool, responseNorm } from "../layers.ts";
import { createModel, defineModel, type Model, type ModelDefinition } from "../model.ts";

/** Window of 9 channels; alpha as TensorFlow takes it, not divided by the window. */
const LRN: LrnAttributes = { radius: 4, bias: 1, alpha: 0.001 / 9, beta: 0.75 };
const POOL: WindowAttributes = { size: [3, 3], strides: [2, 2], padding: "same" };

/** A truncated normal, and biases that are the same everywhere. */
function start(deviation: number, bias: number) {
  return { weights: truncatedNormal(deviation), biases: constantInitializer(bias) };
}

/**
 * The CNN of TensorFlow's CIFAR-10 tutorial (models/tutorials/image/cifar10, its last queue-based
 * state): 24x24x3 images, two convolutions of 64 5x5 filters, each with ReLU, 3x3 max pooling and local
 * response normalization (pool then norm, then norm then pool), two dense layers and a linear one;
 * with 10 classes 1,068,298 parameters. Weight decay on local3 and local4 alone. Its recipe is `train`
 * without flags.
 */
export const reference: ModelDefinition = defineModel({
  name: "reference",
  image: [24, 24, 3],
  build(net, images) {
    const relu = { activation: "relu" } as const;
    const conv1 = conv(net, "conv1", images, { filters: 64, size: 5, ...start(0.05, 0), ...relu });
    const norm1 = responseNorm(net, "norm1", maxPool(net, "pool1", conv1, POOL), LRN);
    const conv2 = conv(net, "conv2", norm1, { filters: 64, size: 5, ...start(0.05, 0.1), ...relu });
    const pool2 = maxPool(net, "pool2", responseNorm(net, "norm2", conv2, LRN), POOL);
    const decayed = { ...start(0.04, 0.1), ...relu, decay: 1 };
    const local3 = dense(net, "local3", flatten(pool2), { units: 384, ...decayed });
    const local4 = dense(net, "local4", local3, { units: 192, ...decayed });
    return dense(net, "softmax_linear", local4, { units: net.classes, ...start(1 / 192, 0) });
  },
});

/** The reference for other numbers of classes. */
export function referenceModel(classes: number): Model {
  return createModel(reference, classes);
}

/** The reference as it is for CIFAR-10. */
export const referenceCnn: Model = referenceModel(10);
