// The weights that a run starts from.

import type { Dataset } from "../data/datasets/dataset.ts";
import { createModel, type ModelDefinition } from "../nn/model.ts";
import { parameterLayout } from "../nn/parameters.ts";
import type { Console } from "../report/console.ts";
import { loadFinetune } from "../train/checkpoints/finetune_from.ts";
import { listed, loadInitialWeights } from "../train/checkpoints/init_from.ts";
import type { TrainConfig } from "../train/config.ts";
import type { ResumePlan } from "../train/resume.ts";
import type { InitialBlocks } from "../train/train.ts";

/** Where the weights come from. */
export interface TrainStart {
  /** Absent: at random, or from a checkpoint of the run. */
  readonly initial?: InitialBlocks;
  /** Of a run that took weights of another one: the parameters that started at random. */
  readonly fresh?: readonly string[];
}

/** What the flags ask for; a run that goes on from a checkpoint needs no file but that. */
export async function startOf(
  config: TrainConfig,
  { definition, dataset: { classes }, plan, terminal }: {
    readonly definition: ModelDefinition;
    readonly dataset: Dataset;
    readonly plan: ResumePlan | undefined;
    readonly terminal: Console;
  },
): Promise<TrainStart> {
  const { initFrom, finetuneFrom, seed } = config;
  if (plan?.checkpoint !== undefined) return { fresh: plan.run.finetune?.fresh };
  if (finetuneFrom !== null) {
    const weights = config.finetuneWeights;
    const options = { definition, classes, seed, weights };
    const { path, fresh, taken, ...initial } = await loadFinetune(finetuneFrom, options);
    const named = weights === "ema" ? "moving averages" : "weights as trained";
    terminal.log(`finetune: ${taken} of ${taken + fresh.length} tensors from ${path}, ${named}`);
    if (fresh.length > 0) terminal.log(`finetune: at random: ${listed(fresh, ", ")}`);
    return { initial, fresh };
  }
  if (initFrom === null) return {};
  const layout = parameterLayout(createModel(definition, classes.length).parameters);
  const { parameters, mismatches, taken, unused } = await loadInitialWeights(initFrom, layout, {
    partial: config.initPartial,
    seed,
  });
  terminal.log(`init: ${taken} of ${layout.specs.length} tensors from ${initFrom}`);
  if (mismatches.length > 0) terminal.log(`init: at random: ${listed(mismatches, "; ")}`);
  if (unused.length > 0) terminal.log(`init: not used: ${listed(unused, ", ")}`);
  return { initial: { parameters } };
}
