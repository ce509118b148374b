/** The flags of checkpoints, of going on, and of where weights come from. */
import assert from "node:assert/strict";
import { defaultRunDir } from "../../src/train/commands.ts";
import {
  helpText,
  parseCommandLine,
  parseTrainConfig,
  totalSteps,
} from "../../src/train/config.ts";

Deno.test("each flag of checkpoints and of going on is read", () => {
  const line =
    "--checkpoint-every 500 --keep 2 --keep-every 10 --on-full stop --patience 3 --eval-every 9";
  const { checkpointEvery, keep, keepEvery, onFull, patience } = parseTrainConfig(line.split(" "));
  assert.deepEqual(
    { checkpointEvery, keep, keepEvery, onFull, patience },
    { checkpointEvery: "500", keep: 2, keepEvery: 10, onFull: "stop", patience: 3 },
  );
  const fresh = parseTrainConfig(["--init-from", "a.safetensors", "--init-partial"]);
  assert.deepEqual([fresh.initFrom, fresh.initPartial], ["a.safetensors", true]);
  assert.equal(parseTrainConfig(["--no-init-partial"]).initPartial, false);
  const resumed = parseTrainConfig(["--resume", "--allow-change=steps,seed"]);
  assert.deepEqual([resumed.resume, resumed.allowChange], [true, "steps,seed"]);
  assert.equal(parseTrainConfig(["--no-resume"]).resume, false);
});

Deno.test("what was given is told apart from defaults, and from what was given as the default", () => {
  const line = ["train", "--resume", "--steps", "100000", "--no-flip", "--checkpoint-every", "5m"];
  const invocation = parseCommandLine(line);
  assert.ok(invocation.command === "train");
  const given = { resume: true, steps: 100_000, flip: false, checkpointEvery: "5m" };
  assert.deepEqual(invocation.given, given);
  const { config } = invocation;
  assert.deepEqual({ ...config, ...given }, config, "they are part of the whole");
  const nothing = parseCommandLine(["train"]);
  assert.ok(nothing.command === "train");
  assert.deepEqual(nothing.given, {});
});

Deno.test("settings are checked together where a run starts; where it goes on, only with its own", () => {
  // Its own --optimizer momentum is not on the line.
  const line = ["--resume", "--momentum", "0.5"];
  assert.equal(parseTrainConfig(line).momentum, 0.5);
  assert.throws(() => parseTrainConfig(line.slice(1)), /^ConfigError: --momentum is read by/);
  const useless: [string, string, RegExp][] = [
    [
      "--patience 3",
      "--patience counts measurements during training: found --eval-every 0",
      /--eval-/,
    ],
    ["--init-partial", "--init-partial is read by --init-from only: found none", /--init-from$/],
  ];
  for (const [flags, message, hint] of useless) {
    const expected = { name: "ConfigError", message, hint };
    assert.throws(() => parseTrainConfig(flags.split(" ")), expected);
  }
});

Deno.test("the help says how intervals are written, and what excludes what", () => {
  const text = helpText("train").replace(/\s+/g, " ");
  assert.ok(
    text.includes("--checkpoint-every <steps or time> steps (500) or time (600s, 10m, 2h)"),
  );
  assert.ok(text.includes("default 600s)"));
  assert.ok(text.includes("--on-full continue|stop"));
  assert.match(text, /--init-from <file> [^)]*\(not with --resume; default random weights\)/);
  assert.match(text, /--resume go on with the run in --run-dir/);
});

Deno.test("epochs count whole batches, rounded up", () => {
  assert.equal(totalSteps({ steps: 7, epochs: null, batchSize: 128, accumulate: 1 }, 50_000), 7);
  assert.equal(totalSteps({ steps: 7, epochs: 1, batchSize: 128, accumulate: 1 }, 50_000), 391);
  assert.equal(totalSteps({ steps: 7, epochs: 0.001, batchSize: 128, accumulate: 1 }, 50_000), 1);
});

Deno.test("a run folder is named by the local time of its start", () => {
  assert.equal(defaultRunDir(new Date(2015, 10, 4, 11, 5, 9)), "runs/reference-20151104-110509");
});
