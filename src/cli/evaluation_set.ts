import { createReporter } from "../data/acquire/progress.ts";
import type { Dataset } from "../data/datasets/dataset.ts";
import type { ImageStore } from "../data/image_store.ts";
import type { EvalConfig, TrainConfig } from "../train/config.ts";
import { withClasses } from "../data/class_subset.ts";
import { openSource, selectData } from "../train/run_data.ts";
import type { SavedRun } from "../train/saved_run.ts";
import { ConfigError } from "../util/errors.ts";

/** Which images a command asks for. */
export type SetChoice =
  & Pick<
    EvalConfig,
    "split" | "dataset" | "classes" | "dataDir" | "skipCorrupt" | "cacheDir" | "workers"
  >
  & Partial<Pick<TrainConfig, "limit">>;

/** The images that an evaluation was asked for. */
export interface ChosenSet {
  /** `test`, `validation` or `train`. */
  readonly name: string;
  readonly dataset: Dataset;
  readonly store: ImageStore;
  /** How many images the run trains on; undefined if the images are another data set's. */
  readonly trainingImages?: number;
}

/**
 * The images that are asked for: those of the run, split as it was, or another data set's.
 *
 * @throws {ConfigError} if there is no such part, or the classes differ from the run's
 */
export async function openEvaluationSet(config: SetChoice, run: SavedRun): Promise<ChosenSet> {
  return await openSet(config, run, (dataset) => checkClasses(dataset, run));
}

/**
 * The same, of any classes.
 *
 * @param check refuses a data set before its images are read
 * @throws {ConfigError} if there is no such part
 */
export async function openSet(
  config: SetChoice,
  run: SavedRun,
  check: (dataset: Dataset) => void = () => {},
): Promise<ChosenSet> {
  const { split, dataset: other, workers } = config;
  const source = {
    ...run.config,
    dataset: other ?? run.config.dataset,
    dataDir: config.dataDir ?? (other === null ? run.config.dataDir : null),
    skipCorrupt: config.skipCorrupt ?? run.config.skipCorrupt,
    cacheDir: config.cacheDir ?? run.config.cacheDir,
    workers,
  };
  const dataset = withClasses(
    await openSource({ ...source, dataUrl: null }, createReporter()),
    config.classes ?? (other === null ? run.config.classes : null),
  );
  check(dataset);
  const chosen = { ...run.config, classes: null, limit: config.limit ?? run.config.limit };
  const selection = other === null
    ? chosen
    : { ...chosen, limit: config.limit ?? null, validationFraction: 0 };
  const { train, evaluations } = await selectData(dataset, selection);
  const sets = [...evaluations, { name: "train", open: () => Promise.resolve(train) }];
  const wanted = split !== "auto"
    ? split
    : sets.find(({ name }) => name === "test")?.name ?? sets[0].name;
  const set = sets.find(({ name }) => name === wanted);
  if (set === undefined) {
    throw new ConfigError(
      `--split ${wanted} must be one of the parts of ${dataset.name}: found ${
        sets.map(({ name }) => name).join(", ")
      }`,
      { hint: `for example --split ${sets[0].name}` },
    );
  }
  const trainingImages = other === null ? train.count : undefined;
  return { name: set.name, dataset, store: await set.open(), trainingImages };
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
