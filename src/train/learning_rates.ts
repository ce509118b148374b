import type { ParameterSpec } from "../nn/parameters.ts";
import { decaySteps, type Schedule, scheduledRate } from "../optim/schedules.ts";
import { limitFactor, limitOf } from "./parameter_factors.ts";
import type { Recipe } from "./recipe.ts";

/** The learning rates of a run: pure functions of the step, but for the factor. */
export class LearningRates {
  /** Multiplies the scheduled rate from the next step on: what plateaus made of it. */
  factor = 1;
  readonly #recipe: Recipe;
  readonly #schedule: Schedule;
  readonly #limit: { readonly steps: number; readonly fades: boolean } | undefined;

  constructor(recipe: Recipe, parameters: readonly ParameterSpec[], trainingImages: number) {
    const { batchSize, accumulate } = recipe;
    const stepsOf = (epochs: number) => decaySteps(trainingImages, batchSize * accumulate, epochs);
    const limit = limitOf(parameters);
    this.#recipe = recipe;
    this.#limit = limit && { ...limit, steps: stepsOf(limit.epochs) };
    this.#schedule = {
      initial: recipe.learningRate,
      factor: recipe.decayFactor,
      decaySteps: stepsOf(recipe.epochsPerDecay),
      milestones: recipe.milestones,
      start: recipe.startLearningRate,
      peak: recipe.peak,
      final: recipe.finalLearningRate,
      totalSteps: recipe.totalSteps,
      warmupSteps: recipe.warmupSteps,
    };
  }

  /** The rate of a step. */
  at(step: number): number {
    return scheduledRate(this.#recipe.schedule, this.#schedule, step) * this.factor;
  }

  /** What it is multiplied by for parameters that learn in the first epochs alone. */
  limit(step: number): number {
    if (this.#limit === undefined) return 1;
    const rates = { now: this.at(step), initial: this.#recipe.learningRate };
    return limitFactor(this.#limit, { step, rates });
  }
}
