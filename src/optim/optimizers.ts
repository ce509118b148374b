import { square } from "../ops/elementwise.ts";
import { adamwUpdate } from "../ops/adamw.ts";
import { emaUpdate, momentumUpdate, sgdUpdate } from "../ops/update.ts";
import type { Shape } from "../tensor/shape.ts";
import { fill, type Tensor } from "../tensor/tensor.ts";
import type { BlockLayout } from "./block.ts";
import { muonUpdate } from "./muon.ts";

/** The optimizers. */
export type OptimizerName = "sgd" | "momentum" | "nesterov" | "adamw" | "muon";

/** Constants of an optimizer; each reads those that it has. */
export interface OptimizerSettings {
  /** What is kept of the velocity at each step. */
  readonly momentum: number;
  /** The same of muon's filters. */
  readonly muonMomentum: number;
  /** Decay of the average of the gradients, */
  readonly beta1: number;
  /** and of that of their squares. */
  readonly beta2: number;
  /** Added to the divisor. */
  readonly epsilon: number;
}

/** What an optimizer's step is built from; blocks are in the layout of the parameters. */
export interface OptimizerInputs {
  readonly settings: OptimizerSettings;
  readonly parameters: Tensor;
  readonly gradient: Tensor;
  /** Its own blocks, by name. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** Numbers of the step: the list number `slot` of `rates`. */
  rates(slot: number, shape?: Shape): Tensor;
  /** Makes a block that says how much each parameter decays, apart from the loss. */
  decay(): Tensor;
  /** Where each parameter lies in the blocks. */
  readonly layout: BlockLayout;
  /** A step's direction, less that of the parameters which learn no more. */
  limited(direction: Tensor): Tensor;
}

/** Everything about one optimizer. */
export interface Optimizer {
  /** Names of the blocks that it keeps from step to step; they start as zeros. */
  readonly state: readonly string[];
  /** Whether weights decay apart from the loss, so that the loss has no term for it. */
  readonly decoupled: boolean;
  /** The numbers of a step that its launches read, in at most RATE_SLOTS lists; `step` counts from 0. */
  rates(settings: OptimizerSettings, rate: number, step: number): readonly (readonly number[])[];
  /** Adds the updates; returns the new parameters. */
  update(inputs: OptimizerInputs): Tensor;
}

/** The most lists of numbers that an optimizer's step takes. */
export const RATE_SLOTS = 2;

/** Every optimizer: a missing one is a compile error. */
export const OPTIMIZERS: Readonly<Record<OptimizerName, Optimizer>> = {
  /** w -= rate g */
  sgd: {
    state: [],
    decoupled: false,
    rates: (_, rate) => [[rate]],
    update: ({ parameters, gradient, rates, limited }) =>
      sgdUpdate(parameters, limited(gradient), rates(0)),
  },

  /** v = momentum v + g; w -= rate v (Polyak 1964, as PyTorch has it). */
  momentum: {
    state: ["velocity"],
    decoupled: false,
    rates: (_, rate) => [[rate]],
    update({ settings: { momentum }, parameters, gradient, state, rates, limited }) {
      const velocity = momentumUpdate(state.velocity, gradient, fill(momentum));
      return sgdUpdate(parameters, limited(velocity), rates(0));
    },
  },

  /** v = momentum v + g; w -= rate (g + momentum v) (Sutskever et al. 2013, as PyTorch has it). */
  nesterov: {
    state: ["velocity"],
    decoupled: false,
    rates: ({ momentum }, rate) => [[rate], [rate * momentum]],
    update({ settings: { momentum }, parameters, gradient, state, rates, limited }) {
      const velocity = momentumUpdate(state.velocity, gradient, fill(momentum));
      const ahead = sgdUpdate(parameters, limited(velocity), rates(1));
      return sgdUpdate(ahead, limited(gradient), rates(0));
    },
  },

  /**
   * m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
   * w -= rate (m' / (sqrt(v') + epsilon) + decay w), m' = m / (1 - beta1^t), v' = v / (1 - beta2^t)
   * (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, as PyTorch has it).
   */
  adamw: {
    state: ["first_moment", "second_moment"],
    decoupled: true,
    rates({ beta1, beta2, epsilon }, rate, step) {
      // The device's betas are float32, where 1 - beta is exact: the corrections must be of the same.
      const first = 1 - Math.fround(beta1) ** (step + 1);
      const second = 1 - Math.fround(beta2) ** (step + 1);
      return [[rate, rate / first, 1 / Math.sqrt(second), epsilon]];
    },
    update({ settings: { beta1, beta2 }, parameters, gradient, state, rates, decay }) {
      const first = emaUpdate(state.first_moment, gradient, fill(beta1));
      const second = emaUpdate(state.second_moment, square(gradient), fill(beta2));
      return adamwUpdate(parameters, { first, second, decay: decay(), rates: rates(0, [4]) });
    },
  },

  /** Filters by `muonUpdate`, all else by nesterov. */
  muon: {
    state: ["velocity"],
    decoupled: false,
    rates: (_, rate) => [[rate]],
    update: muonUpdate,
  },
};
