import assert from "node:assert/strict";
import { COMMANDS, defaultRunDir } from "../../src/train/commands.ts";
import {
  type CommandName,
  type EvalConfig,
  helpText,
  parseBenchConfig,
  parseCommandLine,
  parseDataConfig,
  parseDoctorConfig,
  parseEvalConfig,
  parseTrainConfig,
  totalSteps,
  type TrainConfig,
  trainConfigFromJson,
} from "../../src/train/config.ts";
import { HELP_COLUMNS } from "../../src/train/help.ts";
import { ConfigError } from "../../src/util/errors.ts";

Deno.test("train's defaults are the reference's", () => {
  const { runDir, workers, ...config } = parseTrainConfig([]);
  assert.deepEqual(config, {
    steps: 100_000,
    epochs: null,
    batchSize: 128,
    seed: 0,
    dataDir: "data/cifar-10-batches-bin",
    dataUrl: null,
    learningRate: 0.1,
    decayFactor: 0.1,
    epochsPerDecay: 350,
    emaDecay: 0.9999,
    lossAverageDecay: 0.9,
    weightDecay: 0.004,
    logEvery: 10,
    checkpointEvery: 600,
    evalEvery: 0,
    device: "auto",
  });
  assert.match(runDir, /^runs\/reference-\d{8}-\d{6}$/);
  assert.equal(workers, Math.min(16, Math.max(1, navigator.hardwareConcurrency - 1)));
});

Deno.test("the other commands' defaults", () => {
  const { workers, ...evaluation } = parseEvalConfig([]);
  assert.ok(workers >= 1);
  assert.deepEqual(evaluation, {
    runDir: null,
    checkpoint: null,
    batchSize: 128,
    ema: true,
    dataDir: "data/cifar-10-batches-bin",
    json: false,
    device: "auto",
  });
  assert.deepEqual(parseDataConfig([]), {
    dataDir: "data/cifar-10-batches-bin",
    dataUrl: null,
    source: "auto",
  });
  assert.deepEqual(parseDoctorConfig([]), { json: false, device: "auto" });
  assert.deepEqual(parseBenchConfig([]), {
    only: null,
    batchSize: 128,
    json: false,
    device: "auto",
  });
});

Deno.test("values are read from --flag value, --flag=value, --flag and --no-flag", () => {
  const config = parseTrainConfig(
    ["--steps", "2000", "--learning-rate=5e-2", "--run-dir=a=b", "--device", "gpu", "--seed=+7"],
  );
  assert.equal(config.steps, 2000);
  assert.equal(config.learningRate, 0.05);
  assert.equal(config.runDir, "a=b");
  assert.equal(config.device, "gpu");
  assert.equal(config.seed, 7);
  assert.equal(parseEvalConfig(["--no-ema"]).ema, false);
  assert.equal(parseEvalConfig(["--ema"]).ema, true);
  assert.equal(parseEvalConfig(["--json"]).json, true);
});

Deno.test("the types of settings are exact", () => {
  type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
    : never;
  const checks: [
    Same<TrainConfig["steps"], number>,
    Same<TrainConfig["epochs"], number | null>,
    Same<TrainConfig["runDir"], string>,
    Same<TrainConfig["dataUrl"], string | null>,
    Same<TrainConfig["device"], "auto" | "gpu" | "software">,
    Same<EvalConfig["ema"], boolean>,
    Same<EvalConfig["runDir"], string | null>,
  ] = [true, true, true, true, true, true, true];
  assert.equal(checks.length, 7);
});

Deno.test("bad flags are errors that name the flag, the expected and the found", () => {
  const cases: [string, string, string][] = [
    [
      "train --batchsize 64",
      "unknown flag --batchsize for train",
      "did you mean --batch-size? see deno task train --help",
    ],
    ["train -x", "unknown flag -x for train", "see deno task train --help"],
    [
      "train --checkpoint a",
      "unknown flag --checkpoint for train",
      "did you mean --checkpoint-every? --checkpoint is a flag of eval; see deno task train --help",
    ],
    [
      "train --only matmul",
      "unknown flag --only for train",
      "--only is a flag of bench; see deno task train --help",
    ],
    [
      "train --no-seed",
      "unknown flag --no-seed for train",
      "did you mean --seed? see deno task train --help",
    ],
    [
      "eval --no-em",
      "unknown flag --no-em for eval",
      "did you mean --no-ema? see deno task eval --help",
    ],
    ["train --__proto__=1", "unknown flag --__proto__ for train", "see deno task train --help"],
    [
      "train --batch-size 0",
      '--batch-size must be an integer from 1 to 65536: found "0"',
      "for example --batch-size 128",
    ],
    [
      "train --batch-size 12.5",
      '--batch-size must be an integer from 1 to 65536: found "12.5"',
      "for example --batch-size 128",
    ],
    [
      "train --workers 17",
      '--workers must be an integer from 1 to 16: found "17"',
      `for example --workers ${parseTrainConfig([]).workers}`,
    ],
    [
      "train --learning-rate fast",
      '--learning-rate must be a number above 0: found "fast"',
      "for example --learning-rate 0.1",
    ],
    [
      "train --learning-rate 0",
      '--learning-rate must be a number above 0: found "0"',
      "for example --learning-rate 0.1",
    ],
    [
      "train --learning-rate -1",
      '--learning-rate must be a number above 0: found "-1"',
      "for example --learning-rate 0.1",
    ],
    [
      "train --learning-rate Infinity",
      '--learning-rate must be a number above 0: found "Infinity"',
      "for example --learning-rate 0.1",
    ],
    [
      "train --learning-rate 1e999",
      '--learning-rate must be a number above 0: found "1e999"',
      "for example --learning-rate 0.1",
    ],
    [
      "train --steps 0x10",
      '--steps must be an integer of at least 1: found "0x10"',
      "for example --steps 100000",
    ],
    [
      "train --ema-decay 1",
      '--ema-decay must be a number of at least 0 and below 1: found "1"',
      "for example --ema-decay 0.9999",
    ],
    [
      "train --decay-factor 2",
      '--decay-factor must be a number above 0 and at most 1: found "2"',
      "for example --decay-factor 0.1",
    ],
    [
      "train --seed 9007199254740992",
      '--seed must be an integer of at least 0: found "9007199254740992"',
      "for example --seed 0",
    ],
    [
      "train --steps",
      "--steps must be an integer of at least 1: found no value",
      "for example --steps 100000",
    ],
    [
      "train --steps --seed 1",
      "--steps must be an integer of at least 1: found no value",
      "for example --steps 100000",
    ],
    [
      "train --data-dir=",
      '--data-dir must be a folder (not empty): found ""',
      "for example --data-dir data/cifar-10-batches-bin",
    ],
    [
      "data --source offical",
      '--source must be one of auto, official, npm: found "offical"',
      "did you mean official?",
    ],
    ["eval --json=true", '--json takes no value: found "true"', "write --json alone"],
    [
      "train --seed 1 --seed=2",
      "--seed may be given only once: found 1 and 2",
      "keep one --seed",
    ],
    [
      "eval --ema --no-ema",
      "--ema may be given only once: found true and false",
      "keep one --ema",
    ],
    [
      "train --steps 1 --epochs 2",
      "--epochs and --steps exclude each other: found both",
      "keep either --epochs or --steps",
    ],
    [
      "train 2000",
      'unexpected argument "2000" for train: expected flags only',
      "see deno task train --help",
    ],
    [
      "train --seed 1 -- --steps",
      'unexpected argument "--steps" for train: expected flags only',
      "see deno task train --help",
    ],
    [
      "trian",
      'unknown command "trian": expected one of train, eval, data, doctor, bench',
      "did you mean train?",
    ],
    [
      "toString",
      'unknown command "toString": expected one of train, eval, data, doctor, bench',
      "see deno task <command> --help",
    ],
  ];
  for (const [line, message, hint] of cases) {
    assert.throws(() => parseCommandLine(line.split(" ")), (error) => {
      assert.ok(error instanceof ConfigError, `${line}: ${error}`);
      assert.deepEqual([line, error.message, error.hint], [line, message, hint]);
      assert.equal(error.exitCode, 2);
      return true;
    });
  }
});

Deno.test("a command line is a command with its settings, or a help text", () => {
  assert.deepEqual(parseCommandLine(["data", "--source", "npm"]), {
    command: "data",
    config: { dataDir: "data/cifar-10-batches-bin", dataUrl: null, source: "npm" },
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
  assert.ok(text.includes("(default runs/reference-YYYYMMDD-HHMMSS)"));
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

Deno.test("epochs count whole batches, rounded up", () => {
  assert.equal(totalSteps({ steps: 7, epochs: null, batchSize: 128 }, 50_000), 7);
  assert.equal(totalSteps({ steps: 7, epochs: 1, batchSize: 128 }, 50_000), 391);
  assert.equal(totalSteps({ steps: 7, epochs: 0.001, batchSize: 128 }, 50_000), 1);
});

Deno.test("a run folder is named by the local time of its start", () => {
  assert.equal(defaultRunDir(new Date(2015, 10, 4, 11, 5, 9)), "runs/reference-20151104-110509");
});
