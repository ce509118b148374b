// The commands that use a checkpoint: `eval`, `predict` and `features`.

import { BATCH_SIZE, DEVICE, JSON_OUTPUT, THREADS } from "./common_flags.ts";
import { SELECTION_FLAGS, SOURCE_FLAGS, WORKERS } from "./data_flags.ts";
import type { Flag } from "./flags.ts";
import type { CommandHelp } from "./help.ts";

/** What `eval` takes of the run's own settings where nothing else is said. */
const THE_RUNS = { text: "the run's", of: () => null };

/** Which weights of which checkpoint. */
const CHECKPOINT_FLAGS = {
  "run-dir": {
    kind: "string",
    default: { text: "the newest under runs/", of: () => null },
    placeholder: "folder",
    alias: "run",
    group: "Run",
    about: "the run whose newest checkpoint is taken",
  },
  checkpoint: {
    kind: "string",
    default: { text: "the run's newest", of: () => null },
    placeholder: "folder",
    excludes: "run-dir",
    group: "Run",
    about: "one checkpoint",
  },
  ema: {
    kind: "boolean",
    default: true,
    group: "Run",
    about: "take the weights as trained, not their moving average",
  },
} as const satisfies Readonly<Record<string, Flag>>;

const VIEWS = {
  kind: "choice",
  choices: ["1", "6", "10"],
  default: "1",
  group: "Run",
  about:
    "views of each image: the center; or the mean of six, center and a pixel beside it on either side, or of " +
    "ten, center and four corners, each also mirrored",
} as const satisfies Flag;

/** Which images: a part of the run's data set, or of another. */
const SET_FLAGS = {
  split: {
    kind: "choice",
    choices: ["auto", "test", "validation", "train"],
    default: "auto",
    group: "Data",
    about: "which images of the run's data set; auto takes the test images, else the validation's",
  },
  dataset: {
    ...SOURCE_FLAGS.dataset,
    default: THE_RUNS,
    about: "other images with the same classes, all of their chosen part",
  },
  classes: {
    ...SELECTION_FLAGS.classes,
    default: { text: "the run's, of another data set all", of: () => null },
  },
  "data-dir": { ...SOURCE_FLAGS["data-dir"], default: THE_RUNS },
  "skip-corrupt": { ...SOURCE_FLAGS["skip-corrupt"], default: THE_RUNS },
  "cache-dir": { ...SOURCE_FLAGS["cache-dir"], default: THE_RUNS },
} as const satisfies Readonly<Record<string, Flag>>;

const OUTPUT_FILE = {
  kind: "string",
  default: { text: "none", of: () => null },
  group: "Output",
} as const;

/** `deno task eval`. */
export const EVAL_COMMAND = {
  about:
    "Measure checkpoints, each image once: precision @ 1 and @ 5, loss, calibration, each class, and " +
    "what is taken for what.",
  usage: "deno task eval",
  example: {
    line: "deno task eval --run-dir runs/first --both --confusion-png confusion.png",
    about: "the weights as trained beside their moving averages, and a picture of the confusions",
  },
  flags: {
    ...CHECKPOINT_FLAGS,
    both: {
      kind: "boolean",
      default: false,
      excludes: "ema",
      group: "Run",
      about: "measure the moving averages and the weights as trained, side by side",
    },
    "batch-size": BATCH_SIZE,
    views: VIEWS,
    watch: {
      kind: "number",
      default: { text: "off", of: () => null },
      above: 0,
      max: 86_400,
      excludes: "checkpoint",
      group: "Run",
      about:
        "look every so many seconds for new checkpoints and measure each, until the run's last step; " +
        "appends to eval.jsonl in the run's folder",
    },
    ...SET_FLAGS,
    "confusion-csv": {
      ...OUTPUT_FILE,
      placeholder: "file.csv",
      about: "where the confusion matrix is written: a row a true class, a column a predicted one",
    },
    "confusion-png": {
      ...OUTPUT_FILE,
      placeholder: "file.png",
      about: "where a picture of the confusion matrix is written",
    },
    mistakes: {
      ...OUTPUT_FILE,
      placeholder: "file.png",
      about: "where a picture of the most confident mistakes is written",
    },
    probabilities: {
      ...OUTPUT_FILE,
      placeholder: "file",
      about:
        "where the softmax of every image is written, in the set's order: file.csv with the label first, or " +
        "file.npy with file.labels.npy",
    },
    json: JSON_OUTPUT,
    workers: WORKERS,
    device: DEVICE,
    threads: THREADS,
  },
} as const satisfies CommandHelp;

/** `deno task predict`. */
export const PREDICT_COMMAND = {
  about: "Say what is on images: the likeliest classes of each, by a run's newest checkpoint.",
  usage: "deno task predict",
  positionals: {
    name: "images",
    placeholder: "<image|folder|-> …",
    about: "images",
    example: "deno task predict --run runs/first cat.png pictures/",
  },
  example: {
    line: "deno task predict --run runs/first --top-k 1 cat.png pictures/",
    about:
      "a file, and every PNG and JPEG file below a folder; - is an image on standard input, and -- ends " +
      "the flags",
  },
  flags: {
    ...CHECKPOINT_FLAGS,
    "batch-size": BATCH_SIZE,
    views: VIEWS,
    "top-k": {
      kind: "integer",
      default: 3,
      min: 1,
      group: "Output",
      about: "classes told of each image",
    },
    format: {
      kind: "choice",
      choices: ["table", "json", "csv"],
      default: "table",
      group: "Output",
      about: "how they are printed",
    },
    workers: WORKERS,
    device: DEVICE,
    threads: THREADS,
  },
} as const satisfies CommandHelp;

/** `deno task features`. */
export const FEATURES_COMMAND = {
  about:
    "Run a trained network up to one of its layers over a data set and write the layer's values with " +
    "the labels: what a small model can be trained on.",
  usage: "deno task features",
  example: {
    line: "deno task features --run runs/first --tap local4 --split train --out local4.npy",
    about: "192 numbers an image, and local4.labels.npy; without --tap it lists the layers",
  },
  flags: {
    ...CHECKPOINT_FLAGS,
    "batch-size": BATCH_SIZE,
    tap: {
      kind: "string",
      default: { text: "none: list them", of: () => null },
      placeholder: "name",
      group: "Run",
      about: "the layer whose values are taken",
    },
    ...SET_FLAGS,
    dataset: { ...SET_FLAGS.dataset, about: "other images, of any classes" },
    limit: {
      ...SELECTION_FLAGS.limit,
      default: { text: "the run's, of another data set all", of: () => null },
    },
    out: {
      ...OUTPUT_FILE,
      placeholder: "file",
      about:
        "where they are written, in batches: file.npy with file.labels.npy, or file.safetensors; stopped, " +
        "the same command goes on from file.part",
    },
    json: JSON_OUTPUT,
    workers: WORKERS,
    device: DEVICE,
    threads: THREADS,
  },
} as const satisfies CommandHelp;
