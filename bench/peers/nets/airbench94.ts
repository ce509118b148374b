import type { Net, Parameter } from "./net.ts";

/** Added to a variance. */
export const EPSILON = 1e-12;
/** What logits are multiplied by. */
export const SCALE = 1 / 9;
/** Filters of the whitening convolution. */
const WHITENED = 24;
/** What the dense layer gets. */
export const FEATURES = 256;
/** Its betas learn faster by this factor, and decay less by it. */
const BETA_RATE = 64;

/** Two convolutions 3x3 with a max pool between them, each with a normalization and a GELU. */
export interface Group {
  readonly name: string;
  readonly channels: number;
  readonly filters: number;
}

export const GROUPS: readonly Group[] = [
  { name: "group1", channels: WHITENED, filters: 64 },
  { name: "group2", channels: 64, filters: FEATURES },
  { name: "group3", channels: FEATURES, filters: FEATURES },
];

function weights(shape: readonly number[], gain = 2): Parameter {
  const inputs = shape.slice(0, -1).reduce((a, b) => a * b);
  return { shape, deviation: Math.sqrt(gain / inputs), decay: 1 };
}

function beta(channels: number): Parameter {
  return { shape: [channels], constant: 0, decay: 1 / BETA_RATE, rate: BETA_RATE };
}

/**
 * The CNN of Keller Jordan's airbench94, with kiln's names. Its whitening filters are random here: in training they come
 * of the images, and stay as they are.
 */
export const airbench94: Net = {
  name: "airbench94",
  image: [32, 32, 3],
  batch: 16,
  parameters: Object.fromEntries<Parameter>([
    ["whiten/weights", { ...weights([2, 2, 3, WHITENED]), decay: 0, rate: 0 }],
    ["whiten/biases", { shape: [WHITENED], constant: 0, decay: 1 }],
    ...GROUPS.flatMap(({ name, channels, filters }): [string, Parameter][] => [
      [`${name}/conv1/weights`, weights([3, 3, channels, filters])],
      [`${name}/bn1/beta`, beta(filters)],
      [`${name}/conv2/weights`, weights([3, 3, filters, filters])],
      [`${name}/bn2/beta`, beta(filters)],
    ]),
    ["head/weights", weights([FEATURES, 10], 1)],
  ]),
  learningRate: 0.001,
  momentum: 0.85,
  nesterov: true,
  weightDecay: 0.00133,
  labelSmoothing: 0.2,
};
