/** What `--normalize` stands for. */
import assert from "node:assert/strict";
import { createAugmenter } from "../../src/data/augment/apply.ts";
import { channelStatistics } from "../../src/data/channel_statistics.ts";
import { meanImage } from "../../src/data/mean_image.ts";
import { parseTrainConfig } from "../../src/train/config.ts";
import { augmentOf, normalizationOf } from "../../src/train/run_data.ts";
import { parseSavedRun, savedRun } from "../../src/train/saved_run.ts";
import { CIFAR, rowOf } from "../data/augment/support.ts";
import { randomStore } from "../data/stores.ts";
import { tinyRun } from "./run_support.ts";

Deno.test("images are normalized by themselves, by the training set, or all alike", () => {
  const [one, other] = [randomStore(5, 1), randomStore(5, 2)];
  assert.deepEqual(normalizationOf({ normalize: "image" }, one), { kind: "image" });
  const channel = normalizationOf({ normalize: "channel" }, one);
  assert.deepEqual(channel, { kind: "channel", ...channelStatistics(one) });
  const pixel = normalizationOf({ normalize: "pixel" }, one);
  assert.deepEqual(pixel, { kind: "pixel", ...meanImage(one) });
  const [fixed, again] = [one, other].map((store) =>
    normalizationOf({ normalize: "fixed" }, store)
  );
  assert.deepEqual(fixed, again);
});

Deno.test("fixed is x / 128 - 1 of every value, and -1 of the padding", () => {
  const config = parseTrainConfig(["--normalize", "fixed", "--pad", "4"]);
  const normalization = normalizationOf(config, randomStore(5, 1));
  const spec = augmentOf(config, { crop: [40, 40], normalization }, CIFAR);
  const pixels = Uint8Array.from({ length: 3 * 32 * 32 }, (_, i) => i % 256);
  const out = new Float32Array(40 * 40 * 3);
  createAugmenter(spec, CIFAR)(pixels, rowOf({ top: -4, left: -4 }), out);
  out.forEach((value, i) => {
    const [y, x, c] = [Math.floor(i / 120) - 4, Math.floor(i % 120 / 3) - 4, i % 3];
    const isInside = y >= 0 && y < 32 && x >= 0 && x < 32;
    const byte = isInside ? pixels[c * 1024 + y * 32 + x] : 0;
    assert.ok(Math.abs(value - (byte / 128 - 1)) < 1e-6, `${value} of ${byte} at ${y}, ${x}`);
  });
});

Deno.test("a saved run has the scale by its numbers", () => {
  const { data, machine } = tinyRun();
  const config = parseTrainConfig(["--normalize", "fixed"]);
  const normalization = normalizationOf(config, randomStore(5, 1));
  const { json } = savedRun(config, { data: { ...data, normalization }, machine });
  const read = parseSavedRun(JSON.parse(JSON.stringify(json)), "config.json");
  assert.deepEqual(read.data.normalization, {
    kind: "channel",
    mean: [128, 128, 128],
    deviation: [128, 128, 128],
  });
  assert.equal(read.config.normalize, "fixed");
});
