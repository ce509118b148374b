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
      'unknown command "trian": expected one of train, eval, data, data inspect, doctor, bench',
      "did you mean train?",
    ],
    [
      "toString",
      'unknown command "toString": expected one of train, eval, data, data inspect, doctor, bench',
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
