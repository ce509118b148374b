// The softmax of every image as a file.

import { extname } from "node:path";
import { encodeNpy } from "../formats/npy.ts";
import { csvLine } from "../report/confusion_csv.ts";
import type { Evaluation } from "../train/evaluation/tally.ts";
import { writeFileAtomic } from "../util/atomic_file.ts";
import { ConfigError } from "../util/errors.ts";
import { formatCount } from "../util/units.ts";
import { FEATURE_FORMATS } from "./feature_files.ts";

/** What the name of such a file ends in. */
export const PROBABILITY_ENDINGS = [".csv", ".npy"] as const;

/** 512 MiB: all are held in memory until the last image is scored. */
const MOST_VALUES = 2 ** 27;
/** Decimal digits that tell any two float32 numbers apart. */
const FLOAT32_DIGITS = 9;

/**
 * @param path null: none are written
 * @throws {ConfigError} if so many could not be held, before anything is measured
 */
export function checkProbabilities(
  path: string | null,
  { images, classes }: { readonly images: number; readonly classes: number },
): void {
  if (path === null || images * classes <= MOST_VALUES) return;
  throw new ConfigError(
    `Cannot keep the probabilities of ${
      formatCount(images)
    } images as they are too many: expected ` +
      `at most ${formatCount(MOST_VALUES)} values, found ${formatCount(images * classes)}`,
    { hint: "write the logits instead, batch by batch: deno task features" },
  );
}

/**
 * Writes the probabilities [images, classes] of an evaluation that kept them, in the images' order, whole
 * or not at all: as CSV each with the name of its label, as `.npy` with the labels in a file beside it.
 *
 * @throws {UserError} if the system refuses
 */
export async function writeProbabilities(
  path: string,
  evaluation: Pick<Evaluation, "labels" | "probabilities">,
  classes: readonly string[],
): Promise<void> {
  const { labels, probabilities: data } = evaluation;
  if (data === undefined) throw new TypeError("Cannot write probabilities that were not kept");
  if (extname(path).toLowerCase() === ".csv") {
    return await writeFileAtomic(path, await probabilityCsv(data, labels, classes));
  }
  const shape = [labels.length, classes.length];
  await FEATURE_FORMATS[".npy"].writeBeside(path, { shape, labels, metadata: {} });
  await writeFileAtomic(path, encodeNpy({ type: "<f4", shape, data }));
}

/** `label,<class>,<class>…`, and a line an image. */
async function probabilityCsv(
  probabilities: Float32Array,
  labels: Uint32Array,
  classes: readonly string[],
): Promise<Uint8Array> {
  const lines = [csvLine(["label", ...classes])];
  labels.forEach((label, image) => {
    const row = probabilities.subarray(image * classes.length, (image + 1) * classes.length);
    lines.push(csvLine([classes[label], ...Array.from(row, shortest)]));
  });
  // Not one string: of a large set it would be longer than a string can be.
  return await new Blob(lines).bytes();
}

/** A float32 in as few decimal digits as give it back; `NaN` as it is. */
function shortest(value: number): number {
  return Number(value.toPrecision(FLOAT32_DIGITS));
}
