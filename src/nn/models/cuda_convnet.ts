import { relu } from "../../ops/elementwise.ts";
import type { LrnAttributes } from "../../ops/lrn.ts";
import type { SpatialNormAttributes } from "../../ops/spatial_norm.ts";
import type { WindowAttributes } from "../../ops/window.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { normal } from "../initializers.ts";
import {
  avgPool,
  conv,
  dense,
  flatten,
  local,
  maxPool,
  responseNorm,
  spatialNorm,
  type WeightOptions,
} from "../layers.ts";
import { defineModel, type ModelDefinition, type Recipe } from "../model.ts";
import type { Net } from "../net.ts";

// The nets of cuda-convnet's example-layers for CIFAR-10 (A. Krizhevsky, 2011). Their names tell the error on
// the test images, or the time that training took. All have `same` convolutions of stride 1 and pools of 3x3 / 2
// that start at the first pixel and are clipped at the last, as `same` is here for even sizes.
//
// cuda-convnet's update is inc = mom inc + eps (mean gradient) - eps wc w; w += inc, with eps, wc and the initial
// deviation of each layer. kiln's is v = m v + g; w -= lr v with g the gradient of loss + decay |w|^2 / 2, so
// inc = -lr v: the same, with lr = eps and decay = wc. They differ for a few steps behind a change of eps alone,
// as the old inc keeps the old eps in it.

/** epsW; biases learn with epsB, twice that. */
const RATE = 0.001;
const BIAS_RATE = 2;
/** The recipes' weight decay, wc of most layers; factors of it give the others. */
const WEIGHT_DECAY = 0.004;

const POOL: WindowAttributes = { size: [3, 3], strides: [2, 2], padding: "same" };
/** cmrnorm: 9 channels; its scale is divided by their number. */
const CMRNORM: LrnAttributes = { radius: 4, bias: 1, alpha: 0.001 / 9, beta: 0.75 };
/** rnorm: within a map. */
const RNORM: SpatialNormAttributes = { size: 3, scale: 5e-5, power: 0.75 };

/** initW and wc of a layer; its biases start at 0. */
function start(initW: number, wc: number): WeightOptions {
  return { weights: normal(initW), decay: wc / WEIGHT_DECAY, biasRate: BIAS_RATE };
}

/** `count` filters of 5x5. */
function filters(count: number, initW: number, wc: number) {
  return { filters: count, size: 5, ...start(initW, wc) };
}

const RELU = { activation: "relu" } as const;

/** What holds for all: CIFAR-10's whole images less the training set's mean image, neither scaled nor colored. */
const COMMON: Recipe = {
  optimizer: "momentum",
  momentum: 0.9,
  "learning-rate": RATE,
  "weight-decay": WEIGHT_DECAY,
  "batch-size": 128,
  normalize: "pixel",
  flip: false,
  brightness: 0,
  contrast: 0,
  schedule: "step",
  "decay-factor": 0.1,
  "ema-decay": 0,
};

/** Steps of so many epochs of CIFAR-10's 50,000 images in batches of 128. */
function stepsOf(epochs: number): number {
  return Math.floor(epochs * 50_000 / 128);
}

/** The rate is cut to a tenth after `epochs`, and again 10 epochs later; 10 more end it. */
function cutTwice(epochs: number): Recipe {
  return {
    milestones: [epochs, epochs + 10].map(stepsOf).join(","),
    steps: stepsOf(epochs + 20),
  };
}

function define(
  name: string,
  side: number,
  { recipe, build }: { readonly recipe: Recipe; readonly build: ModelDefinition["build"] },
): ModelDefinition {
  return defineModel({
    name: `cuda-convnet-${name}`,
    image: [side, side, 3],
    recipes: { default: { ...COMMON, ...recipe } },
    build,
  });
}

/** How the three nets without local layers are normalized. */
type Norm = (net: Net, name: string, x: Tensor) => Tensor;

/** conv1, max pool, ReLU; conv2, ReLU, average pool; conv3, ReLU, average pool. The pool of conv1 has the ReLU. */
function threeConvolutions(net: Net, images: Tensor, norm: Norm = (_net, _name, x) => x): Tensor {
  const conv1 = conv(net, "conv1", images, filters(32, 1e-4, 0.004));
  const pool1 = maxPool(net, "pool1", conv1, POOL);
  const norm1 = norm(net, "rnorm1", net.layer("relu1", "ReLU", relu(pool1)));
  const conv2 = conv(net, "conv2", norm1, { ...filters(32, 0.01, 0.004), ...RELU });
  const norm2 = norm(net, "rnorm2", avgPool(net, "pool2", conv2, POOL));
  const conv3 = conv(net, "conv3", norm2, { ...filters(64, 0.01, 0.004), ...RELU });
  return flatten(avgPool(net, "pool3", conv3, POOL));
}

/** fc10, with as many units as there are classes. */
function logits(net: Net, x: Tensor, initW: number, wc: number): Tensor {
  return dense(net, "fc10", x, { units: net.classes, ...start(initW, wc) });
}

/**
 * `cuda-convnet-80sec`: 26% error in 80 seconds; 145,578 parameters. Whole images of 32x32: it was trained
 * without crops and mirroring. The rate is cut after 8 epochs; it ends 2 later.
 */
export const cudaConvnet80sec = define("80sec", 32, {
  recipe: { milestones: String(stepsOf(8)), steps: stepsOf(10) },
  build(net, images) {
    const x = threeConvolutions(net, images);
    const fc64 = dense(net, "fc64", x, { units: 64, ...start(0.1, 0.03), ...RELU });
    return logits(net, fc64, 0.1, 0.03);
  },
});

/**
 * `cuda-convnet-19pct`: 19% error in 20 minutes; 89,578 parameters. Whole images of 32x32, as the one
 * before. No schedule of its own is known: it has that of `cuda-convnet-18pct`.
 */
export const cudaConvnet19pct = define("19pct", 32, {
  recipe: cutTwice(120),
  build: (net, images) => logits(net, threeConvolutions(net, images), 0.01, 3),
});

/**
 * `cuda-convnet-18pct`: 18% error in 20 minutes; 89,578 parameters. The one before with normalization within
 * each map, and less decay of fc10. Whole images of 32x32. The rate is cut after 120 epochs and after 130.
 */
export const cudaConvnet18pct = define("18pct", 32, {
  recipe: cutTwice(120),
  build(net, images) {
    const norm: Norm = (net, name, x) => spatialNorm(net, name, x, RNORM);
    return logits(net, threeConvolutions(net, images, norm), 0.01, 1);
  },
});

/** Local layers: own filters and biases at each position, which is why the image size counts. */
function twoLocals(net: Net, x: Tensor, [three, four]: readonly [number, number]): Tensor {
  const options = { size: 3, ...start(0.04, 0.004), ...RELU };
  const local3 = local(net, "local3", x, { filters: three, ...options });
  return flatten(local(net, "local4", local3, { filters: four, ...options }));
}

/**
 * `cuda-convnet-local-13pct`: 13% error in 20 minutes; 1,901,386 parameters. Whole images of 32x32, the size
 * with that count, and mirrored ones; its definition names no size. It has the schedule of
 * `cuda-convnet-18pct`, as no other is known.
 */
export const cudaConvnetLocal13pct = define("local-13pct", 32, {
  recipe: { ...cutTwice(120), flip: true },
  build(net, images) {
    const conv1 = conv(net, "conv1", images, { ...filters(64, 1e-4, 0), ...RELU });
    const pool1 = maxPool(net, "pool1", conv1, POOL);
    const conv2 = conv(net, "conv2", pool1, { ...filters(64, 0.01, 0), ...RELU });
    const pool2 = maxPool(net, "pool2", conv2, POOL);
    return logits(net, twoLocals(net, pool2, [32, 32]), 0.01, 0.004);
  },
});

/**
 * `cuda-convnet-local-11pct`: 11% error; 2,112,970 parameters and 19,512,576 multiply-adds, the figure that
 * TensorFlow's tutorial gives for its own net. Crops of 24x24 out of images of 32x32 at any place, and mirrored
 * ones: it was trained so, and measured on ten views (`eval --views 10`). 500 epochs, the first 350 of which
 * left a fifth of the images out; the rate is cut behind them and 10 later.
 */
export const cudaConvnetLocal11pct = define("local-11pct", 24, {
  recipe: { ...cutTwice(500), flip: true },
  build(net, images) {
    const conv1 = conv(net, "conv1", images, { ...filters(64, 1e-4, 0), ...RELU });
    const pool1 = maxPool(net, "pool1", conv1, POOL);
    const norm1 = responseNorm(net, "rnorm1", pool1, CMRNORM);
    const conv2 = conv(net, "conv2", norm1, { ...filters(64, 0.01, 0), ...RELU });
    const pool2 = maxPool(net, "pool2", responseNorm(net, "rnorm2", conv2, CMRNORM), POOL);
    return logits(net, twoLocals(net, pool2, [64, 32]), 0.01, 0.01);
  },
});

/** The nets by their names without `cuda-convnet-`. */
export const CUDA_CONVNETS: ReadonlyMap<string, ModelDefinition> = new Map([
  ["80sec", cudaConvnet80sec],
  ["19pct", cudaConvnet19pct],
  ["18pct", cudaConvnet18pct],
  ["local-13pct", cudaConvnetLocal13pct],
  ["local-11pct", cudaConvnetLocal11pct],
]);
