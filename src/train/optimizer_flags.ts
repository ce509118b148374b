import type { Flag } from "./flags.ts";

/** How weights follow from gradients; the defaults are the reference's. */
export const OPTIMIZER_FLAGS = {
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
} as const satisfies Readonly<Record<string, Flag>>;
