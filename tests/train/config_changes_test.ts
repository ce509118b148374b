/** Which settings a resumed run may have otherwise, and what is said of the others. */
import assert from "node:assert/strict";
import { COMMANDS } from "../../src/train/commands.ts";
import { parseTrainConfig, type TrainConfig } from "../../src/train/config.ts";
import {
  checkAllowedNames,
  checkChanges,
  configChanges,
  configHash,
  surroundingsChanges,
} from "../../src/train/config_changes.ts";
import { camelCase, type Flag, isValid } from "../../src/train/flags.ts";
import { savedRun } from "../../src/train/saved_run.ts";
import { ConfigError } from "../../src/util/errors.ts";
import { tinyRun } from "./run_support.ts";

/** What may differ without a word: where files are, how fast it goes, what a full disk means. */
const FREE = new Set([
  ...["run-dir", "resume", "allow-change", "on-full", "workers", "threads"],
  ...["data-dir", "data-url", "cache-dir", "data-memory"],
]);
/** `auto` and what it chooses are the same: the device that was opened is compared. */
const DEVICE = "device";

const FLAGS: readonly [name: string, flag: Flag][] = Object.entries(COMMANDS.train.flags);
const CONFIG = parseTrainConfig(["--run-dir", "runs/a"]);
const RUN = tinyRun();

/** Another value of a setting, one that the flag may have. */
function other(flag: Flag, value: unknown): unknown {
  const candidates: unknown[] = flag.kind === "choice"
    ? flag.choices.filter((choice) => choice !== value)
    : flag.kind === "boolean"
    ? [!value]
    : flag.kind === "interval"
    ? ["7s"]
    : flag.kind === "string"
    ? ["other"]
    : [flag.min, flag.max, 0.5, 1, 2, 3].filter((candidate) => candidate !== value);
  return candidates.find((candidate) => isValid(flag, candidate)) ?? assert.fail("none");
}

function changed(name: string, flag: Flag): TrainConfig {
  const property = camelCase(name) as keyof TrainConfig;
  return { ...CONFIG, [property]: other(flag, CONFIG[property]) };
}

function hashOf(config: TrainConfig, changes: Partial<typeof RUN> = {}): string {
  const { data, machine } = { ...RUN, ...changes };
  return configHash(savedRun(config, { data, machine }));
}

Deno.test("every setting but the free ones is a change, and part of the hash", () => {
  const before = hashOf(CONFIG);
  assert.match(before, /^[0-9a-f]{64}$/);
  const hashes = new Set([before]);
  let free = 0;
  for (const [name, flag] of FLAGS) {
    const after = changed(name, flag);
    const changes = configChanges(CONFIG, after);
    if (FREE.has(name) || name === DEVICE) {
      free++;
      assert.deepEqual(changes, [], name);
      assert.equal(hashOf(after), before, name);
    } else {
      const property = camelCase(name) as keyof TrainConfig;
      assert.deepEqual(changes, [{ name, before: CONFIG[property], after: after[property] }]);
      hashes.add(hashOf(after));
    }
  }
  assert.equal(free, FREE.size + 1, "each of them is a flag");
  assert.equal(hashes.size, 1 + FLAGS.length - free, "each makes a hash of its own");
});

Deno.test("the hash does not depend on the order of the settings", () => {
  const reversed = Object.fromEntries(Object.entries(CONFIG).reverse()) as unknown as TrainConfig;
  assert.notDeepEqual(Object.keys(reversed), Object.keys(CONFIG));
  assert.equal(hashOf(reversed), hashOf(CONFIG));
});

Deno.test("the hash knows the classes, the normalization, the images and the device; not the versions", () => {
  const { data, machine } = RUN;
  const hashes = [
    hashOf(CONFIG),
    hashOf(CONFIG, { data: { ...data, classes: data.classes.toReversed() } }),
    hashOf(CONFIG, { data: { ...data, fingerprint: "1" } }),
    hashOf(CONFIG, {
      data: {
        ...data,
        normalization: { kind: "channel", mean: [1, 2, 3], deviation: [1, 1, 1] },
      },
    }),
    hashOf(CONFIG, { machine: { ...machine, device: "another" } }),
  ];
  assert.equal(new Set(hashes).size, hashes.length);
  assert.equal(hashOf(CONFIG, { machine: { ...machine, kiln: "9", deno: "9" } }), hashes[0]);
});

Deno.test("changes that are not allowed are refused as before and after, with the way to allow them", () => {
  const after = { ...CONFIG, steps: 200_000, milestones: "5,9", epochs: 2, workers: 3 };
  const changes = configChanges(CONFIG, after);
  assert.deepEqual(changes.map(({ name }) => name).sort(), ["epochs", "milestones", "steps"]);
  const texts = (allowed: string | null) => {
    try {
      checkChanges("runs/a", changes, allowed);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.exitCode, 2);
      return [error.message, error.hint];
    }
    return undefined;
  };
  const start = "Cannot resume runs/a with another config: ";
  const fix = "leave these flags out, or allow it: --allow-change ";
  assert.deepEqual(texts(null), [
    `${start}steps 100000 became 200000; epochs null became 2; milestones null became "5,9"`,
    `${fix}steps,epochs,milestones`,
  ]);
  // What is allowed already stays in the line to copy.
  assert.deepEqual(texts("epochs,seed"), [
    `${start}steps 100000 became 200000; milestones null became "5,9"`,
    `${fix}epochs,seed,steps,milestones`,
  ]);
  assert.deepEqual(texts("epoch,step,milestone")?.[0].split(";").length, 3, "whole names only");
  assert.equal(texts("milestones, steps , epochs"), undefined);
  checkChanges("runs/a", [], null);
});

Deno.test("a name that is no setting cannot be allowed", () => {
  const known = FLAGS.map(([name]) => name);
  checkAllowedNames(null, known);
  checkAllowedNames(known.join(","), known);
  checkAllowedNames(" steps , seed", known);
  const cases: [string, string, string][] = [
    ["step", '"step"', "did you mean steps?"],
    ["seed,batchSize", '"batchSize"', "did you mean batch-size?"],
    ["learning-rat", '"learning-rat"', "did you mean learning-rate?"],
    ["steps,", '""', "see deno task train --help"],
    ["everything", '"everything"', "see deno task train --help"],
    ["--steps", '"--steps"', "did you mean steps?"],
    ["steps seed", '"steps seed"', "see deno task train --help"],
  ];
  for (const [allowed, name, hint] of cases) {
    assert.throws(() => checkAllowedNames(allowed, known), {
      name: "ConfigError",
      message: `--allow-change names the unknown setting ${name}`,
      hint,
    });
  }
});

Deno.test("another device and other data are told by names that can be allowed", () => {
  const { data, machine } = RUN;
  const before = { data: { ...data, fingerprint: "0123456789abcdef" }, machine };
  assert.deepEqual(surroundingsChanges(before, before), []);
  const later = { ...before, machine: { ...machine, kiln: "9", deno: "9" } };
  assert.deepEqual(surroundingsChanges(before, later), [], "versions are no matter of allowing");
  const device = { ...machine, device: "cpu" };
  const images = { ...data, fingerprint: "fedcba9876543210", classes: ["a", "b"] };
  const changes = surroundingsChanges(before, { data: images, machine: device });
  assert.deepEqual(changes, [
    { name: "device", before: "test", after: "cpu" },
    {
      name: "dataset",
      before: "10 classes, training images 0123456789ab",
      after: "2 classes, training images fedcba987654",
    },
  ]);
  for (const { name } of changes) assert.ok(FLAGS.some(([flag]) => flag === name), name);
  checkChanges("runs/a", changes, "dataset,device");
  assert.throws(() => checkChanges("runs/a", changes, "dataset"), /: device "test" became "cpu"$/);
  const otherClasses: readonly (readonly string[])[] = [
    ["b", "a"],
    ["a"],
    ["a", "b", "c"],
    ["a,b"],
  ];
  for (const classes of otherClasses) {
    const [one, two] = [["a", "b"], classes].map((classes) => ({
      data: { ...before.data, classes },
      machine,
    }));
    const found = surroundingsChanges(one, two).map(({ name }) => name);
    assert.deepEqual(found, ["dataset"], String(classes));
  }
});
