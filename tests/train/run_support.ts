/** Whole runs of a tiny model in this process. */
import { join } from "node:path";
import { REFERENCE_AUGMENT } from "../../src/data/augment/spec.ts";
import type { Device } from "../../src/engine/device.ts";
import { parameterLayout } from "../../src/nn/parameters.ts";
import { type MetricsWriter, openMetrics } from "../../src/report/metrics.ts";
import {
  loadCheckpoint,
  type LoadedCheckpoint,
} from "../../src/train/checkpoints/load_checkpoint.ts";
import { listCheckpoints } from "../../src/train/checkpoints/list_checkpoints.ts";
import { parseTrainConfig } from "../../src/train/config.ts";
import { type Recipe, REFERENCE_RECIPE } from "../../src/train/recipe.ts";
import { type SavedRun, savedRun } from "../../src/train/saved_run.ts";
import {
  train,
  type TrainEvents,
  type TrainOptions,
  type TrainResult,
} from "../../src/train/train.ts";
import { tinyModel, waveImages } from "./support.ts";

/** The model of the runs, for 24x24 crops. */
export const TINY = tinyModel(24);
export const TINY_LAYOUT = parameterLayout(TINY.parameters);

const IMAGES = waveImages(64, 1);
const TEST_IMAGES = waveImages(40, 2);

/** What a checkpoint of the runs says of its run. */
export function tinyRun(): SavedRun {
  return savedRun(parseTrainConfig(["--run-dir", "runs/tiny"]), {
    data: {
      classes: Array.from({ length: 10 }, (_, i) => `wave ${i}`),
      normalization: { kind: "image" },
      format: IMAGES.format,
      fingerprint: "0",
    },
    machine: { kiln: "0", deno: "0", device: "test" },
  });
}

/** A recipe of few steps. */
export function tinyRecipe(changes: Partial<Recipe>): Recipe {
  const recipe = { ...REFERENCE_RECIPE, batchSize: 8, totalSteps: 12, learningRate: 0.02, seed: 5 };
  return { ...recipe, ...changes };
}

/** What a run has otherwise than the tiny one. */
export type TinyOptions = Partial<Omit<TrainOptions, "recipe">> & {
  readonly recipe?: Partial<Recipe>;
  readonly events?: TrainEvents;
};

/** Runs in a folder; the metrics go to its metrics.jsonl, as those of the command line. */
export async function runTiny(
  device: Device,
  runDir: string,
  { recipe = {}, events = {}, ...changes }: TinyOptions = {},
): Promise<TrainResult> {
  await Deno.mkdir(runDir, { recursive: true });
  using metrics = openMetrics(join(runDir, "metrics.jsonl"));
  metrics.rewind(changes.resume?.manifest.loop.metricsBytes ?? 0);
  return await train({
    device,
    model: TINY,
    recipe: tinyRecipe(recipe),
    train: IMAGES,
    augment: REFERENCE_AUGMENT,
    shuffle: "epoch",
    input: "host",
    evaluations: [{ name: "test", open: () => Promise.resolve(TEST_IMAGES) }],
    runDir,
    run: { json: tinyRun().json, configHash: "0" },
    journal: metrics,
    workers: 1,
    logEvery: 5,
    checkpointEvery: { steps: 3 },
    keep: 100,
    keepEvery: 0,
    onFull: "continue",
    evalEvery: 4,
    patience: 0,
    ...changes,
  }, { ...writing(metrics), ...events });
}

/** Rows of what is the same in every run of the same settings. */
function writing(metrics: MetricsWriter): TrainEvents {
  return {
    onLog({ step, losses, meanLoss, learningRate }) {
      const { total, average, gradientNorm } = losses[losses.length - 1];
      metrics.write({ kind: "train", step, total, average, gradientNorm, meanLoss, learningRate });
    },
    onEvaluation({ step, set, weights, averages }) {
      const [precision, precisionEma] = [weights.precision, averages.precision];
      metrics.write({ kind: "eval", step, set, precision, precisionEma });
    },
  };
}

/** The checkpoint of a run after so many steps; by default the last. */
export async function checkpointOf(runDir: string, step?: number): Promise<LoadedCheckpoint> {
  const all = await listCheckpoints(runDir);
  const found = step === undefined ? all.at(-1) : all.find((folder) => folder.step === step);
  if (found === undefined) throw new RangeError(`no checkpoint of step ${step} in ${runDir}`);
  return await loadCheckpoint(found.path, TINY, TINY_LAYOUT);
}
