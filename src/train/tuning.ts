// A model of which a part stays as it is, and a part learns at a rate of its own.

import type { Model } from "../nn/model.ts";
import { ConfigError } from "../util/errors.ts";
import { listed } from "../util/listed.ts";
import { nearest } from "../util/suggest.ts";
import type { TrainConfig } from "./config.ts";

/**
 * The model with the factors of the learning rate that a run's flags stand for: 0 for what is frozen, and
 * that of the head.
 *
 * @param fresh names of the parameters that started at random
 * @throws {ConfigError} if a pattern matches nothing, or what started at random, or nothing is left to train
 */
export function tunedModel(
  model: Model,
  config: Pick<TrainConfig, "freeze" | "headLearningRate" | "learningRate">,
  fresh: readonly string[],
): Model {
  const { freeze, headLearningRate, learningRate } = config;
  if (headLearningRate !== null && fresh.length === 0) {
    throw new ConfigError("--head-learning-rate needs a head: no parameter starts at random", {
      hint: "leave it out: the classes are those of the run that it starts from",
    });
  }
  const head = new Set(fresh);
  const frozen = frozenNames(model, freeze);
  const random = [...frozen].find((name) => head.has(name));
  if (random !== undefined) {
    throw new ConfigError(`--freeze must leave out what starts at random: found ${random}`, {
      hint: `what starts at random: ${fresh.join(", ")}`,
    });
  }
  if (frozen.size === model.parameters.length) {
    throw new ConfigError("--freeze must leave something to train: found all parameters", {
      hint: "name fewer of them",
    });
  }
  const factor = headLearningRate === null ? 1 : headLearningRate / learningRate;
  const parameters = model.parameters.map((spec) => {
    if (frozen.has(spec.name)) return { ...spec, rate: 0 };
    return head.has(spec.name) ? { ...spec, rate: spec.rate * factor } : spec;
  });
  return { ...model, parameters };
}

function frozenNames({ name: model, parameters }: Model, freeze: string | null): Set<string> {
  const names = parameters.map(({ name }) => name);
  const patterns = freeze === null ? [] : freeze.split(",").map((pattern) => pattern.trim());
  return new Set(patterns.flatMap((pattern) => {
    const matching = names.filter((name) => globOf(pattern).test(name));
    if (matching.length > 0) return matching;
    const near = nearest(pattern, names);
    throw new ConfigError(
      `--freeze ${JSON.stringify(pattern)} matches no parameter of ${model}: there are ${
        listed(names, ", ")
      }`,
      { hint: near === undefined ? "for example --freeze 'conv*'" : `did you mean ${near}?` },
    );
  }));
}

/** `*` stands for any letters, slashes too, `?` for one. */
function globOf(pattern: string): RegExp {
  const parts = [...pattern].map((letter) =>
    letter === "*" ? ".*" : letter === "?" ? "." : RegExp.escape(letter)
  );
  return new RegExp(`^${parts.join("")}$`);
}
