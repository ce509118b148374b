import type { Views } from "../data/augment/views.ts";
import { openModel } from "../train/models.ts";
import { createConsole } from "../report/console.ts";
import { type Prediction, predictionCsv, predictionTable } from "../report/predictions.ts";
import type { VerifiedCheckpoint } from "../train/checkpoints/load_checkpoint.ts";
import type { PredictConfig } from "../train/config.ts";
import { Predictor } from "../train/evaluation/predictor.ts";
import { topClasses } from "../train/evaluation/scores.ts";
import { openDevice } from "../train/open_device.ts";
import { augmentOf } from "../train/run_data.ts";
import { DataError, UserError } from "../util/errors.ts";
import { formatCount } from "../util/units.ts";
import { chooseCheckpoint, modelValues } from "./checkpoint_source.ts";
import { decodeImages, type Fault, findImages } from "./prediction_sources.ts";
import { parseSavedRun } from "../train/saved_run.ts";

/** Says what is on images: `deno task predict`. Images that cannot be read are told and left out. */
export async function predictCommand(config: PredictConfig): Promise<void> {
  const faults: Fault[] = [];
  const images = await findImages(config.images, (fault) => faults.push(fault));
  const [first] = faults;
  if (images.length === 0 && faults.length === 1) throw first.error;
  for (const { error } of faults) console.error(`error: ${error.message}`);
  if (images.length === 0) {
    throw new UserError("Cannot predict as there is nothing to predict", {
      hint: "name PNG or JPEG files, or folders with such",
    });
  }
  const checkpoint = await chooseCheckpoint(config);
  using terminal = createConsole();
  const onFault = (fault: Fault) => {
    terminal.clear();
    console.error(`error: ${fault.error.message}`);
    faults.push(fault);
  };
  const predictions = await predictAll(images, { config, checkpoint, onFault, terminal });
  terminal.clear();
  print(predictions, { config, checkpoint, faults });
  if (faults.length > 0) Deno.exitCode = 1;
}

interface Predicting {
  readonly config: PredictConfig;
  readonly checkpoint: VerifiedCheckpoint;
  readonly onFault: (fault: Fault) => void;
  readonly terminal: ReturnType<typeof createConsole>;
}

async function predictAll(
  images: readonly string[],
  { config, checkpoint, onFault, terminal }: Predicting,
): Promise<Prediction[]> {
  const run = parseSavedRun(checkpoint.manifest.run, checkpoint.path);
  const { classes, normalization, format } = run.data;
  const model = await openModel(run.config, classes.length);
  const [height, width] = model.image;
  const augment = augmentOf(run.config, { crop: [height, width], normalization }, format);
  const batchSize = Math.min(config.batchSize, images.length);
  const views = Number(config.views) as Views;
  const { device } = await openDevice(config.device, config.threads);
  using _device = { [Symbol.dispose]: () => device.destroy() };
  using predictor = await Predictor.create(device, model, { augment, format, views, batchSize });
  predictor.load(modelValues(checkpoint, { model, layout: predictor.layout, ema: config.ema }));

  const predictions: Prediction[] = [];
  let waiting: { readonly image: string; readonly pixels: Uint8Array }[] = [];
  const flush = async () => {
    const probabilities = await predictor.predict(waiting.map(({ pixels }) => pixels));
    waiting.forEach(({ image }, i) => {
      if (!Number.isFinite(probabilities[i][0])) {
        const error = new DataError(`Cannot predict ${image}: the scores are not finite`);
        return onFault({ image, error });
      }
      const best = topClasses(probabilities[i], config.topK).map((label) => ({
        class: classes[label],
        probability: probabilities[i][label],
      }));
      predictions.push({ image, classes: best });
    });
    waiting = [];
    terminal.status(
      `predicted ${formatCount(predictions.length)}/${formatCount(images.length)} images`,
    );
  };
  const size = { height: format.height, width: format.width };
  for await (const { image, pixels } of decodeImages(images, { size, workers: config.workers })) {
    if (pixels instanceof UserError) onFault({ image, error: pixels });
    else waiting.push({ image, pixels });
    if (waiting.length === batchSize) await flush();
  }
  if (waiting.length > 0) await flush();
  return predictions;
}

function print(
  predictions: readonly Prediction[],
  { config, checkpoint: { path, manifest: { step } }, faults }: {
    readonly config: PredictConfig;
    readonly checkpoint: VerifiedCheckpoint;
    readonly faults: readonly Fault[];
  },
): void {
  const { format, ema } = config;
  if (format === "json") {
    const failed = faults.map(({ image, error }) => ({ image, error: error.message }));
    const views = Number(config.views);
    console.log(JSON.stringify({ checkpoint: path, step, ema, views, predictions, failed }));
  } else if (format === "csv") {
    console.log(predictionCsv(predictions).trimEnd());
  } else if (predictions.length > 0) {
    console.log(predictionTable(predictions));
  }
}
