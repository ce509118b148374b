// The weights that a run starts from.

import type { Model } from "../nn/model.ts";
import { parameterLayout } from "../nn/parameters.ts";
import { statisticsLayout } from "../nn/statistics.ts";
import type { Console } from "../report/console.ts";
import { loadFinetune } from "../train/checkpoints/finetune_from.ts";
import { loadInitialWeights } from "../train/checkpoints/init_from.ts";
import type { TrainConfig } from "../train/config.ts";
import type { ModelValues } from "../train/trainer.ts";
import { loadModel } from "../train/models.ts";
import type { ResumePlan } from "../train/resume.ts";
import { listed } from "../util/listed.ts";

/** Where the weights come from. */
export interface TrainStart {
  /** Absent: at random, or from a checkpoint of the run. */
  readonly initial?: ModelValues;
  /** Of a run that took weights of another one: the parameters that started at random. */
  readonly fresh?: readonly string[];
}

/** What the flags ask for; a run that goes on from a checkpoint needs no file but that. */
export async function startOf(
  config: TrainConfig,
  { model, classes, plan, terminal, fromImages }: {
    readonly model: Model;
    readonly classes: readonly string[];
    readonly plan: ResumePlan | undefined;
    readonly terminal: Console;
    /** What a model that looks at its training images starts from. */
    readonly fromImages: () => ModelValues | undefined;
  },
): Promise<TrainStart> {
  const { initFrom, finetuneFrom, seed } = config;
  if (plan?.checkpoint !== undefined) return { fresh: plan.run.finetune?.fresh };
  if (finetuneFrom !== null) {
    const weights = config.finetuneWeights;
    const options = { definition: await loadModel(config), model, classes, seed, weights };
    const { path, fresh, taken, ...initial } = await loadFinetune(finetuneFrom, options);
    const named = weights === "ema" ? "moving averages" : "weights as trained";
    terminal.log(`finetune: ${taken} of ${taken + fresh.length} tensors from ${path}, ${named}`);
    if (fresh.length > 0) terminal.log(`finetune: at random: ${listed(fresh, ", ")}`);
    return { initial, fresh };
  }
  return initFrom === null
    ? { initial: fromImages() }
    : { initial: await initialWeights(initFrom, config, { model, terminal }) };
}

async function initialWeights(
  path: string,
  { seed, initPartial: partial }: TrainConfig,
  { model, terminal }: { model: Model; terminal: Console },
): Promise<ModelValues> {
  const layout = parameterLayout(model.parameters);
  const moments = statisticsLayout(model.statistics);
  const weights = await loadInitialWeights(path, layout, { partial, seed, moments });
  const { mismatches, taken, unused, fresh } = weights;
  terminal.log(`init: ${taken} of ${layout.specs.length} tensors from ${path}`);
  if (mismatches.length > 0) terminal.log(`init: at random: ${listed(mismatches, "; ")}`);
  const { length: all } = moments.specs;
  if (all > 0) terminal.log(`init: running moments of ${all - fresh.length} of ${all} layers`);
  if (fresh.length > 0) terminal.log(`init: at mean 0, variance 1: ${listed(fresh, ", ")}`);
  if (unused.length > 0) terminal.log(`init: not used: ${listed(unused, ", ")}`);
  return weights;
}
