import type { Flag } from "./flags.ts";

/** What a run takes of another one whose classes are others. */
export const FINETUNE_FLAGS = {
  "finetune-from": {
    kind: "string",
    default: { text: "random weights", of: () => null },
    placeholder: "folder",
    excludes: "init-from",
    group: "Run",
    about:
      "start from a run's newest checkpoint, or a checkpoint, of the same model for other classes: what " +
      "does not depend on the classes comes from there, running moments too; the head starts at random",
  },
  "finetune-weights": {
    kind: "choice",
    choices: ["ema", "trained"],
    default: "ema",
    group: "Run",
    about: "what --finetune-from takes: the moving averages, or the weights as trained",
  },
  freeze: {
    kind: "string",
    default: { text: "none", of: () => null },
    placeholder: "pattern,...",
    group: "Run",
    about:
      "parameters that stay as --finetune-from gave them, by name, with * and ?: conv*,unit_1_*; a batch " +
      "normalization whose gamma stays keeps to its running moments",
  },
  "head-learning-rate": {
    kind: "number",
    default: { text: "--learning-rate", of: () => null },
    above: 0,
    group: "Run",
    about: "learning rate of what --finetune-from starts at random, on the same schedule",
  },
} as const satisfies Readonly<Record<string, Flag>>;
