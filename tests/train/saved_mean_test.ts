/** The mean image of `--normalize pixel` in a saved run. */
import assert from "node:assert/strict";
import type { Normalization } from "../../src/data/augment/spec.ts";
import { meanImage } from "../../src/data/mean_image.ts";
import { configHash } from "../../src/train/config_changes.ts";
import { normalizationOf } from "../../src/train/run_data.ts";
import { parseSavedRun, savedRun } from "../../src/train/saved_run.ts";
import { randomStore } from "../data/stores.ts";
import { tinyRun } from "./run_support.ts";

function runWith(normalization: Normalization) {
  const { config, data, machine } = tinyRun();
  return savedRun(config, { data: { ...data, normalization }, machine });
}

function written(normalization: unknown): unknown {
  return JSON.parse(JSON.stringify(runWith(normalization as Normalization).json));
}

Deno.test("a mean image comes back out of a saved run as it was, and is part of its identity", () => {
  const mean = normalizationOf({ normalize: "pixel" }, randomStore(5, 1));
  assert.deepEqual(mean, { kind: "pixel", ...meanImage(randomStore(5, 1)) });
  const run = parseSavedRun(written(mean), "config.json");
  assert.deepEqual(run.data.normalization, mean);
  assert.equal(configHash(run), configHash(runWith(mean)));
  const other = normalizationOf({ normalize: "pixel" }, randomStore(5, 2));
  assert.notEqual(configHash(run), configHash(runWith(other)));
});

Deno.test("a mean image that is damaged, or of another size than it says, is refused", () => {
  const mean = { kind: "pixel", ...meanImage(randomStore(5, 1)) };
  const notFinite = new Float32Array(mean.height * mean.width * 3).fill(NaN);
  const damaged = [
    { ...mean, height: mean.height - 1 },
    { ...mean, width: 0 },
    { ...mean, mean: mean.mean.slice(4) },
    { ...mean, mean: "no base64!" },
    { ...mean, mean: 7 },
    { ...mean, mean: new Uint8Array(notFinite.buffer).toBase64() },
  ];
  for (const normalization of damaged) {
    assert.throws(() => parseSavedRun(written(normalization), "config.json"), /Cannot use config/);
  }
});
