/** Recipes: what the flags make of them, and combinations that make no sense. */
import assert from "node:assert/strict";
import { checkRecipe, classWeightsOf, parseMilestones } from "../../src/train/check_recipe.ts";
import { parseTrainConfig, totalSteps, trainConfigFromJson } from "../../src/train/config.ts";
import { type Recipe, recipeOf, REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { ConfigError } from "../../src/util/errors.ts";

const DATA = { classes: ["cat", "dog", "eel"], labels: [0, 0, 0, 1, 2, 2], totalSteps: 100_000 };

/** The recipe's own entries. */
function recipeOfFlags(...flags: string[]): Partial<Recipe> {
  const whole = Object.entries(recipeOf(parseTrainConfig(flags), DATA));
  return Object.fromEntries(whole.filter(([name]) => name in REFERENCE_RECIPE));
}

Deno.test("the recipe without flags is the reference's", () => {
  assert.deepEqual(recipeOfFlags(), REFERENCE_RECIPE);
});

Deno.test("flags of the optimizer, the schedule and the loss reach the recipe", () => {
  const recipe = recipeOfFlags(
    ...["--optimizer", "adamw", "--beta1", "0.8", "--beta2", "0.99", "--epsilon", "1e-6"],
    ...["--learning-rate", "0.002", "--schedule", "cosine", "--final-learning-rate", "1e-5"],
    ...["--warmup-steps", "500", "--clip-norm", "2.5", "--accumulate", "4"],
    ...["--label-smoothing", "0.1", "--class-weights", "1, 2.5,0.5"],
  );
  assert.deepEqual(recipe, {
    ...REFERENCE_RECIPE,
    optimizer: "adamw",
    beta1: 0.8,
    beta2: 0.99,
    epsilon: 1e-6,
    learningRate: 0.002,
    schedule: "cosine",
    finalLearningRate: 1e-5,
    warmupSteps: 500,
    clipNorm: 2.5,
    accumulate: 4,
    labelSmoothing: 0.1,
    classWeights: [1, 2.5, 0.5],
  });
  assert.deepEqual(recipeOfFlags("--milestones", "100,2000").milestones, [100, 2000]);
  const plateau = ["--schedule", "plateau", "--eval-every", "50", "--plateau-patience", "3"];
  assert.equal(recipeOfFlags(...plateau).plateauPatience, 3);
  assert.equal(recipeOfFlags("--optimizer", "nesterov", "--momentum", "0.95").momentum, 0.95);
});

Deno.test("balanced weights are images over classes times the class's images", () => {
  assert.deepEqual(classWeightsOf("balanced", DATA.classes, DATA.labels), [6 / 9, 6 / 3, 6 / 6]);
  assert.equal(classWeightsOf(null, DATA.classes, DATA.labels), null);
});

Deno.test("an epoch of accumulated batches has fewer steps", () => {
  const run = { steps: 7, epochs: 1, batchSize: 100, accumulate: 4 };
  assert.equal(totalSteps(run, 50_000), 125);
});

/** Flags that are wrong together, the message, and the hint. */
const MISTAKES: readonly (readonly [string, RegExp, RegExp])[] = [
  [
    "--milestones 10,20 --schedule cosine",
    /^--milestones is read by --schedule step only: found --schedule cosine$/,
    /^leave out --milestones, or choose --schedule step$/,
  ],
  [
    "--milestones 10 --epochs-per-decay 3",
    /^--milestones and --epochs-per-decay exclude each other: found both$/,
    /keep either/,
  ],
  ["--milestones 20,10", /^--milestones must be rising steps above 0: found "20,10"$/, /32000/],
  ["--milestones 10,10", /must be rising steps/, /for example/],
  ["--milestones 0,10", /must be rising steps/, /for example/],
  ["--milestones 10,", /must be rising steps/, /for example/],
  ["--milestones 1e3", /must be rising steps/, /for example/],
  [
    "--schedule plateau",
    /^--schedule plateau follows the evaluations: found --eval-every 0$/,
    /add --eval-every/,
  ],
  [
    "--plateau-patience 3",
    /^--plateau-patience is read by --schedule plateau only: found --schedule step$/,
    /choose --schedule plateau/,
  ],
  [
    "--momentum 0.5",
    /^--momentum is read by --optimizer momentum or --optimizer nesterov or --optimizer muon only: found --optimizer sgd$/,
    /choose --optimizer momentum or --optimizer nesterov or --optimizer muon$/,
  ],
  ["--muon-momentum 0.5", /^--muon-momentum is read by --optimizer muon only/, /muon/],
  ["--peak 0.2", /^--peak is read by --schedule triangle only: found --schedule step$/, /triangle/],
  ["--schedule linear --start-learning-rate 0.01", /by --schedule triangle only/, /triangle/],
  [
    "--schedule triangle --start-learning-rate 0.2",
    /^--start-learning-rate must be at most --learning-rate, 0.1: found 0.2$/,
    /--warmup-steps/,
  ],
  [
    "--lookahead-decay 0.5",
    /^--lookahead-decay is read by --lookahead only: found --lookahead 0$/,
    /give --lookahead 5/,
  ],
  ["--optimizer momentum --beta1 0.5", /^--beta1 is read by --optimizer adamw only/, /adamw/],
  ["--beta2 0.5", /^--beta2 is read by --optimizer adamw only/, /adamw/],
  ["--epsilon 0.5", /^--epsilon is read by --optimizer adamw only/, /adamw/],
  ["--schedule cosine --decay-factor 0.5", /^--decay-factor is read by --schedule step or/, /step/],
  ["--schedule linear --epochs-per-decay 5", /^--epochs-per-decay is read by/, /exponential/],
  [
    "--final-learning-rate 0.01",
    /^--final-learning-rate is read by --schedule cosine or/,
    /cosine/,
  ],
  [
    "--schedule linear --final-learning-rate 0.2",
    /^--final-learning-rate must be at most --learning-rate, 0.1: found 0.2$/,
    /--warmup-steps/,
  ],
  [
    "--class-weights even",
    /^--class-weights must be balanced or positive numbers: found "even"$/,
    /one for each class/,
  ],
  ["--class-weights 1,0,2", /must be balanced or positive numbers/, /for example/],
  ["--class-weights 1,,2", /must be balanced or positive numbers/, /for example/],
  ["--class-weights 1,1e99,2", /must be balanced or positive numbers/, /for example/],
  ["--label-smoothing 1", /--label-smoothing must be a number of at least 0 and below 1/, /0/],
  ["--accumulate 257", /--accumulate must be an integer from 1 to 256/, /1/],
];

for (const [flags, message, hint] of MISTAKES) {
  Deno.test(`${flags} is a mistake`, () => {
    assert.throws(() => parseTrainConfig(flags.split(" ")), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.match(error.message, message);
      assert.match(error.hint, hint);
      return true;
    });
  });
}

Deno.test("a saved config is checked the same", () => {
  const config = { ...parseTrainConfig([]), schedule: "plateau" };
  assert.throws(() => trainConfigFromJson(config, "config.json"), /follows the evaluations/);
});

Deno.test("flags that are right together are not refused", () => {
  for (
    const flags of [
      "--schedule exponential --epochs-per-decay 2 --decay-factor 0.9",
      "--schedule plateau --eval-every 10 --decay-factor 0.5 --plateau-patience 0",
      "--schedule cosine --final-learning-rate 0.1",
      "--schedule constant --warmup-steps 1000000",
      "--class-weights balanced",
      "--class-weights 1e-3,2,.5",
    ]
  ) checkRecipe(parseTrainConfig(flags.split(" ")));
  assert.deepEqual(parseMilestones(" 5 , 7"), [5, 7]);
});

Deno.test("weights that are not one a class, and classes without images, are mistakes", () => {
  const { classes, labels } = DATA;
  assert.throws(() => classWeightsOf("1,2", classes, labels), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(
      error.message,
      "--class-weights must be one weight for each of 3 classes: found 2",
    );
    assert.equal(error.hint, "their order is cat, dog, eel");
    return true;
  });
  assert.throws(() => classWeightsOf("balanced", classes, [0, 2, 2]), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /needs images of every class: found none of dog$/);
    return true;
  });
});
