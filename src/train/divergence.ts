import { join } from "node:path";
import { BatchDraw } from "../data/batches/batch_draw.ts";
import { AUGMENT_LENGTH, MIX_LENGTH } from "../ops/augment_row.ts";
import { writeFileAtomic } from "../util/atomic_file.ts";
import type { TrainOptions } from "./train.ts";
import { DIVERGED_HINT, DivergedError } from "./trainer.ts";

/**
 * Writes down what the step that diverged was given: `diverged-step-00001234.json` in the run's folder,
 * with the numbers of its images in the training set, their labels and how they were augmented.
 *
 * @returns the error to end the run with, which names the file
 */
export async function dumpDivergence(
  options: TrainOptions,
  error: DivergedError,
): Promise<DivergedError> {
  const { runDir, recipe, train: { count, format, labels }, augment, shuffle } = options;
  const { batchSize, seed, accumulate } = recipe;
  const { step } = error;
  const path = join(runDir, `diverged-step-${String(step).padStart(8, "0")}.json`);
  const draw = new BatchDraw({ count, seed, shuffle, batchSize, augment, format });
  const batches = Array.from({ length: accumulate }, (_, part) => {
    const batch = {
      ids: new Uint32Array(batchSize),
      rows: new Float32Array(batchSize * AUGMENT_LENGTH),
      mix: new Float32Array(MIX_LENGTH),
    };
    draw.draw(step * accumulate + part, batch);
    return {
      ids: [...batch.ids],
      labels: Array.from(batch.ids, (id) => labels[id]),
      augmentation: Array.from(
        { length: batchSize },
        (_, i) => [...batch.rows.subarray(i * AUGMENT_LENGTH, (i + 1) * AUGMENT_LENGTH)],
      ),
      mix: [...batch.mix],
    };
  });
  const before = error.before.slice(-10).map(({ step, total, gradientNorm }) => ({
    step,
    loss: total,
    gradientNorm,
  }));
  const dump = { step, message: error.message, before, batches };
  try {
    await writeFileAtomic(path, JSON.stringify(dump) + "\n");
  } catch {
    // The divergence is what must be told.
    return error;
  }
  return new DivergedError(error, `its images are named in ${path}; ${DIVERGED_HINT}`);
}
