import { add, relu } from "../../ops/elementwise.ts";
import { pad } from "../../ops/layout.ts";
import { avgPool2d } from "../../ops/pool.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { glorotUniform, type Initializer, normal, uniformUnitScaling } from "../initializers.ts";
import { batchNorm, conv, dense, globalPool } from "../layers.ts";
import { defineModel, type ModelDefinition, type Recipe } from "../model.ts";
import type { Net } from "../net.ts";

/** Stages of a ResNet for 32x32 images: their strides. */
const STRIDES = [1, 2, 2] as const;
/** Of the leaky ReLU of the pre-activation networks. */
const SLOPE = 0.1;
/** Raised from 1e-5 against NaN, as its comment says. */
const EPSILON = 1e-3;

/** He et al. 2015 by fan-out, as TensorFlow's research/resnet has it. */
function filterStart(size: number, filters: number): Initializer {
  return normal(Math.sqrt(2 / (size * size * filters)));
}

function convolution(
  net: Net,
  name: string,
  x: Tensor,
  { filters, size, stride }: { filters: number; size: number; stride: number },
): Tensor {
  const start = { weights: filterStart(size, filters), biases: null, decay: 1 };
  return conv(net, name, x, { filters, size, stride, ...start });
}

/** What a pre-activation unit is made of. */
interface Unit {
  readonly filters: number;
  readonly stride: number;
  /** Whether the shortcut starts behind the first normalization and activation. */
  readonly activatesShortcut: boolean;
}

const leaky = { epsilon: EPSILON, slope: SLOPE };

/** BN, leaky ReLU, conv 3x3, BN, leaky ReLU, conv 3x3, and the input (He et al. 2016). */
function basicUnit(net: Net, x: Tensor, { filters, stride, activatesShortcut }: Unit): Tensor {
  const active = batchNorm(net, "bn1", x, leaky);
  const inner = convolution(net, "conv1", active, { filters, size: 3, stride });
  const branch = convolution(net, "conv2", batchNorm(net, "bn2", inner, leaky), {
    filters,
    size: 3,
    stride: 1,
  });
  const shortcut = shortcutA(activatesShortcut ? active : x, filters, stride);
  return net.layer("sum", "add", add(branch, shortcut));
}

/** 1x1, 3x3 and 1x1 convolutions of a quarter of the filters; the shortcut is projected. */
function bottleneckUnit(net: Net, x: Tensor, { filters, stride, activatesShortcut }: Unit): Tensor {
  const active = batchNorm(net, "bn1", x, leaky);
  const narrow = filters / 4;
  const first = convolution(net, "conv1", active, { filters: narrow, size: 1, stride });
  const second = convolution(net, "conv2", batchNorm(net, "bn2", first, leaky), {
    filters: narrow,
    size: 3,
    stride: 1,
  });
  const branch = convolution(net, "conv3", batchNorm(net, "bn3", second, leaky), {
    filters,
    size: 1,
    stride: 1,
  });
  const from = activatesShortcut ? active : x;
  const shortcut = from.shape[3] === filters
    ? from
    : convolution(net, "project", from, { filters, size: 1, stride });
  return net.layer("sum", "add", add(branch, shortcut));
}

/** Option A: averaged windows, and zero channels half in front and half behind. */
function shortcutA(x: Tensor, filters: number, stride: number): Tensor {
  const pooled = stride === 1
    ? x
    : avgPool2d(x, { size: [stride, stride], strides: [stride, stride], padding: "valid" });
  const missing = filters - pooled.shape[3];
  if (missing === 0) return pooled;
  const front = Math.floor(missing / 2);
  return pad(pooled, [[0, 0], [0, 0], [0, 0], [front, missing - front]]);
}

/** TensorFlow's research/resnet: README and code disagree on the decay; this is the code's. */
const RESNET_RECIPE: Recipe = {
  optimizer: "momentum",
  momentum: 0.9,
  "learning-rate": 0.1,
  schedule: "step",
  milestones: "40000,60000,80000",
  "decay-factor": 0.1,
  "weight-decay": 0.0002,
  steps: 90_000,
  pad: 2,
  brightness: 0,
  contrast: 0,
  "ema-decay": 0,
};

/** Filters of the stem and the three stages. */
type Filters = readonly [number, number, number, number];

function preActivation(
  name: string,
  { units, filters, unit, recipe = {} }: {
    units: number;
    filters: Filters;
    unit: typeof basicUnit;
    recipe?: Recipe;
  },
): ModelDefinition {
  return defineModel({
    name,
    image: [32, 32, 3],
    recipes: { default: { ...RESNET_RECIPE, ...recipe } },
    statisticsDecay: { decay: 0.9, zeroDebias: true },
    build(net, images) {
      let x = convolution(net, "stem", images, { filters: filters[0], size: 3, stride: 1 });
      STRIDES.forEach((stride, stage) => {
        for (let i = 0; i < units; i++) {
          x = unit(net.scope(`unit_${stage + 1}_${i}`), x, {
            filters: filters[stage + 1],
            stride: i === 0 ? stride : 1,
            activatesShortcut: stage === 0 && i === 0,
          });
        }
      });
      const pooled = globalPool(net, "pool", batchNorm(net, "bn_last", x, leaky));
      const head = { weights: uniformUnitScaling(1, pooled.shape[1]), decay: 1 };
      return dense(net, "logits", pooled, { units: net.classes, ...head });
    },
  });
}

/** `resnet-N`: pre-activation, basic units, N = 6n + 2 layers; 464,154 parameters for 32. */
export function resnet(layers: number): ModelDefinition {
  const units = unitsOf("resnet", layers, 6);
  return preActivation(`resnet-${layers}`, { units, filters: [16, 16, 32, 64], unit: basicUnit });
}

/** `resnet-N-bottleneck`: N = 9n + 2 layers; 1,703,258 parameters for 164. */
export function bottleneckResnet(layers: number): ModelDefinition {
  const units = unitsOf("resnet", layers, 9);
  return preActivation(`resnet-${layers}-bottleneck`, {
    units,
    filters: [16, 64, 128, 256],
    unit: bottleneckUnit,
  });
}

/** `wrn-28-10` (Zagoruyko and Komodakis 2016): 36,220,634 parameters. Batches of 64. */
export const wideResnet: ModelDefinition = preActivation("wrn-28-10", {
  units: 4,
  filters: [16, 160, 320, 640],
  unit: basicUnit,
  recipe: { "batch-size": 64 },
});

/** A 3x3 convolution as TensorFlow's cifar10_estimator has it: a stride's padding is the same on all sides. */
function convolutionV1(
  net: Net,
  name: string,
  x: Tensor,
  { filters, stride }: { filters: number; stride: number },
): Tensor {
  const weights = glorotUniform(9 * x.shape[3], 9 * filters);
  const options = { filters, size: 3, stride, weights, biases: null, decay: 1 };
  if (stride === 1) return conv(net, name, x, options);
  // SAME would leave the top and the left of an even image without.
  const padded = pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]);
  return conv(net, name, padded, { ...options, padding: "valid" });
}

/** `resnet-v1-N` (He et al. 2015; TensorFlow's cifar10_estimator): activation behind the sum. */
export function resnetV1(layers: number): ModelDefinition {
  const units = unitsOf("resnet-v1", layers, 6);
  const [first, ...rest] = [16, 16, 32, 64];
  // All that is trained decays, the normalizations and biases too.
  const plain = { epsilon: 1e-5, decay: 1 };
  const active = { ...plain, slope: 0 };
  return defineModel({
    name: `resnet-v1-${layers}`,
    image: [32, 32, 3],
    recipes: { default: V1_RECIPE },
    statisticsDecay: { decay: 0.997, zeroDebias: false },
    build(net, images) {
      const stem = convolutionV1(net, "stem", images, { filters: first, stride: 1 });
      let x = batchNorm(net, "stem/bn", stem, active);
      STRIDES.forEach((step, stage) => {
        for (let i = 0; i < units; i++) {
          const inner = net.scope(`unit_${stage + 1}_${i}`);
          const [filters, stride] = [rest[stage], i === 0 ? step : 1];
          const conv1 = convolutionV1(inner, "conv1", x, { filters, stride });
          const bn1 = batchNorm(inner, "bn1", conv1, active);
          const conv2 = convolutionV1(inner, "conv2", bn1, { filters, stride: 1 });
          const branch = batchNorm(inner, "bn2", conv2, plain);
          const shortcut = shortcutA(x, filters, stride);
          x = inner.layer("sum", "add, ReLU", relu(add(branch, shortcut)));
        }
      });
      const pooled = globalPool(net, "pool", x);
      const weights = glorotUniform(pooled.shape[1], net.classes);
      return dense(net, "logits", pooled, { units: net.classes, weights, decay: 1, biasDecay: 1 });
    },
  });
}

/** Epochs 82, 123 and 300 of 351 batches, with factors 0.1, 0.01 and 0.002. */
const V1_RECIPE: Recipe = {
  optimizer: "momentum",
  momentum: 0.9,
  "learning-rate": 0.1,
  schedule: "step",
  milestones: "28782,43173,105300",
  "weight-decay": 0.0002,
  steps: 80_000,
  pad: 4,
  normalize: "fixed",
  brightness: 0,
  contrast: 0,
  "ema-decay": 0,
};

function unitsOf(family: string, layers: number, each: number): number {
  const units = (layers - 2) / each;
  if (Number.isInteger(units) && units > 0) return units;
  throw new RangeError(
    `Cannot make a ${family} of ${layers} layers as they must be ${each}n + 2: ` +
      `the nearest is ${each * Math.max(1, Math.round(units)) + 2}`,
  );
}
