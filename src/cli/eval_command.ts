import { createReporter } from "../data/acquire/progress.ts";
import type { Dataset } from "../data/datasets/dataset.ts";
import { dirname, resolve } from "node:path";
import { referenceModel } from "../nn/models/reference.ts";
import { createConsole } from "../report/console.ts";
import { precisionLine, wallClock } from "../report/log_line.ts";
import { newestCheckpoint, readCheckpoint } from "../train/checkpoint.ts";
import type { EvalConfig } from "../train/config.ts";
import { Evaluator } from "../train/evaluate.ts";
import { openDevice } from "../train/open_device.ts";
import { augmentOf, openSource, selectData } from "../train/run_data.ts";
import { newestRun } from "../train/run_folder.ts";
import { readSavedRun, type SavedRun } from "../train/saved_run.ts";
import type { EvaluationSet } from "../train/train.ts";
import { ConfigError } from "../util/errors.ts";
import { formatCount } from "../util/units.ts";

/** Measures a checkpoint on images of its run's data set or of another: `deno task eval`. */
export async function evalCommand(config: EvalConfig): Promise<void> {
  const { workers, json } = config;
  const path = config.checkpoint ??
    await newestCheckpoint(config.runDir ?? await newestRun("runs"));
  const run = await readSavedRun(config.runDir ?? dirname(dirname(resolve(path))));
  const set = await evaluationSet(config, run);
  using store = await set.open();
  const model = referenceModel(run.data.classes.length);
  const [height, width] = model.image;
  const { normalization } = run.data;
  const augment = augmentOf(run.config, { crop: [height, width], normalization }, store.format);
  const { device } = await openDevice(config.device, config.threads);
  using _device = { [Symbol.dispose]: () => device.destroy() };
  using evaluator = await Evaluator.create(device, model, config.batchSize);
  const { step, parameters, averages } = await readCheckpoint(path, model, evaluator.layout);
  using terminal = createConsole();
  const { precision, correct, images } = await evaluator.run(config.ema ? averages : parameters, {
    store,
    augment,
    workers,
    onBatch: (done) =>
      terminal.status(`evaluating ${formatCount(done)}/${formatCount(store.count)} images`),
  });
  terminal.clear();
  if (json) {
    const { ema } = config;
    const split = set.name;
    console.log(JSON.stringify({ checkpoint: path, step, ema, split, precision, correct, images }));
    return;
  }
  console.log(
    `${path}, step ${step}, ${config.ema ? "moving averages (EMA)" : "weights as trained"}`,
  );
  console.log(precisionLine(wallClock(), precision));
  console.log(`${formatCount(correct)} of ${formatCount(images)} ${set.name} images`);
}

/** The images that are asked for: those of the run, split as it was, or another data set's. */
async function evaluationSet(config: EvalConfig, run: SavedRun): Promise<EvaluationSet> {
  const { split, dataset: other, workers } = config;
  const source = {
    ...run.config,
    dataset: other ?? run.config.dataset,
    dataDir: config.dataDir ?? (other === null ? run.config.dataDir : null),
    skipCorrupt: config.skipCorrupt ?? run.config.skipCorrupt,
    cacheDir: config.cacheDir ?? run.config.cacheDir,
    workers,
  };
  const dataset = await openSource({ ...source, dataUrl: null }, createReporter());
  checkClasses(dataset, run);
  const selection = other === null
    ? run.config
    : { ...run.config, limit: null, validationFraction: 0 };
  const { train, evaluations } = await selectData(dataset, selection);
  const sets = [...evaluations, { name: "train", open: () => Promise.resolve(train) }];
  const wanted = split !== "auto"
    ? split
    : sets.find(({ name }) => name === "test")?.name ?? sets[0].name;
  const set = sets.find(({ name }) => name === wanted);
  if (set !== undefined) return set;
  throw new ConfigError(
    `--split ${wanted} must be one of the parts of ${dataset.name}: found ${
      sets.map(({ name }) => name).join(", ")
    }`,
    { hint: `for example --split ${sets[0].name}` },
  );
}

function checkClasses(dataset: Dataset, { data: { classes } }: SavedRun): void {
  const fault = classes.findIndex((name, label) => dataset.classes[label] !== name);
  const missing = dataset.classes.length > classes.length ? classes.length : fault;
  if (missing === -1) return;
  throw new ConfigError(
    `Cannot measure on ${dataset.name} as its classes are not those of the run: class ${missing} is ${
      JSON.stringify(dataset.classes[missing] ?? "missing")
    }, expected ${JSON.stringify(classes[missing] ?? "none")}`,
    { hint: "name a data set with the same classes in the same order, or another run" },
  );
}
