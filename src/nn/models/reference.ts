import { conv2d } from "../../ops/conv.ts";
import { reshape } from "../../ops/layout.ts";
import { localResponseNormalization, type LrnAttributes } from "../../ops/lrn.ts";
import { matmul } from "../../ops/matmul.ts";
import { maxPool2d } from "../../ops/pool.ts";
import type { WindowAttributes } from "../../ops/window.ts";
import { sizeOf } from "../../tensor/shape.ts";
import { constantInitializer, truncatedNormal } from "../initializers.ts";
import type { Model } from "../model.ts";
import type { NamedTensors, ParameterSpec } from "../parameters.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Window of 9 channels; alpha as TensorFlow takes it, not divided by the window. */
const LRN: LrnAttributes = { radius: 4, bias: 1, alpha: 0.001 / 9, beta: 0.75 };
const POOL: WindowAttributes = { size: [3, 3], strides: [2, 2], padding: "same" };

function layer(
  name: string,
  shape: readonly number[],
  { deviation, bias, decayed = false }: { deviation: number; bias: number; decayed?: boolean },
): ParameterSpec[] {
  return [
    { name: `${name}/weights`, shape, initializer: truncatedNormal(deviation), decayed },
    {
      name: `${name}/biases`,
      shape: [shape[shape.length - 1]],
      initializer: constantInitializer(bias),
      decayed: false,
    },
  ];
}

/**
 * The CNN of TensorFlow's CIFAR-10 tutorial (models/tutorials/image/cifar10, its last queue-based
 * state): 24x24x3 images, two convolutions of 64 5x5 filters, each with ReLU, 3x3 max pooling and local
 * response normalization (pool then norm, then norm then pool), two dense layers and a linear one;
 * with 10 classes 1,068,298 parameters. Weight decay on local3 and local4 alone.
 */
export function referenceModel(classes: number): Model {
  return {
    name: "reference",
    image: [24, 24, 3],
    classes,
    parameters: [
      ...layer("conv1", [5, 5, 3, 64], { deviation: 0.05, bias: 0 }),
      ...layer("conv2", [5, 5, 64, 64], { deviation: 0.05, bias: 0.1 }),
      ...layer("local3", [2304, 384], { deviation: 0.04, bias: 0.1, decayed: true }),
      ...layer("local4", [384, 192], { deviation: 0.04, bias: 0.1, decayed: true }),
      ...layer("softmax_linear", [192, classes], { deviation: 1 / 192, bias: 0 }),
    ],
    logits,
  };
}

/** The reference as it is for CIFAR-10. */
export const referenceCnn: Model = referenceModel(10);

function logits(p: NamedTensors, images: Tensor): Tensor {
  const conv1 = conv2d(images, p["conv1/weights"], {
    bias: p["conv1/biases"],
    activation: "relu",
  });
  const pool1 = maxPool2d(conv1, POOL);
  const norm1 = localResponseNormalization(pool1, LRN);
  const conv2 = conv2d(norm1, p["conv2/weights"], {
    bias: p["conv2/biases"],
    activation: "relu",
  });
  const norm2 = localResponseNormalization(conv2, LRN);
  const pool2 = maxPool2d(norm2, POOL);
  const batch = images.shape[0];
  const flat = reshape(pool2, [batch, sizeOf(pool2.shape) / batch]);
  const local3 = matmul(flat, p["local3/weights"], {
    bias: p["local3/biases"],
    activation: "relu",
  });
  const local4 = matmul(local3, p["local4/weights"], {
    bias: p["local4/biases"],
    activation: "relu",
  });
  return matmul(local4, p["softmax_linear/weights"], { bias: p["softmax_linear/biases"] });
}
