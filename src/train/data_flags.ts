// The flags about images, shared by the commands that read them.

import { DATASET_FORMS } from "../data/datasets/dataset_name.ts";
import { defaultWorkers } from "../data/batches/batches.ts";
import type { Flag } from "./flags.ts";

const DATASET = {
  kind: "string",
  default: "cifar10",
  placeholder: "name",
  group: "Data",
  about: `which images: ${DATASET_FORMS.join(", ")}`,
} as const satisfies Flag;

/** Which images, and where they are. */
export const SOURCE_FLAGS = {
  dataset: DATASET,
  "data-dir": {
    kind: "string",
    default: { text: "data/<the data set's own folder>", of: () => null },
    placeholder: "folder",
    group: "Data",
    about: "where the data set's files are, or will be put",
  },
  "data-url": {
    kind: "string",
    default: { text: "the official address", of: () => null },
    placeholder: "url",
    group: "Data",
    about: "where to fetch the data set's archive if files are missing",
  },
  "skip-corrupt": {
    kind: "integer",
    default: 0,
    min: 0,
    group: "Data",
    about: "how many damaged images may be left out, each reported, before it is an error",
  },
  "image-size": {
    kind: "integer",
    default: 32,
    min: 1,
    max: 1024,
    group: "Data",
    about: "height and width that images of folder: are resized and cropped to, pixels",
  },
  "cache-dir": {
    kind: "string",
    default: "data/cache",
    placeholder: "folder",
    group: "Data",
    about: "where decoded images of folder: are kept",
  },
  "data-memory": {
    kind: "integer",
    default: 1024,
    min: 0,
    group: "Data",
    about: "MiB up to which a part of a data set is held in memory; larger ones are read as needed",
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** Which of the images. */
export const SELECTION_FLAGS = {
  classes: {
    kind: "string",
    default: { text: "all", of: () => null },
    placeholder: "class,...",
    group: "Data",
    about: "use the images of these classes only, by label or name; they are numbered as listed",
  },
  limit: {
    kind: "integer",
    default: { text: "all", of: () => null },
    min: 1,
    group: "Data",
    about: "use only so many images of each part, of every class its share",
  },
  "validation-fraction": {
    kind: "number",
    default: { text: "0, or 0.1 without test images", of: () => null },
    min: 0,
    below: 1,
    group: "Data",
    about: "share of the training images that precision is measured on instead of training on them",
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** What is done to training images; the defaults are the reference's. */
export const AUGMENT_FLAGS = {
  pad: {
    kind: "integer",
    default: 0,
    min: 0,
    max: 512,
    group: "Augmentation",
    about: "pixels added on each side before the random crop to the model's input",
  },
  "pad-mode": {
    kind: "choice",
    choices: ["zero", "reflect"],
    default: "zero",
    group: "Augmentation",
    about: "what the padding shows: black, or the image mirrored at its edge",
  },
  flip: {
    kind: "boolean",
    default: true,
    group: "Augmentation",
    about: "do not exchange left and right of every other image",
  },
  "flip-mode": {
    kind: "choice",
    choices: ["random", "alternating"],
    default: "random",
    group: "Augmentation",
    about: "by a coin each epoch, or by one coin an image and then every other epoch",
  },
  saturation: {
    kind: "number",
    default: 0,
    min: 0,
    max: 1,
    group: "Augmentation",
    about: "saturation times a factor in [1 - s, 1 + s)",
  },
  hue: {
    kind: "number",
    default: 0,
    min: 0,
    max: 0.5,
    group: "Augmentation",
    about: "hue turned by an angle in [-h, h) turns",
  },
  brightness: {
    kind: "number",
    default: 63,
    min: 0,
    max: 255,
    group: "Augmentation",
    about: "a number in [-b, b) added to all values of 0 to 255",
  },
  contrast: {
    kind: "number",
    default: 0.8,
    min: 0,
    max: 1,
    group: "Augmentation",
    about: "distance from the channel's mean times a factor in [1 - c, 1 + c)",
  },
  normalize: {
    kind: "choice",
    choices: ["image", "channel", "pixel", "fixed"],
    default: "image",
    group: "Augmentation",
    about:
      "what becomes 0 and 1: mean and deviation of each image, or of each channel of the training set; " +
      "pixel only takes the training set's mean image off; fixed is x / 128 - 1 of values of 0 to 255",
  },
  cutout: {
    kind: "integer",
    default: 0,
    min: 0,
    max: 1024,
    group: "Augmentation",
    about: "side of a square that is blanked at a random place, pixels",
  },
  mixup: {
    kind: "number",
    default: 0,
    min: 0,
    max: 100,
    group: "Augmentation",
    about: "alpha of mixup, which blends pairs of images and their labels; 0: off",
  },
  cutmix: {
    kind: "number",
    default: 0,
    min: 0,
    max: 100,
    group: "Augmentation",
    about: "alpha of cutmix, which pastes a box of one image into another; 0: off",
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** Threads of the input. */
export const WORKERS = {
  kind: "integer",
  default: { text: "cores - 1", of: () => defaultWorkers() },
  min: 1,
  max: 16,
  group: "Machine",
  about: "threads that decode and augment images; the result does not depend on their number",
} as const satisfies Flag;
