import type { Views } from "../data/augment/views.ts";
import type { ImageStore } from "../data/image_store.ts";
import { openModel } from "../train/models.ts";
import type { Measured, Weights } from "../report/evaluation_report.ts";
import { unpackCheckpoint, type VerifiedCheckpoint } from "../train/checkpoints/load_checkpoint.ts";
import type { EvalConfig } from "../train/config.ts";
import { Evaluator } from "../train/evaluation/evaluator.ts";
import { openDevice } from "../train/open_device.ts";
import { augmentOf } from "../train/run_data.ts";
import type { SavedRun } from "../train/saved_run.ts";
import { openEvaluationSet } from "./evaluation_set.ts";
import { checkProbabilities } from "./probability_files.ts";

/** Weights of a checkpoint, as people and `--json` know them. */
export const WEIGHTS = {
  ema: { name: "moving averages (EMA)", short: "EMA" },
  trained: { name: "weights as trained", short: "trained" },
} as const satisfies Readonly<Record<string, Weights>>;

/** How to go about a measurement. */
export interface MeasureOptions {
  /** Hears of the images done, of so many. */
  readonly onBatch?: (done: number, images: number) => void;
  readonly signal?: AbortSignal;
}

/** Everything that measuring the checkpoints of a run takes, opened once. */
export interface Measuring extends Disposable {
  readonly classes: readonly string[];
  /** The name of the images. */
  readonly set: string;
  readonly store: ImageStore;
  readonly trainingImages?: number;
  /** Measures the weights that are asked for, the moving averages first. */
  measure(checkpoint: VerifiedCheckpoint, options: MeasureOptions): Promise<readonly Measured[]>;
}

/**
 * Opens the images, the device and the model of a run.
 *
 * @throws {UserError} if any of them cannot be had
 */
export async function openMeasuring(config: EvalConfig, run: SavedRun): Promise<Measuring> {
  using stack = new DisposableStack();
  const { name: set, store, trainingImages } = await openEvaluationSet(config, run);
  stack.use(store);
  const { classes, normalization } = run.data;
  checkProbabilities(config.probabilities, { images: store.count, classes: classes.length });
  const model = await openModel(run.config, classes.length);
  const [height, width] = model.image;
  const augment = augmentOf(run.config, { crop: [height, width], normalization }, store.format);
  const { device } = await openDevice(config.device, config.threads);
  stack.defer(() => device.destroy());
  const evaluator = stack.use(await Evaluator.create(device, model, config.batchSize));
  const { workers, ema, both } = config;
  const views = Number(config.views) as Views;
  const kept = stack.move();
  return {
    classes,
    set,
    store,
    trainingImages,
    async measure(checkpoint, { onBatch, signal }) {
      const { state } = unpackCheckpoint(checkpoint, model, evaluator.layout);
      const wanted = [
        ...both || ema ? [{ weights: WEIGHTS.ema, parameters: state.averages }] : [],
        ...both || !ema ? [{ weights: WEIGHTS.trained, parameters: state.parameters }] : [],
      ];
      const images = wanted.length * store.count;
      const measured: Measured[] = [];
      for (const { weights, parameters } of wanted) {
        const before = measured.length * store.count;
        const evaluation = await evaluator.run({ parameters, statistics: state.statistics }, {
          store,
          augment,
          workers,
          views,
          // Those of the first weights are written.
          keepProbabilities: config.probabilities !== null && measured.length === 0,
          signal,
          onBatch: (done) => onBatch?.(before + done, images),
        });
        measured.push({ weights, evaluation });
      }
      return measured;
    },
    [Symbol.dispose]: () => kept.dispose(),
  };
}
