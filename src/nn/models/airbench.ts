import { gelu, scale } from "../../ops/elementwise.ts";
import type { WindowAttributes } from "../../ops/window.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import {
  constantInitializer,
  identityFilters,
  type Initializer,
  normal,
  uniformFanIn,
  unitDeviation,
} from "../initializers.ts";
import { batchNorm, conv, dense, flatten, maxPool } from "../layers.ts";
import { defineModel, type ModelDefinition, type Recipe } from "../model.ts";
import type { Net } from "../net.ts";
import { whiteningFilters } from "../whitening.ts";

// K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024 (cifar10-airbench): six convolutions behind
// a fixed one that whitens patches of 2x2. The losses there are sums over the batch; they are means here, so that
// a learning rate is the original's times the batch, and a decay the original's over it.

/** Height and width of a whitened patch. */
const PATCH = 2;
/** Added to the variance of the patches in each direction. */
const WHITENING_EPSILON = 5e-4;
const WIDTHS = [64, 256, 256] as const;
/** The whitening's biases learn in the first epochs alone. */
const BIAS_EPOCHS = 3;

function pooling(size: number): WindowAttributes {
  return { size: [size, size], strides: [size, size], padding: "valid" };
}

/** What differs between the two nets: factors of the recipe's rate and decay, and the head. */
interface Variant {
  readonly filters: { readonly decay: number };
  readonly biases: {
    readonly start: Initializer;
    readonly rate: number;
    readonly decay: number;
  };
  readonly betas: { readonly rate: number; readonly decay: number };
  readonly head: { readonly rate: number; readonly decay: number };
  /** Whether the rate of the whitening's biases has a straight line of its own to zero. */
  readonly fades: boolean;
  /** Whether the head starts with a standard deviation of 1. */
  readonly unitHead: boolean;
  /** What the logits are multiplied by. */
  readonly scale: number;
  readonly recipe: Recipe;
}

function airbench(name: string, variant: Variant): ModelDefinition {
  return defineModel({
    name,
    image: [32, 32, 3],
    recipes: { default: variant.recipe },
    statisticsDecay: { decay: 0.6, zeroDebias: false },
    build(net, images) {
      let x = active(net, "gelu", whiten(net, images, variant));
      WIDTHS.forEach((width, i) => x = group(net.scope(`group${i + 1}`), x, width, variant));
      const pooled = flatten(maxPool(net, "pool", x, pooling(3)));
      const { rate, decay } = variant.head;
      const weights = uniformFanIn(pooled.shape[1]);
      const logits = dense(net, "head", pooled, {
        units: net.classes,
        weights: variant.unitHead ? unitDeviation(weights) : weights,
        biases: null,
        rate,
        decay,
      });
      return net.layer(
        "logits",
        `times ${variant.scale.toPrecision(3)}`,
        scale(logits, variant.scale),
      );
    },
  });
}

/** The fixed convolution; without images to look at its filters are those of white noise, whatever they mean. */
function whiten(net: Net, images: Tensor, { biases, fades }: Variant): Tensor {
  return conv(net, "whiten", images, {
    filters: 2 * PATCH * PATCH * 3,
    size: PATCH,
    padding: "valid",
    weights: normal(Math.sqrt(1 / (PATCH * PATCH * 3))),
    fromImages: whiteningFilters(PATCH, WHITENING_EPSILON),
    rate: 0,
    biases: biases.start,
    biasRate: biases.rate,
    biasDecay: biases.decay,
    biasLimit: { epochs: BIAS_EPOCHS, fades },
  });
}

/** conv, max pool, batch norm, GELU; conv, batch norm, GELU. */
function group(
  net: Net,
  images: Tensor,
  filters: number,
  { filters: own, betas }: Variant,
): Tensor {
  const norm = { epsilon: 1e-12, scales: false, decay: betas.decay, betaRate: betas.rate };
  const convolution = (name: string, x: Tensor) => {
    const channels = x.shape[3];
    const weights = identityFilters({ size: 3, channels, filters }, uniformFanIn(9 * channels));
    return conv(net, name, x, { filters, size: 3, weights, biases: null, decay: own.decay });
  };
  const pooled = maxPool(net, "pool", convolution("conv1", images), pooling(2));
  const inner = active(net, "gelu1", batchNorm(net, "bn1", pooled, norm));
  return active(net, "gelu2", batchNorm(net, "bn2", convolution("conv2", inner), norm));
}

function active(net: Net, name: string, x: Tensor): Tensor {
  return net.layer(name, "GELU", gelu(x));
}

/** What both recipes have. */
const COMMON: Recipe = {
  normalize: "channel",
  pad: 2,
  "pad-mode": "reflect",
  "flip-mode": "alternating",
  brightness: 0,
  contrast: 0,
  "label-smoothing": 0.2,
  "ema-decay": 0,
};

/** The original's 11.5 over 1 + 1 / (1 - momentum), which is how much momentum multiplies a step. */
const MOMENTUM = 0.85;
const RATE = 1.5;
/** Betas learn faster by this, but do not decay faster. */
const BETA_RATE = 64;

/** `airbench94`: 1,971,352 trained parameters, 288 fixed; Nesterov momentum and lookahead, 9.9 epochs without their last batches. */
export const airbench94 = airbench("airbench94", {
  filters: { decay: 1 },
  biases: { start: constantInitializer(0), rate: 1, decay: 1 },
  betas: { rate: BETA_RATE, decay: 1 / BETA_RATE },
  head: { rate: 1, decay: 1 },
  fades: false,
  unitHead: false,
  scale: 1 / 9,
  recipe: {
    ...COMMON,
    optimizer: "nesterov",
    momentum: MOMENTUM,
    "learning-rate": RATE,
    "weight-decay": 0.0153 / 11.5,
    schedule: "triangle",
    "start-learning-rate": 0.3,
    peak: 0.23,
    "final-learning-rate": 0.105,
    lookahead: 5,
    "batch-size": 1024,
    steps: 476,
  },
});

/** Of the original: rates for sums over batches of 2000, and the decay of each step at its rate's start. */
const MUON = { batch: 2000, filters: 0.24, biases: 0.053, head: 0.67, decay: 2e-6 * 2000 } as const;
const BIAS_RATE = MUON.biases * MUON.batch;
const HEAD_RATE = MUON.head * MUON.batch;

/** `airbench94-muon`: the same net; filters learn by Muon, 8 epochs. */
export const airbench94Muon = airbench("airbench94-muon", {
  filters: { decay: 0 },
  // PyTorch's own, which the other variant sets to 0.
  biases: { start: uniformFanIn(PATCH * PATCH * 3), rate: BIAS_RATE / MUON.filters, decay: 1 },
  betas: { rate: BIAS_RATE / MUON.filters, decay: 1 },
  head: { rate: HEAD_RATE / MUON.filters, decay: BIAS_RATE / HEAD_RATE },
  fades: true,
  unitHead: true,
  scale: 1 / WIDTHS[2],
  recipe: {
    ...COMMON,
    optimizer: "muon",
    momentum: MOMENTUM,
    "muon-momentum": 0.6,
    "learning-rate": MUON.filters,
    "weight-decay": MUON.decay / BIAS_RATE,
    schedule: "linear",
    "batch-size": MUON.batch,
    steps: 200,
  },
});

/** The nets by name. */
export const AIRBENCHES: ReadonlyMap<string, ModelDefinition> = new Map(
  [airbench94, airbench94Muon].map((definition) => [definition.name, definition]),
);
