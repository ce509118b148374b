// `finetune`: a small model on features that `features` wrote.

import { BATCH_SIZE, DEVICE, JSON_OUTPUT, THREADS } from "./common_flags.ts";
import type { Flag } from "./flags.ts";
import type { CommandHelp } from "./help.ts";

const FILE = { kind: "string", placeholder: "file", group: "Data" } as const satisfies Partial<
  Flag
>;

/** `deno task finetune`. */
export const FINETUNE_COMMAND = {
  about: "Train a small dense head on features that deno task features wrote, and measure it.",
  usage: "deno task finetune",
  example: {
    line: "deno task finetune --features train.safetensors --validation-features test.safetensors",
    about: "a linear classifier of the features, written to a run folder",
  },
  flags: {
    features: {
      ...FILE,
      default: { text: "none; it must be given", of: () => null },
      about:
        "what is trained on: a safetensors file with features, labels and the names of classes",
    },
    "validation-features": {
      ...FILE,
      default: { text: "none", of: () => null },
      about: "what the head is measured on, of the same layer and classes",
    },
    hidden: {
      kind: "integer",
      default: 0,
      min: 0,
      max: 65_536,
      group: "Run",
      about: "units of a hidden layer with ReLU; 0: none, a linear head",
    },
    steps: {
      kind: "integer",
      default: 1_000,
      min: 1,
      group: "Run",
      about: "training steps, one update of the weights each",
    },
    "batch-size": BATCH_SIZE,
    "learning-rate": {
      kind: "number",
      default: 0.01,
      above: 0,
      group: "Run",
      about: "learning rate at step 0; it falls to 0 on a cosine, with momentum 0.9",
    },
    "weight-decay": {
      kind: "number",
      default: 0.0005,
      min: 0,
      group: "Run",
      about: "factor of the L2 loss of the weights",
    },
    seed: {
      kind: "integer",
      default: 0,
      min: 0,
      group: "Run",
      about: "seed of the initial weights and of the order of the images",
    },
    "run-dir": {
      kind: "string",
      default: { text: "runs/head", of: () => "runs/head" },
      placeholder: "folder",
      group: "Run",
      about: "where config, metrics and the checkpoint are written",
    },
    json: JSON_OUTPUT,
    device: DEVICE,
    threads: THREADS,
  },
} as const satisfies CommandHelp;
