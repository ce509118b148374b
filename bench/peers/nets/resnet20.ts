import type { Net, Parameter } from "./net.ts";

/** A pre-activation unit: BN, leaky ReLU, conv 3x3, BN, leaky ReLU, conv 3x3, and the shortcut. */
export interface Unit {
  readonly name: string;
  readonly channels: number;
  readonly filters: number;
  /** Of its first convolution, and of the average pool of its shortcut. */
  readonly stride: number;
  /** Whether the shortcut starts behind the first normalization and activation. */
  readonly activatesShortcut: boolean;
}

/** Of the leaky ReLU. */
export const SLOPE = 0.1;
/** Added to a variance. */
export const EPSILON = 1e-3;
/** Filters of the stem. */
const STEM = 16;
/** What the dense layer gets: a mean of each channel. */
export const FEATURES = 64;

/** Three stages of three units. */
export const UNITS: readonly Unit[] = [STEM, 32, FEATURES].flatMap((filters, stage) =>
  Array.from({ length: 3 }, (_, i) => ({
    name: `unit_${stage + 1}_${i}`,
    channels: i > 0 || stage === 0 ? filters : filters / 2,
    filters,
    stride: i === 0 && stage > 0 ? 2 : 1,
    activatesShortcut: stage === 0 && i === 0,
  }))
);

/** Filters 3x3, so that what they give varies about as much as what they get. */
function filters(name: string, channels: number, filters: number): [string, Parameter][] {
  const deviation = Math.sqrt(2 / (9 * channels));
  return [[`${name}/weights`, { shape: [3, 3, channels, filters], deviation, decay: 1 }]];
}

function norm(name: string, channels: number): [string, Parameter][] {
  return [
    [`${name}/gamma`, { shape: [channels], constant: 1 }],
    [`${name}/beta`, { shape: [channels], constant: 0 }],
  ];
}

/** The pre-activation ResNet-20 (He et al. 2016), with kiln's names. */
export const resnet20: Net = {
  name: "resnet-20",
  image: [32, 32, 3],
  batch: 32,
  parameters: Object.fromEntries<Parameter>([
    ...filters("stem", 3, STEM),
    ...UNITS.flatMap(({ name, channels, filters: out }) => [
      ...norm(`${name}/bn1`, channels),
      ...filters(`${name}/conv1`, channels, out),
      ...norm(`${name}/bn2`, out),
      ...filters(`${name}/conv2`, out, out),
    ]),
    ...norm("bn_last", FEATURES),
    ["logits/weights", { shape: [FEATURES, 10], deviation: Math.sqrt(1 / FEATURES), decay: 1 }],
    ["logits/biases", { shape: [10], constant: 0 }],
  ]),
  learningRate: 0.01,
  momentum: 0.9,
  nesterov: false,
  weightDecay: 2e-4,
  labelSmoothing: 0,
};
