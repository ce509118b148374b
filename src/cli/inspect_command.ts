import { dirname } from "node:path";
import { AUGMENT_LENGTH } from "../ops/augment_row.ts";
import { createReporter } from "../data/acquire/progress.ts";
import { createAugmenter } from "../data/augment/apply.ts";
import { ExampleDraw } from "../data/augment/draw.ts";
import type { AugmentSpec } from "../data/augment/spec.ts";
import { type ImageStore, interleavedRgb } from "../data/image_store.ts";
import { classHistogram } from "../data/split.ts";
import { referenceModel } from "../nn/models/reference.ts";
import { contactSheet, type Tile } from "../report/contact_sheet.ts";
import type { InspectConfig } from "../train/config.ts";
import { augmentOf, normalizationOf, openSource, selectData } from "../train/run_data.ts";
import { writeFileAtomic } from "../util/atomic_file.ts";
import { ioError } from "../util/io_errors.ts";
import { permutation, STREAMS } from "../util/random.ts";
import { formatTable } from "../util/table.ts";
import { formatCount } from "../util/units.ts";

/** Classes that are drawn at most; the table has them all. */
const MOST_ROWS = 100;
/** Standardized values from -2 to 2 are shown as black to white. */
const SHOWN_DEVIATIONS = 2;

/** Shows what is in a data set, and what augmentation makes of it: `deno task data inspect`. */
export async function inspectCommand(config: InspectConfig): Promise<void> {
  const data = await selectData(await openSource(config, createReporter()), config);
  const { dataset, train } = data;
  const { classes } = dataset;
  const histograms: Record<string, number[]> = {
    train: classHistogram(train.labels, classes.length),
  };
  for (const { name, open } of data.evaluations) {
    using store = await open();
    histograms[name] = classHistogram(store.labels, classes.length);
  }
  const [height, width] = referenceModel(classes.length).image;
  const normalization = normalizationOf(config, train);
  const augment = augmentOf(config, { crop: [height, width], normalization }, train.format);
  await writeSheet(config, train, augment);

  const { name, origin } = dataset;
  const { format } = train;
  if (config.json) {
    const image = [format.height, format.width, format.channels];
    const { out } = config;
    console.log(JSON.stringify({ name, origin, classes, image, counts: histograms, picture: out }));
    return;
  }
  const sets = Object.keys(histograms);
  const rows = classes.map((label, i) => [
    i,
    label,
    ...sets.map((set) => formatCount(histograms[set][i])),
  ]);
  const total = sets.map((set) => formatCount(histograms[set].reduce((a, b) => a + b, 0)));
  console.log(`${name}: ${origin}`);
  console.log(
    `images of ${format.height}x${format.width}, ${format.channels === 1 ? "gray" : "color"}\n`,
  );
  console.log(formatTable([...rows, ["", "all", ...total]], {
    columns: ["label", "class", ...sets],
    align: `rl${"r".repeat(sets.length)}`,
  }));
  const shown = Math.min(classes.length, MOST_ROWS);
  console.log(
    `\n${config.out}: a row for each of ${
      shown < classes.length ? `the first ${shown}` : `the ${shown}`
    } classes, ${config.samples} images each, every one with ${config.variants} augmentations`,
  );
}

/** Draws some images of each class: as they are, then augmented. */
async function writeSheet(
  { seed, samples, variants, out }: InspectConfig,
  store: ImageStore,
  augment: AugmentSpec,
): Promise<void> {
  const draw = new ExampleDraw(augment, store.format, seed);
  const byClass = Map.groupBy(store.labels.keys(), (index) => store.labels[index]);
  const labels = [...byClass.keys()].sort((a, b) => a - b).slice(0, MOST_ROWS);
  const apply = createAugmenter(augment, store.format);
  const [height, width] = augment.crop;
  const row = new Float32Array(AUGMENT_LENGTH);
  const image = new Float32Array(height * width * 3);
  const rows = labels.map((label) => {
    const examples = byClass.get(label) ?? [];
    const order = permutation(examples.length, seed, STREAMS.split, label);
    return Array.from({ length: Math.min(samples, examples.length) }, (_, i) => {
      const example = examples[order[i]];
      const pixels = store.pixels(example);
      const tiles: Tile[] = [{
        height: store.format.height,
        width: store.format.width,
        pixels: interleavedRgb(pixels, store.format),
      }];
      for (let epoch = 0; epoch < variants; epoch++) {
        draw.draw(epoch, example, row);
        apply(pixels, row, image);
        tiles.push({ height, width, pixels: shownValues(image, augment) });
      }
      return tiles;
    });
  });
  try {
    await Deno.mkdir(dirname(out), { recursive: true });
  } catch (error) {
    throw ioError("create", dirname(out), error);
  }
  await writeFileAtomic(out, contactSheet(rows));
}

/** Values of the model's input as bytes: what was taken off by channel is put back. */
function shownValues(image: Float32Array, { normalization }: AugmentSpec): Uint8Array {
  const shown = new Uint8ClampedArray(image.length);
  for (let i = 0; i < image.length; i++) {
    shown[i] = normalization.kind === "channel"
      ? image[i] * normalization.deviation[i % 3] + normalization.mean[i % 3]
      : normalization.kind === "pixel"
      // Of -255 to 255, without the mean: black and white are the furthest from it.
      ? 127.5 + image[i] / 2
      : 127.5 + image[i] * 127.5 / SHOWN_DEVIATIONS;
  }
  return Uint8Array.from(shown);
}
