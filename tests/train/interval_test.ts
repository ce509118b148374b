/** Numbers of steps and times: as they are written, and on the command line. */
import assert from "node:assert/strict";
import { parseTrainConfig, trainConfigFromJson } from "../../src/train/config.ts";
import { type Interval, parseInterval } from "../../src/train/interval.ts";

const GOOD: readonly [text: string, interval: Interval][] = [
  ["1", { steps: 1 }],
  ["500", { steps: 500 }],
  ["007", { steps: 7 }],
  ["9007199254740991", { steps: 9007199254740991 }],
  ["600s", { seconds: 600 }],
  ["10m", { seconds: 600 }],
  ["2h", { seconds: 7200 }],
  ["1.5h", { seconds: 5400 }],
  ["0.25s", { seconds: 0.25 }],
  ["0", {}],
  ["0s", {}],
  ["0.0m", {}],
  ["0h", {}],
];

const BAD = [
  ...["", " ", "s", "m", "-1", "-1s", "+5", "1.5", "9007199254740992", "1e3", "1e3s", "0x10"],
  ...["5 s", " 5", "5 ", "5\n", "5S", "5M", "5d", "5ms", "5min", "5sm", "1h30m", ".5s", "5.s"],
  ...["NaN", "Infinity", "Infinitys", "never", "1,5s", "1_000", "\u0665s"],
];

Deno.test("an interval is a number of steps or a time; nothing of it is never", () => {
  for (const [text, interval] of GOOD) assert.deepEqual(parseInterval(text), interval, text);
  // A step limit and a time limit together would leave open which counts.
  for (const [text, interval] of GOOD) {
    assert.ok(Object.keys(interval).length === (Number.parseFloat(text) === 0 ? 0 : 1), text);
  }
});

Deno.test("what is no interval is none", () => {
  for (const text of BAD) assert.equal(parseInterval(text), undefined, JSON.stringify(text));
});

Deno.test("on the command line and in a saved config every interval is taken as it is written", () => {
  for (const [text] of GOOD) {
    assert.equal(parseTrainConfig(["--checkpoint-every", text]).checkpointEvery, text);
    assert.equal(parseTrainConfig([`--checkpoint-every=${text}`]).checkpointEvery, text);
    assert.equal(trainConfigFromJson({ checkpointEvery: text }, "x").checkpointEvery, text);
  }
});

Deno.test("on the command line what is no interval is refused with the forms and an example", () => {
  const forms = "a number of steps (500) or a time (600s, 10m, 2h)";
  for (const text of BAD) {
    assert.throws(() => parseTrainConfig([`--checkpoint-every=${text}`]), {
      name: "ConfigError",
      message: `--checkpoint-every must be ${forms}: found ${JSON.stringify(text)}`,
      hint: "for example --checkpoint-every 600s",
      exitCode: 2,
    });
    assert.throws(() => trainConfigFromJson({ checkpointEvery: text }, "config.json"), {
      name: "ConfigError",
      message: `config.json: "checkpointEvery" must be ${forms}: found ${JSON.stringify(text)}`,
    });
  }
  assert.throws(() => parseTrainConfig(["--checkpoint-every"]), /found no value$/);
  // Seconds as a number, as kiln saved them once, are none.
  assert.throws(
    () => trainConfigFromJson({ checkpointEvery: 600 }, "config.json"),
    /"checkpointEvery" must be a number of steps .*: found 600$/,
  );
});
