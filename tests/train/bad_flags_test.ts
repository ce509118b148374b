/** Each mistake on the command line is one line with its fix. */
import assert from "node:assert/strict";
import { parseCommandLine, parseTrainConfig } from "../../src/train/config.ts";
import { ConfigError } from "../../src/util/errors.ts";

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
      "did you mean --checkpoint-every? --checkpoint is a flag of eval and predict and features; see deno task train --help",
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
      "write --data-dir followed by a folder (not empty)",
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
      "train --resume --init-from a",
      "--init-from and --resume exclude each other: found both",
      "keep either --init-from or --resume",
    ],
    ["train --resume=yes", '--resume takes no value: found "yes"', "write --resume alone"],
    [
      "train --resume runs/first",
      'unexpected argument "runs/first" for train: expected flags only',
      "see deno task train --help",
    ],
    [
      "train --allow-change=",
      '--allow-change must be a name,name,... (not empty): found ""',
      "write --allow-change followed by a name,name,... (not empty)",
    ],
    [
      "train --allow-change --resume",
      "--allow-change must be a name,name,... (not empty): found no value",
      "write --allow-change followed by a name,name,... (not empty)",
    ],
    [
      "train --init-from=",
      '--init-from must be a file (not empty): found ""',
      "write --init-from followed by a file (not empty)",
    ],
    [
      "train --init-partial=1",
      '--init-partial takes no value: found "1"',
      "write --init-partial alone",
    ],
    [
      "train --keep 0",
      '--keep must be an integer of at least 1: found "0"',
      "for example --keep 5",
    ],
    [
      "train --keep-every -1",
      '--keep-every must be an integer of at least 0: found "-1"',
      "for example --keep-every 0",
    ],
    [
      "train --on-full abort",
      '--on-full must be one of continue, stop: found "abort"',
      "for example --on-full continue",
    ],
    [
      "train --on-full stpo",
      '--on-full must be one of continue, stop: found "stpo"',
      "did you mean stop?",
    ],
    [
      "train --patience 1.5",
      '--patience must be an integer of at least 0: found "1.5"',
      "for example --patience 0",
    ],
    [
      "train --checkpoint-every 10min",
      "--checkpoint-every must be a number of steps (500) or a time (600s, 10m, 2h): " +
      'found "10min"',
      "for example --checkpoint-every 600s",
    ],
    [
      "train --patience 3 --patience 4",
      "--patience may be given only once: found 3 and 4",
      "keep one --patience",
    ],
    [
      "eval --resume",
      "unknown flag --resume for eval",
      "--resume is a flag of train; see deno task eval --help",
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
      "predict --top-k 3",
      "Cannot predict without images: expected at least one, found none",
      "for example deno task predict --run runs/first cat.png pictures/",
    ],
    [
      "eval --run a --run-dir b",
      '--run-dir may be given only once: found "a" and "b"',
      "keep one --run-dir",
    ],
    [
      "eval --checkpoint a --run b",
      "--checkpoint and --run-dir exclude each other: found both",
      "keep either --checkpoint or --run-dir",
    ],
    [
      "eval --both --no-ema",
      "--both and --ema exclude each other: found both",
      "keep either --both or --ema",
    ],
    [
      "eval --watch 5 --checkpoint a",
      "--watch and --checkpoint exclude each other: found both",
      "keep either --watch or --checkpoint",
    ],
    ["eval --views 5", '--views must be one of 1, 6, 10: found "5"', "did you mean 1?"],
    [
      "train --run a",
      "unknown flag --run for train",
      "did you mean --run-dir? --run is a flag of eval and predict and features; see deno task train --help",
    ],
    [
      "trian",
      'unknown command "trian": expected one of train, eval, predict, features, finetune, describe, data, data inspect, doctor, bench',
      "did you mean train?",
    ],
    [
      "toString",
      'unknown command "toString": expected one of train, eval, predict, features, finetune, describe, data, data inspect, doctor, bench',
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
