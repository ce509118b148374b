import type { OptimizerName } from "../optim/optimizers.ts";
import type { ScheduleName } from "../optim/schedules.ts";
import { classWeightsOf, parseMilestones } from "./check_recipe.ts";
import type { TrainConfig } from "./config.ts";

/** Constants of the training recipe. */
export interface Recipe {
  /** Images of a micro-batch. */
  readonly batchSize: number;
  /** Micro-batches whose mean gradient makes one step. */
  readonly accumulate: number;
  readonly seed: number;
  /** Steps of the whole run, where the cosine and the linear schedule end. */
  readonly totalSteps: number;

  readonly optimizer: OptimizerName;
  /** Of `momentum`, `nesterov`, and of what muon leaves to it. */
  readonly momentum: number;
  /** Of muon's filters. */
  readonly muonMomentum: number;
  /** Decays of adamw's averages of the gradients and of their squares. */
  readonly beta1: number;
  readonly beta2: number;
  /** Added to adamw's divisor. */
  readonly epsilon: number;
  /** Factor of the L2 loss of what is `decayed`; with adamw, of its decay apart from the loss. */
  readonly weightDecay: number;

  readonly learningRate: number;
  readonly schedule: ScheduleName;
  /** What the rate is multiplied by at each decay. */
  readonly decayFactor: number;
  readonly epochsPerDecay: number;
  /** Rising steps at which `step` decays; empty: every `epochsPerDecay`. */
  readonly milestones: readonly number[];
  /** Where `triangle` starts, and the share of the steps behind which it is at `learningRate`. */
  readonly startLearningRate: number;
  readonly peak: number;
  /** Where `cosine`, `linear` and `triangle` end. */
  readonly finalLearningRate: number;
  /** Steps over which the rate first rises. */
  readonly warmupSteps: number;
  /** Evaluations without a better precision that `plateau` waits for. */
  readonly plateauPatience: number;

  /** The largest L2 norm of the gradients; larger ones are scaled down to it. 0: any. */
  readonly clipNorm: number;
  /** Share of each label that is spread over all classes. */
  readonly labelSmoothing: number;
  /** One weight a class, or null: all weigh the same. */
  readonly classWeights: readonly number[] | null;

  /** Steps after which the weights go back to their slow average (lookahead); 0: never. */
  readonly lookahead: number;
  /** What that average keeps of itself at a step near the end. */
  readonly lookaheadDecay: number;
  readonly emaDecay: number;
  readonly lossAverageDecay: number;
}

/** The reference's recipe: `train` without flags. */
export const REFERENCE_RECIPE: Recipe = {
  batchSize: 128,
  accumulate: 1,
  seed: 0,
  totalSteps: 100_000,
  optimizer: "sgd",
  momentum: 0.9,
  muonMomentum: 0.95,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.004,
  learningRate: 0.1,
  schedule: "step",
  decayFactor: 0.1,
  epochsPerDecay: 350,
  milestones: [],
  startLearningRate: 0,
  peak: 0.5,
  finalLearningRate: 0,
  warmupSteps: 0,
  plateauPatience: 10,
  clipNorm: 0,
  labelSmoothing: 0,
  classWeights: null,
  lookahead: 0,
  lookaheadDecay: 0.95,
  emaDecay: 0.9999,
  lossAverageDecay: 0.9,
};

/** What a recipe takes of the data of its run. */
export interface RecipeData {
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** Labels of the training images. */
  readonly labels: ArrayLike<number>;
  /** Steps of the whole run. */
  readonly totalSteps: number;
}

/**
 * The recipe that a run's settings stand for.
 *
 * @throws {ConfigError} if the class weights do not fit the classes.
 */
export function recipeOf(
  config: TrainConfig,
  { classes, labels, totalSteps }: RecipeData,
): Recipe {
  return {
    ...config,
    totalSteps,
    milestones: parseMilestones(config.milestones),
    classWeights: classWeightsOf(config.classWeights, classes, labels),
  };
}
