import type { Net, Parameter } from "./net.ts";

/** The reference CNN's parameters. */
export const PARAMETERS = {
  "conv1/weights": { shape: [5, 5, 3, 64], deviation: 0.05 },
  "conv1/biases": { shape: [64], constant: 0 },
  "conv2/weights": { shape: [5, 5, 64, 64], deviation: 0.05 },
  "conv2/biases": { shape: [64], constant: 0.1 },
  "local3/weights": { shape: [2304, 384], deviation: 0.04, decay: 1 },
  "local3/biases": { shape: [384], constant: 0.1 },
  "local4/weights": { shape: [384, 192], deviation: 0.04, decay: 1 },
  "local4/biases": { shape: [192], constant: 0.1 },
  "softmax_linear/weights": { shape: [192, 10], deviation: 1 / 192 },
  "softmax_linear/biases": { shape: [10], constant: 0 },
} as const satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof PARAMETERS;
export const PARAMETER_NAMES = Object.keys(PARAMETERS) as ParameterName[];

/** TensorFlow's CIFAR-10 tutorial's CNN. */
export const reference: Net = {
  name: "reference",
  image: [24, 24, 3],
  batch: 128,
  parameters: PARAMETERS,
  learningRate: 0.1,
  momentum: 0,
  nesterov: false,
  weightDecay: 0.004,
  labelSmoothing: 0,
};
