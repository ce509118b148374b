/** The nets of bench/peers/ as kiln has them, trained by the descriptions that all programs share. */
import { type AugmentSpec, REFERENCE_AUGMENT } from "../src/data/augment/spec.ts";
import { createModel, type Model } from "../src/nn/model.ts";
import { airbench94 } from "../src/nn/models/airbench.ts";
import { referenceCnn } from "../src/nn/models/reference.ts";
import { resnet } from "../src/nn/models/resnet.ts";
import { type Recipe, REFERENCE_RECIPE } from "../src/train/recipe.ts";
import type { Net, NetName } from "./peers/nets/net.ts";
import { CLASSES } from "./peers/numbers.ts";

/** What kiln trains as one of the nets. */
interface KilnNet {
  readonly model: () => Model;
  /** What its recipe does to images: the work of `--input`. */
  readonly augment: AugmentSpec;
}

/** Whole CIFAR-10 images, moved by up to two pixels and flipped. */
const MOVED: AugmentSpec = {
  ...REFERENCE_AUGMENT,
  crop: [32, 32],
  pad: 2,
  brightness: 0,
  contrast: 0,
};

const KILN_NETS: Readonly<Record<NetName, KilnNet>> = {
  reference: { model: () => referenceCnn, augment: REFERENCE_AUGMENT },
  "resnet-20": { model: () => createModel(resnet(20), CLASSES), augment: MOVED },
  airbench94: {
    model: () => createModel(airbench94, CLASSES),
    augment: { ...MOVED, padMode: "reflect", flipMode: "alternating" },
  },
};

/** The model of a net, and the augmentation that its recipe has. */
export function kilnNet({ name }: Net): { readonly model: Model; readonly augment: AugmentSpec } {
  const { model, augment } = KILN_NETS[name];
  return { model: model(), augment };
}

/** The recipe that learns as the description says. */
export function recipeOf(net: Net, batchSize: number): Recipe {
  const { learningRate, momentum, nesterov, weightDecay, labelSmoothing } = net;
  const optimizer = nesterov ? "nesterov" : momentum > 0 ? "momentum" : "sgd";
  const own = { optimizer, momentum, learningRate, weightDecay, labelSmoothing } as const;
  return { ...REFERENCE_RECIPE, ...own, batchSize };
}
