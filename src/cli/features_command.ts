import { extname } from "node:path";
import { fingerprint } from "../data/fingerprint.ts";
import type { Device } from "../engine/device.ts";
import type { Model } from "../nn/model.ts";
import { createConsole } from "../report/console.ts";
import type { VerifiedCheckpoint } from "../train/checkpoints/load_checkpoint.ts";
import { sha256Of } from "../train/checkpoints/manifest.ts";
import type { FeaturesConfig } from "../train/config.ts";
import { features, findTap, type Tap, tapsOf } from "../train/evaluation/features.ts";
import { Scorer } from "../train/evaluation/scorer.ts";
import { exitCodeOf, InterruptedError, listenForInterrupts } from "../train/interrupt.ts";
import { openModel } from "../train/models.ts";
import { deviceIdentity, openDevice } from "../train/open_device.ts";
import { augmentOf } from "../train/run_data.ts";
import { parseSavedRun, type SavedRun } from "../train/saved_run.ts";
import { PartFile } from "../util/part_file.ts";
import { formatShape, sizeOf } from "../tensor/shape.ts";
import { formatTable } from "../util/table.ts";
import { formatCount } from "../util/units.ts";
import { chooseCheckpoint, modelValues } from "./checkpoint_source.ts";
import { type ChosenSet, openSet } from "./evaluation_set.ts";
import { FEATURE_FORMATS } from "./feature_files.ts";
import { checkOutputFile } from "./output_file.ts";

/** Writes the values of a layer over a data set, or lists the layers: `deno task features`. */
export async function featuresCommand(config: FeaturesConfig): Promise<void> {
  const { tap: name, out } = config;
  const endings = Object.keys(FEATURE_FORMATS);
  await checkOutputFile("out", out, endings, "--out features.safetensors");
  const checkpoint = await chooseCheckpoint(config);
  const run = parseSavedRun(checkpoint.manifest.run, checkpoint.path);
  const model = await openModel(run.config, run.data.classes.length);
  if (name === null || out === null) return list(tapsOf(model), { config, checkpoint });
  const tap = findTap(model, name);
  const set = await openSet(config, run);
  using _store = set.store;
  const { device } = await openDevice(config.device, config.threads);
  using _device = { [Symbol.dispose]: () => device.destroy() };
  await write({ config, checkpoint, run, model, tap, set, device, out });
}

/** All that a file of features is made of. */
interface Extraction {
  readonly config: FeaturesConfig;
  readonly checkpoint: VerifiedCheckpoint;
  readonly run: SavedRun;
  readonly model: Model;
  readonly tap: Tap;
  readonly set: ChosenSet;
  readonly device: Device;
  readonly out: string;
}

async function write(extraction: Extraction): Promise<void> {
  const { config, checkpoint, run, model, tap, set, device, out } = extraction;
  const { store } = set;
  const [height, width] = model.image;
  const { normalization } = run.data;
  const augment = augmentOf(run.config, { crop: [height, width], normalization }, store.format);
  using scorer = await Scorer.create(device, model, config.batchSize, tap.name);
  scorer.load(modelValues(checkpoint, { model, layout: scorer.layout, ema: config.ema }));

  const format = FEATURE_FORMATS[extname(out).toLowerCase()];
  const shape = [store.count, ...tap.shape];
  const metadata = metadataOf(extraction);
  const told = { shape, labels: store.labels, metadata };
  using terminal = createConsole();
  using interrupts = listenForInterrupts(() => {});
  const { signal } = interrupts;
  using file = await PartFile.open(out, {
    identity: identityOf(extraction, metadata),
    prefix: format.prefix(told),
    rowBytes: sizeOf(tap.shape) * Float32Array.BYTES_PER_ELEMENT,
  });
  const { start, rows: first } = file;
  const images = formatCount(store.count);
  if (start === "resumed") console.error(`going on at image ${formatCount(first)} of ${images}`);
  if (start === "another") {
    console.error(
      `${out}.part is of another checkpoint, layer, data set or setting: starting over`,
    );
  }
  interrupts.arm();
  try {
    const options = { store, augment, workers: config.workers, first, signal };
    for await (const { values, images: count } of features(scorer, tap, options)) {
      await file.append(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), count);
      terminal.status(`${tap.name} of ${formatCount(file.rows)}/${images} images`);
    }
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    await file.sync();
    terminal.clear();
    console.error(
      `interrupted: ${
        formatCount(file.rows)
      } of ${images} images are kept; the same command goes on`,
    );
    Deno.exitCode = exitCodeOf(error.signal);
    return;
  }
  const beside = await format.writeBeside(out, told);
  await file.finish();
  terminal.clear();
  report({ extraction, shape, files: [out, ...beside], first });
}

/** What a safetensors file says of itself: all as text, lists as JSON. */
function metadataOf({ config, checkpoint, model, tap, set }: Extraction): Record<string, string> {
  return {
    model: model.name,
    tap: tap.name,
    step: String(checkpoint.manifest.step),
    weights: config.ema ? "ema" : "trained",
    dataset: set.dataset.name,
    split: set.name,
    classes: JSON.stringify(set.dataset.classes),
  };
}

/** Everything that the values depend on to the bit. */
function identityOf(
  { config, checkpoint, run, set, device }: Extraction,
  metadata: Readonly<Record<string, string>>,
): string {
  return sha256Of(JSON.stringify([
    metadata,
    Object.entries(checkpoint.manifest.files).map(([name, { sha256 }]) => [name, sha256]).sort(),
    fingerprint(set.store),
    run.data.normalization,
    config.batchSize,
    deviceIdentity(device),
  ]));
}

function list(
  taps: readonly Tap[],
  { config, checkpoint }: { config: FeaturesConfig; checkpoint: VerifiedCheckpoint },
): void {
  if (config.json) {
    console.log(JSON.stringify({ checkpoint: checkpoint.path, taps }));
    return;
  }
  const rows = taps.map(({ name, kind, shape }) => [
    ...[name, kind, formatShape(shape), formatCount(sizeOf(shape))],
  ]);
  console.log(formatTable(rows, { columns: ["tap", "layer", "shape", "values"], align: "lllr" }));
}

function report({ extraction, shape, files, first }: {
  extraction: Extraction;
  shape: readonly number[];
  files: readonly string[];
  first: number;
}): void {
  const { config, checkpoint: { path, manifest: { step } }, tap, set } = extraction;
  if (config.json) {
    const { ema } = config;
    const facts = { checkpoint: path, step, ema, tap: tap.name, shape, split: set.name };
    console.log(JSON.stringify({ ...facts, files, images: shape[0], resumedAt: first }));
    return;
  }
  console.log(`${path}, step ${step}: ${tap.name} of ${formatCount(shape[0])} ${set.name} images`);
  console.log(`${formatShape(shape)} float32: ${files.join(", ")}`);
}
