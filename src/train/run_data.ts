import { checkAugment } from "../data/augment/check.ts";
import type { AugmentSpec, Normalization } from "../data/augment/spec.ts";
import type { AcquireReporter } from "../data/acquire/progress.ts";
import { channelStatistics } from "../data/channel_statistics.ts";
import { withClasses } from "../data/class_subset.ts";
import { CorruptBudget } from "../data/corrupt_budget.ts";
import type { Dataset, Split } from "../data/datasets/dataset.ts";
import {
  type DatasetName,
  defaultDataDir,
  parseDatasetName,
} from "../data/datasets/dataset_name.ts";
import { openDataset } from "../data/datasets/open_dataset.ts";
import type { ImageFormat, ImageStore } from "../data/image_store.ts";
import { meanImage } from "../data/mean_image.ts";
import { stratifiedSplit, stratifiedSubset } from "../data/split.ts";
import { ConfigError } from "../util/errors.ts";
import type { TrainConfig } from "./config.ts";
import type { EvaluationSet } from "./train.ts";

/** Where images are, as the commands' flags say. */
export type SourceConfig = Pick<
  TrainConfig,
  | "dataset"
  | "dataDir"
  | "dataUrl"
  | "skipCorrupt"
  | "imageSize"
  | "cacheDir"
  | "dataMemory"
  | "workers"
>;

/** Which of them are taken, and how they are split. */
export type SelectionConfig = Pick<
  TrainConfig,
  "limit" | "validationFraction" | "seed" | "classes"
>;

/** What is done to them. */
export type AugmentConfig = Pick<
  TrainConfig,
  | "pad"
  | "padMode"
  | "flip"
  | "flipMode"
  | "saturation"
  | "hue"
  | "brightness"
  | "contrast"
  | "normalize"
  | "cutout"
  | "mixup"
  | "cutmix"
>;

/** The share of training images set aside where there are no test images and nobody said otherwise. */
const DEFAULT_VALIDATION = 0.1;
const BYTES_PER_MIB = 2 ** 20;

/** Opens the data set that a command names. */
export function openSource(config: SourceConfig, reporter: AcquireReporter): Promise<Dataset> {
  const name = parseDatasetName(config.dataset);
  return openDataset(name, {
    dataDir: dataDirOf(config, name),
    dataUrl: config.dataUrl ?? undefined,
    budget: new CorruptBudget(config.skipCorrupt, (line) => reporter.message(`data: ${line}`)),
    imageSize: [config.imageSize, config.imageSize],
    cacheDir: config.cacheDir,
    memoryLimit: config.dataMemory * BYTES_PER_MIB,
    workers: config.workers,
    reporter,
  });
}

/** The folder of the data set's files. */
export function dataDirOf(
  { dataset, dataDir }: Pick<SourceConfig, "dataset" | "dataDir">,
  name: DatasetName = parseDatasetName(dataset),
): string {
  return dataDir ?? defaultDataDir(name);
}

/** The images of a run, chosen and split. */
export interface RunData {
  readonly dataset: Dataset;
  readonly train: ImageStore;
  /** Validation images, if any were set aside, then test images, if there are any. */
  readonly evaluations: readonly EvaluationSet[];
  /** Images of each set, by its name. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * Chooses and splits the images of a data set. A pure function of the data set and the settings: an
 * evaluation sees the same validation images as the run.
 *
 * @throws {ConfigError} if nothing is left to train on, or a class is not there
 */
export async function selectData(all: Dataset, config: SelectionConfig): Promise<RunData> {
  return await splitData(withClasses(all, config.classes), config);
}

async function splitData(dataset: Dataset, config: SelectionConfig): Promise<RunData> {
  const hasTest = dataset.splits.includes("test");
  const fraction = config.validationFraction ?? (hasTest ? 0 : DEFAULT_VALIDATION);
  const all = await openLimited(dataset, "train", config);
  const { train, validation } = stratifiedSplit(all.labels, fraction, config.seed);
  if (train.length === 0) {
    throw new ConfigError(
      `Cannot train on ${dataset.name} as no image is left: ${all.count} images, of which ${fraction} are set aside for validation`,
      { hint: "use a larger --limit or a smaller --validation-fraction" },
    );
  }
  const evaluations: EvaluationSet[] = [];
  const counts: Record<string, number> = { train: train.length };
  if (validation.length > 0) {
    counts.validation = validation.length;
    evaluations.push({ name: "validation", open: () => Promise.resolve(all.subset(validation)) });
  }
  if (hasTest) {
    const open = () => openLimited(dataset, "test", config);
    // Read once before anything else: a damaged file is found now, not after hours of training.
    using test = await open();
    counts.test = test.count;
    evaluations.push({ name: "test", open });
  }
  return {
    dataset,
    train: validation.length === 0 ? all : all.subset(train),
    evaluations,
    counts,
  };
}

async function openLimited(
  dataset: Dataset,
  split: Split,
  { limit, seed }: SelectionConfig,
): Promise<ImageStore> {
  const store = await dataset.open(split);
  if (limit === null || limit >= store.count) return store;
  return store.subset(stratifiedSubset(store.labels, limit, seed));
}

/** x / 128 - 1, whatever the images are: as TensorFlow's cifar10_estimator scales them. */
const FIXED_SCALE: Normalization = {
  kind: "channel",
  mean: [128, 128, 128],
  deviation: [128, 128, 128],
};

/**
 * How values become the model's input: by each image, by the training images' channels or mean, or all
 * alike.
 */
export function normalizationOf(
  { normalize }: Pick<AugmentConfig, "normalize">,
  train: ImageStore,
): Normalization {
  switch (normalize) {
    case "image":
      return { kind: "image" };
    case "channel":
      return { kind: "channel", ...channelStatistics(train) };
    case "pixel":
      return { kind: "pixel", ...meanImage(train) };
    case "fixed":
      return FIXED_SCALE;
  }
}

/**
 * What is done to images of a format.
 *
 * @param crop height and width of the model's input
 * @throws {ConfigError} if the images are too small for the crop, or a setting does not suit them
 */
export function augmentOf(
  config: AugmentConfig,
  { crop, normalization }: Pick<AugmentSpec, "crop" | "normalization">,
  format: ImageFormat,
): AugmentSpec {
  const { pad, padMode, flip, flipMode, saturation, hue, brightness, contrast } = config;
  const { cutout, mixup, cutmix } = config;
  const color = { saturation, hue, brightness, contrast };
  const mixed = { cutout, mixup, cutmix };
  const spec = { crop, pad, padMode, flip, flipMode, ...color, normalization, ...mixed };
  checkAugment(spec, format);
  return spec;
}
