/** Where a run finds its user's model: in any working folder, and after a move. */
import assert from "node:assert/strict";
import { dirname, join, resolve } from "node:path";
import { parseTrainConfig, type TrainConfig } from "../../src/train/config.ts";
import { configChanges, configHash } from "../../src/train/config_changes.ts";
import { parseSavedRun, savedRun } from "../../src/train/saved_run.ts";
import { temporaryFolder } from "../data/helpers.ts";
import { tinyRun } from "./run_support.ts";

const { data, machine } = tinyRun();

function runOf(model: string, runDir: string) {
  return savedRun(parseTrainConfig(["--model", model, "--run-dir", runDir]), { data, machine });
}

/** The model that a saved run is taken to be of, from its file or from a checkpoint. */
function modelOf(json: unknown, runDir: string, source = "config.json"): string {
  return parseSavedRun(JSON.parse(JSON.stringify(json)), join(runDir, source)).config.model;
}

async function write(path: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, "");
}

Deno.test("a file is saved by its whole path, a name as it is", () => {
  for (
    const [model, expected] of [
      ["./mine.ts", resolve("mine.ts")],
      ["models/mine.mjs", resolve("models/mine.mjs")],
      ["mine.ts", resolve("mine.ts")],
      ["/models/mine.ts", "/models/mine.ts"],
      ["resnet-20", "resnet-20"],
      ["cuda-convnet-local-11pct", "cuda-convnet-local-11pct"],
    ]
  ) {
    const { config, json } = runOf(model, "runs/a");
    assert.deepEqual([config.model, json.model], [expected, expected]);
    assert.equal(json.runDir, resolve("runs/a"));
    assert.equal(modelOf(json, resolve("runs/a")), expected);
  }
});

Deno.test("a run takes the file that lies as it lay when it was started, else the one from then", async () => {
  await using folder = await temporaryFolder();
  const at = (path: string) => join(folder.path, path);
  const { json } = runOf(at("a/mine.ts"), at("a/runs/x"));
  const checkpoint = "checkpoints/step-00000003";
  for (const source of ["config.json", checkpoint]) {
    assert.equal(modelOf(json, at("a/runs/x"), source), at("a/mine.ts"), "though it is gone");
  }
  await write(at("a/mine.ts"));
  await write(at("b/mine.ts"));
  for (const source of ["config.json", checkpoint]) {
    assert.equal(modelOf(json, at("a/runs/x"), source), at("a/mine.ts"));
    assert.equal(modelOf(json, at("a/runs/y"), source), at("a/mine.ts"), "renamed");
    assert.equal(modelOf(json, at("b/runs/x"), source), at("b/mine.ts"), "both copied");
    assert.equal(modelOf(json, at("c/runs/x"), source), at("a/mine.ts"), "the run copied alone");
    assert.equal(modelOf(json, at("x"), source), at("a/mine.ts"), "somewhere else");
  }
});

Deno.test("a run that was saved with a relative path is that of the working folder, as it was", async () => {
  await using folder = await temporaryFolder();
  const { json } = runOf("reference", "runs/a");
  const before = { ...json, model: "./mine.ts", runDir: "runs/a" };
  await write(join(folder.path, "mine.ts"));
  assert.equal(modelOf(before, join(folder.path, "runs/a")), "./mine.ts");
});

Deno.test("one file named from two folders is no change, another file is", () => {
  const config = parseTrainConfig([]);
  const changes = (before: string, after: string) => {
    const [was, is]: TrainConfig[] = [before, after].map((model) => ({ ...config, model }));
    return configChanges(was, is);
  };
  const whole = resolve("mine.ts");
  for (
    const [before, after] of [[whole, "./mine.ts"], ["./mine.ts", whole], ["mine.ts", "./mine.ts"]]
  ) {
    assert.deepEqual(changes(before, after), []);
  }
  const other = { name: "model", before: whole, after: resolve("sub/mine.ts") };
  assert.deepEqual(changes("./mine.ts", "sub/mine.ts"), [other]);
  assert.deepEqual(changes("reference", "resnet-20"), [
    { name: "model", before: "reference", after: "resnet-20" },
  ]);
  assert.equal(configHash(runOf("./mine.ts", "a")), configHash(runOf(whole, "b")));
});
