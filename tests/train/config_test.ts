import assert from "node:assert/strict";
import { COMMANDS } from "../../src/train/commands.ts";
import {
  type CommandName,
  type EvalConfig,
  helpText,
  parseBenchConfig,
  parseCommandLine,
  parseDataConfig,
  parseDoctorConfig,
  parseEvalConfig,
  parseInspectConfig,
  parsePredictConfig,
  parseTrainConfig,
  type TrainConfig,
  trainConfigFromJson,
} from "../../src/train/config.ts";
import { HELP_COLUMNS } from "../../src/train/help.ts";

const SOURCE = {
  dataset: "cifar10",
  dataDir: null,
  dataUrl: null,
  skipCorrupt: 0,
  imageSize: 32,
  cacheDir: "data/cache",
  dataMemory: 1024,
};
const SELECTION = { classes: null, limit: null, validationFraction: null };
/** The reference's: crop, flip, brightness, contrast, each image standardized. */
const AUGMENTATION = {
  pad: 0,
  padMode: "zero",
  flip: true,
  flipMode: "random",
  saturation: 0,
  hue: 0,
  brightness: 63,
  contrast: 0.8,
  normalize: "image",
  cutout: 0,
  mixup: 0,
  cutmix: 0,
};

/** The reference's: SGD on a staircase. */
const OPTIMIZER = {
  optimizer: "sgd",
  learningRate: 0.1,
  momentum: 0.9,
  muonMomentum: 0.95,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  schedule: "step",
  decayFactor: 0.1,
  epochsPerDecay: 350,
  milestones: null,
  finalLearningRate: 0,
  startLearningRate: 0,
  peak: 0.5,
  warmupSteps: 0,
  plateauPatience: 10,
  clipNorm: 0,
  accumulate: 1,
  labelSmoothing: 0,
  classWeights: null,
  lookahead: 0,
  lookaheadDecay: 0.95,
  emaDecay: 0.9999,
  lossAverageDecay: 0.9,
  weightDecay: 0.004,
};

/** A run starts anew, at random; the newest five checkpoints stay, and a full disk does not end it. */
const CHECKPOINTS = {
  resume: false,
  allowChange: null,
  initFrom: null,
  initPartial: false,
  checkpointEvery: "600s",
  keep: 5,
  keepEvery: 0,
  onFull: "continue",
  patience: 0,
};

Deno.test("train's defaults are the reference's", () => {
  const { runDir, workers, threads, ...config } = parseTrainConfig([]);
  assert.equal(threads, navigator.hardwareConcurrency);
  assert.deepEqual(config, {
    ...{ model: "reference", bottleneck: false, recipe: null },
    steps: 100_000,
    epochs: null,
    batchSize: 128,
    seed: 0,
    ...{ finetuneFrom: null, finetuneWeights: "ema", freeze: null, headLearningRate: null },
    ...SOURCE,
    ...SELECTION,
    shuffle: "epoch",
    input: "auto",
    ...AUGMENTATION,
    ...OPTIMIZER,
    logEvery: 10,
    ...CHECKPOINTS,
    evalEvery: 0,
    device: "auto",
  });
  assert.match(runDir, /^runs\/reference-\d{8}-\d{6}$/);
  assert.equal(workers, Math.min(16, Math.max(1, navigator.hardwareConcurrency - 1)));
});

Deno.test("the other commands' defaults", () => {
  const { workers, threads, ...evaluation } = parseEvalConfig([]);
  assert.ok(workers >= 1);
  assert.equal(threads, navigator.hardwareConcurrency);
  assert.deepEqual(evaluation, {
    runDir: null,
    checkpoint: null,
    ema: true,
    both: false,
    batchSize: 128,
    views: "1",
    watch: null,
    split: "auto",
    ...{ dataset: null, classes: null, dataDir: null },
    skipCorrupt: null,
    cacheDir: null,
    confusionCsv: null,
    confusionPng: null,
    mistakes: null,
    probabilities: null,
    json: false,
    device: "auto",
  });
  assert.deepEqual(parsePredictConfig(["a.png"]), {
    images: ["a.png"],
    runDir: null,
    checkpoint: null,
    ema: true,
    batchSize: 128,
    views: "1",
    topK: 3,
    format: "table",
    workers,
    threads,
    device: "auto",
  });
  assert.deepEqual(parseDataConfig([]), { ...SOURCE, source: "auto", workers });
  assert.deepEqual(parseInspectConfig([]), {
    ...SOURCE,
    ...SELECTION,
    ...AUGMENTATION,
    seed: 0,
    samples: 4,
    variants: 3,
    out: "samples.png",
    json: false,
    workers,
  });
  assert.deepEqual(parseDoctorConfig([]), { json: false, device: "auto", threads });
  assert.deepEqual(parseBenchConfig([]), {
    only: null,
    net: "reference",
    batchSize: 128,
    json: false,
    device: "auto",
    threads,
  });
});

Deno.test("values are read from --flag value, --flag=value, --flag and --no-flag", () => {
  const config = parseTrainConfig(
    ["--steps", "2000", "--learning-rate=5e-2", "--run-dir=a=b", "--device", "gpu", "--seed=+7"],
  );
  const { steps, learningRate, runDir, device, seed } = config;
  assert.deepEqual([steps, learningRate, runDir, device, seed], [2000, 0.05, "a=b", "gpu", 7]);
  assert.equal(parseEvalConfig(["--no-ema"]).ema, false);
  assert.equal(parseEvalConfig(["--ema"]).ema, true);
  assert.equal(parseEvalConfig(["--json"]).json, true);
});

Deno.test("arguments that are no flags stand between and behind flags, and -- ends those", () => {
  const { images, topK, ema, runDir } = parsePredictConfig(
    ["a.png", "--top-k", "2", "-", "--no-ema", "folder/", "--run=r", "--", "--top-k", "-h", "--"],
  );
  assert.deepEqual(images, ["a.png", "-", "folder/", "--top-k", "-h", "--"]);
  assert.deepEqual([topK, ema, runDir], [2, false, "r"]);
  const invocation = parseCommandLine(["predict", "--", "--help"]);
  assert.ok(invocation.command === "predict");
  assert.deepEqual(invocation.config.images, ["--help"]);
  assert.equal(parseCommandLine(["predict", "a.png", "--help"]).command, "help");
});

Deno.test("a flag may have another name", () => {
  assert.equal(parseEvalConfig(["--run", "a"]).runDir, "a");
  assert.equal(parseEvalConfig(["--run=a"]).runDir, "a");
  assert.match(helpText("eval"), /also --run;/);
  assert.match(helpText("predict"), /^usage: deno task predict \[flags\] <image\|folder\|-> …$/m);
});

Deno.test("the types of settings are exact", () => {
  type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
    : never;
  const checks: [
    Same<TrainConfig["steps"], number>,
    Same<TrainConfig["epochs"], number | null>,
    Same<TrainConfig["runDir"], string>,
    Same<TrainConfig["dataUrl"], string | null>,
    Same<TrainConfig["device"], "auto" | "gpu" | "software" | "cpu">,
    Same<TrainConfig["checkpointEvery"], string>,
    Same<TrainConfig["onFull"], "continue" | "stop">,
    Same<EvalConfig["ema"], boolean>,
    Same<EvalConfig["runDir"], string | null>,
  ] = [true, true, true, true, true, true, true, true, true];
  assert.equal(checks.length, 9);
});

Deno.test("a command line is a command with its settings, or a help text", () => {
  assert.deepEqual(parseCommandLine(["data", "--source", "npm"]), {
    command: "data",
    config: parseDataConfig(["--source", "npm"]),
  });
  assert.deepEqual(parseCommandLine(["data", "inspect", "--samples", "2"]), {
    command: "data inspect",
    config: parseInspectConfig(["--samples", "2"]),
  });
  const inspect = parseCommandLine(["data", "inspect", "--help"]);
  assert.deepEqual(inspect, { command: "help", text: helpText("data inspect") });
  assert.deepEqual(parseCommandLine(["help", "data", "inspect"]), inspect);
  assert.deepEqual(parseCommandLine(["bench", "input", "--json"]), {
    command: "bench",
    config: parseBenchConfig(["--only", "input", "--json"]),
  });
  for (const line of ["train --help", "train --steps -h", "help train"]) {
    const invocation = parseCommandLine(line.split(" "));
    assert.deepEqual(invocation, { command: "help", text: helpText("train") }, line);
  }
  const overview = parseCommandLine([]);
  assert.deepEqual(parseCommandLine(["--help"]), overview);
  assert.ok(overview.command === "help");
  for (const name of Object.keys(COMMANDS)) assert.match(overview.text, RegExp(`^  ${name} `, "m"));
});

Deno.test("every flag of a command stands in its help, within the width", () => {
  for (const command of Object.keys(COMMANDS) as CommandName[]) {
    const text = helpText(command);
    for (const [name, flag] of Object.entries(COMMANDS[command].flags)) {
      const spelled = flag.default === true ? `--no-${name}` : `--${name}`;
      assert.match(text, RegExp(`^  ${spelled} `, "m"), `${command}: ${spelled}`);
    }
    for (const line of text.split("\n")) {
      assert.ok(line.length <= HELP_COLUMNS, line);
      assert.equal(line, line.trimEnd());
    }
  }
});

Deno.test("the help says range, default and exclusion", () => {
  const text = helpText("train").replace(/\s+/g, " ");
  assert.ok(text.includes("--batch-size <integer> images a batch (1..65536; default 128)"));
  assert.ok(text.includes("--weight-decay <number>"));
  assert.ok(text.includes("(>= 0, < 1; default 0.9999)"));
  assert.ok(text.includes("not with --steps"));
  assert.ok(text.includes("(default runs/MODEL-YYYYMMDD-HHMMSS)"));
  assert.ok(text.includes("--device auto|gpu|software"));
  assert.ok(helpText("eval").includes("--no-ema"));
});

Deno.test("the command line of each help's example is accepted", () => {
  for (const command of Object.keys(COMMANDS) as CommandName[]) {
    const words = COMMANDS[command].example.line.split(" ");
    assert.equal(parseCommandLine(words.slice(2)).command, command);
  }
});

Deno.test("saved settings are read back the same, and checked", () => {
  const config = parseTrainConfig(["--epochs", "0.5", "--seed", "3", "--device=software"]);
  assert.deepEqual(trainConfigFromJson(JSON.parse(JSON.stringify(config)), "config.json"), config);
  assert.equal(trainConfigFromJson({}, "config.json").batchSize, 128);
  const cases: [unknown, RegExp][] = [
    [[], /^config\.json: expected an object of settings, found an array$/],
    [{ batchsize: 1 }, /^config\.json: unknown setting "batchsize"$/],
    [
      { batchSize: "1" },
      /^config\.json: "batchSize" must be an integer from 1 to 65536: found "1"/,
    ],
    [{ seed: null }, /^config\.json: "seed" must be an integer of at least 0: found null$/],
    [{ device: "cuda" }, /^config\.json: "device" must be one of auto, gpu, software/],
  ];
  for (const [json, message] of cases) {
    assert.throws(() => trainConfigFromJson(json, "config.json"), { name: "ConfigError", message });
  }
});
