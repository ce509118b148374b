/** Which model a name or a file stands for, what is said of one that there is not, and what recipes set. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { defineModel, type Recipe } from "../../src/nn/model.ts";
import { reference } from "../../src/nn/models/reference.ts";
import { bottleneckResnet, resnet, resnetV1, wideResnet } from "../../src/nn/models/resnet.ts";
import { completeTrainConfig, parseCommandLine, type TrainConfig } from "../../src/train/config.ts";
import { loadModel, openModel, withRecipe } from "../../src/train/models.ts";
import { UserError } from "../../src/util/errors.ts";
import { ROOT } from "../cli_support.ts";
import { temporaryFolder } from "../data/helpers.ts";

async function refusal(work: () => unknown): Promise<UserError> {
  const error = await (async () => await work())().then(() => assert.fail("no error"), (e) => e);
  assert.ok(error instanceof UserError, String(error));
  assert.ok(
    !error.message.includes("\n") && !/undefined|\[object/.test(error.message + error.hint),
  );
  return error;
}

/** What a command line gives. */
function given(line: string): Partial<TrainConfig> {
  const invocation = parseCommandLine(["train", ...line.split(" ").filter((word) => word !== "")]);
  assert.ok(invocation.command === "train");
  return invocation.given;
}

Deno.test("names are models", async () => {
  const name = async (model: string, bottleneck = false) =>
    (await loadModel({ model, bottleneck })).name;
  assert.equal(await loadModel({ model: "reference", bottleneck: false }), reference);
  assert.equal(await loadModel({ model: "wrn-28-10", bottleneck: false }), wideResnet);
  assert.equal(await name("resnet-20"), "resnet-20");
  assert.equal(await name("resnet-164", true), "resnet-164-bottleneck");
  assert.equal(await name("resnet-v1-44"), "resnet-v1-44");
});

Deno.test("a name that is none is told with one that is like it, or with the rule of its layers", async () => {
  const [all, some] = [
    "expected one of reference, resnet-N, resnet-v1-N, wrn-28-10, cuda-convnet-NAME, airbench94, " +
    "airbench94-muon, FILE.ts",
    "choose a number of layers that there is",
  ];
  const only = (found: string) => `--bottleneck is read by --model resnet-N only: found ${found}`;
  const cases: readonly (readonly [string, boolean, string, string])[] = [
    ["referense", false, `unknown model "referense": ${all}`, "did you mean reference?"],
    ["resnet20", false, `unknown model "resnet20": ${all}`, "did you mean resnet-20?"],
    ["wrn-28-1", false, `unknown model "wrn-28-1": ${all}`, "did you mean wrn-28-10?"],
    ["vgg", false, `unknown model "vgg": ${all}`, "for example --model resnet-20"],
    [
      "resnet-18",
      false,
      "Cannot make a resnet of 18 layers as they must be 6n + 2: the nearest is 20",
      some,
    ],
    [
      "resnet-0",
      false,
      "Cannot make a resnet of 0 layers as they must be 6n + 2: the nearest is 8",
      some,
    ],
    [
      "resnet-v1-51",
      false,
      "Cannot make a resnet-v1 of 51 layers as they must be 6n + 2: the nearest is 50",
      some,
    ],
    [
      "resnet-32",
      true,
      "Cannot make a resnet of 32 layers as they must be 9n + 2: the nearest is 29",
      some,
    ],
    ["resnet-v1-20", true, only("resnet-v1-20"), "for example --model resnet-164 --bottleneck"],
    ["reference", true, only("reference"), "for example --model resnet-164 --bottleneck"],
    ["./mine.ts", true, only("./mine.ts"), "for example --model resnet-164 --bottleneck"],
  ];
  for (const [model, bottleneck, message, hint] of cases) {
    const error = await refusal(() => loadModel({ model, bottleneck }));
    assert.deepEqual([error.name, error.message, error.hint], ["ConfigError", message, hint]);
  }
});

/** Writes a model file beside nothing else of kiln; `$MOD` stands for the library. */
async function withFile(text: string, use: (path: string) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "mine.ts");
  await Deno.writeTextFile(path, text.replace("$MOD", pathToFileURL(join(ROOT, "mod.ts")).href));
  await use(path);
}

const HEAD = `import { defineModel, layers, normal } from "$MOD";\n`;
const LOGITS = `layers.dense(net, "logits", layers.globalPool(net, "pool", x), {
  units: net.classes,
  weights: normal(0.1),
})`;

function file(build: string): string {
  return `${HEAD}export default defineModel({
  name: "mine",
  image: [32, 32, 3],
  build(net, x) {
    ${build}
  },
});
`;
}

Deno.test("a file's default export is a model", async () => {
  await withFile(file(`return ${LOGITS};`), async (path) => {
    const model = await openModel({ model: path, bottleneck: false }, 7);
    assert.deepEqual([model.name, model.classes, model.image], ["mine", 7, [32, 32, 3]]);
    assert.deepEqual(model.parameters.map(({ name }) => name), ["logits/weights", "logits/biases"]);
  });
});

Deno.test("a file that is not there, does not run, or exports no model is one line", async () => {
  const missing = await refusal(() => loadModel({ model: "./no/model.ts", bottleneck: false }));
  assert.equal(missing.name, "DataError");
  assert.match(missing.message, /^Cannot load the model \.\/no\/model\.ts: Module not found/);
  const none = "expected a default export of defineModel({ name, image, build })";
  const cases: readonly [string, RegExp][] = [
    ["const = 3;", /^Cannot load the model .*mine\.ts: .*(parsed|Unexpected|Expected)/],
    ["throw new Error('so\\nand so');", /^Cannot load the model .*mine\.ts: so$/],
    ["export const model = 3;", RegExp(`${RegExp.escape(none)}$`)],
    ["export default 3;", RegExp(`${RegExp.escape(none)}$`)],
    ["export default { name: '', image: [8, 8, 3], build() {} };", RegExp(RegExp.escape(none))],
    ["export default { name: 'a', image: [8, 8], build() {} };", RegExp(RegExp.escape(none))],
    ["export default { name: 'a', image: [8, 8, 1], build() {} };", RegExp(RegExp.escape(none))],
    ["export default { name: 'a', image: [8, 8.5, 3], build() {} };", RegExp(RegExp.escape(none))],
    ["export default { name: 'a', image: [8, 8, 3] };", RegExp(RegExp.escape(none))],
  ];
  for (const [text, expected] of cases) {
    await withFile(text, async (path) => {
      const error = await refusal(() => loadModel({ model: path, bottleneck: false }));
      assert.equal(error.name, "DataError", text);
      assert.match(error.message, expected);
      assert.notEqual(error.hint, "");
    });
  }
});

Deno.test("a file whose network cannot be built is told with the place in it", async () => {
  const cases: readonly [string, RegExp][] = [
    [
      `layers.globalPool(net, "pool", x);\n    return ${LOGITS};`,
      /mine\.ts:7:\d+: Cannot declare pool twice: choose another name$/,
    ],
    ["return x;", /mine\.ts: Cannot make a model of mine as its logits must be \[N, 7\]: found/],
    ["return net.missing(x);", /mine\.ts:6:\d+: net\.missing is not a function$/],
  ];
  for (const [build, expected] of cases) {
    await withFile(file(build), async (path) => {
      const error = await refusal(() => openModel({ model: path, bottleneck: false }, 7));
      assert.deepEqual([error.name, error.hint], ["DataError", "mend its build function"]);
      assert.match(error.message, expected);
    });
  }
});

/** A model that is never built, with a recipe. */
function having(recipe: Recipe) {
  return defineModel({
    name: "mine",
    image: [32, 32, 3],
    recipes: { default: recipe, other: { steps: 7 } },
    build: (_, images) => images,
  });
}

function settings(recipe: Recipe, line: string, name: string | null = null): TrainConfig {
  return withRecipe(having(recipe), name, { ...given(`--run-dir r ${line}`) });
}

const DEFAULTS = completeTrainConfig({ runDir: "r" });

Deno.test("a recipe's settings hold where none are given, and only those", () => {
  const recipe = { steps: 300, "learning-rate": 0.03, flip: false, optimizer: "momentum" } as const;
  const own = { steps: 300, learningRate: 0.03, flip: false, optimizer: "momentum" } as const;
  assert.deepEqual(settings(recipe, ""), { ...DEFAULTS, ...own });
  // What is given wins, also where it is the default.
  assert.deepEqual(settings(recipe, "--learning-rate 0.1 --flip --steps 5"), {
    ...DEFAULTS,
    ...own,
    learningRate: 0.1,
    flip: true,
    steps: 5,
  });
  assert.deepEqual(settings(recipe, "", "other"), { ...DEFAULTS, steps: 7 });
  assert.deepEqual(settings(recipe, "--seed 3", "none"), { ...DEFAULTS, seed: 3 });
  const bare = defineModel({ name: "bare", image: [8, 8, 3], build: (_, images) => images });
  assert.deepEqual(withRecipe(bare, null, { runDir: "r" }), DEFAULTS);
  assert.deepEqual(withRecipe(bare, "none", { runDir: "r" }), DEFAULTS);
});

Deno.test("given flags put out those of the recipe that they exclude, or leave without a reader", () => {
  const recipe: Recipe = {
    steps: 300,
    optimizer: "momentum",
    momentum: 0.8,
    milestones: "10,20",
    "decay-factor": 0.2,
  };
  const epochs = settings(recipe, "--epochs 2");
  assert.deepEqual([epochs.epochs, epochs.steps], [2, DEFAULTS.steps]);
  const decays = settings(recipe, "--epochs-per-decay 5");
  assert.deepEqual([decays.epochsPerDecay, decays.milestones, decays.decayFactor], [5, null, 0.2]);
  const cosine = settings(recipe, "--schedule cosine");
  assert.deepEqual([cosine.milestones, cosine.decayFactor], [null, DEFAULTS.decayFactor]);
  assert.equal(cosine.momentum, 0.8, "of the optimizer, which is the recipe's");
  assert.equal(settings(recipe, "--optimizer sgd").momentum, DEFAULTS.momentum);
  assert.equal(settings(recipe, "--optimizer nesterov").momentum, 0.8);
  // Given flags without a reader are still a mistake, and so are a recipe's own.
  assert.throws(
    () => settings(recipe, "--schedule cosine --milestones 5"),
    /^ConfigError: --milestones is read by --schedule step only: found --schedule cosine$/,
  );
  assert.throws(
    () => settings({ schedule: "cosine", milestones: "5" }, ""),
    /^ConfigError: --milestones is read by --schedule step only: found --schedule cosine$/,
  );
  const excluded = settings({ epochs: 3 }, "--steps 9");
  assert.deepEqual([excluded.epochs, excluded.steps], [null, 9]);
});

Deno.test("a recipe that there is not, or with a flag or value that is none, is refused", async () => {
  const unknown = await refusal(() => settings({ steps: 3 }, "", "fast"));
  assert.equal(unknown.name, "ConfigError");
  assert.equal(
    unknown.message,
    'unknown recipe "fast" of mine: expected one of none, default, other',
  );
  const cases: readonly [Recipe, string][] = [
    [{ learningRate: 0.1 }, "learningRate is no flag of a recipe, found 0.1"],
    [{ toString: 1 }, "toString is no flag of a recipe, found 1"],
    [{ "run-dir": "x" }, 'run-dir is no flag of a recipe, found "x"'],
    [{ resume: true }, "resume is no flag of a recipe, found true"],
    [{ steps: 0 }, "steps must be an integer of at least 1, found 0"],
    [{ steps: "9" }, 'steps must be an integer of at least 1, found "9"'],
    [
      { optimizer: "adam" },
      'optimizer must be one of sgd, momentum, nesterov, adamw, muon, found "adam"',
    ],
    [{ flip: 0 }, "flip must be true or false, found 0"],
  ];
  for (const [recipe, phrase] of cases) {
    const error = await refusal(() => settings(recipe, ""));
    assert.equal(error.name, "DataError");
    assert.equal(error.message, `Cannot use the recipe of mine: ${phrase}`);
    assert.equal(error.hint, "write it as deno task train --help shows it");
  }
});

Deno.test("the families' own recipes are those of their sources", () => {
  const common = { optimizer: "momentum", momentum: 0.9, learningRate: 0.1, weightDecay: 0.0002 };
  const plain = { brightness: 0, contrast: 0, emaDecay: 0, schedule: "step", batchSize: 128 };
  const before = { ...common, ...plain, steps: 90_000, milestones: "40000,60000,80000", pad: 2 };
  const cases = [
    [reference, {}],
    [resnet(32), before],
    [bottleneckResnet(164), before],
    [wideResnet, { ...before, batchSize: 64 }],
    [
      resnetV1(44),
      {
        ...{ ...common, ...plain, steps: 80_000, milestones: "28782,43173,105300", pad: 4 },
        normalize: "fixed",
      },
    ],
  ] as const;
  for (const [definition, own] of cases) {
    assert.deepEqual(
      withRecipe(definition, null, { runDir: "r" }),
      { ...DEFAULTS, ...own },
      definition.name,
    );
  }
});
