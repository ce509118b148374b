// The random part of a training batch: which examples, and the numbers of their augmentation. The same
// for batches that worker threads make and for those that the device makes.

import { AUGMENT_LENGTH } from "../../ops/augment_row.ts";
import { RandomStream, STREAMS } from "../../util/random.ts";
import { drawMix, ExampleDraw } from "../augment/draw.ts";
import { type AugmentSpec, mixes } from "../augment/spec.ts";
import type { ImageFormat } from "../image_store.ts";
import { ExampleOrder, type OrderOptions } from "./example_order.ts";

/** What batches are drawn from. */
export interface DrawOptions extends OrderOptions {
  readonly augment: AugmentSpec;
  readonly format: ImageFormat;
}

/** Where a batch's numbers go. */
export interface DrawnBatch {
  /** Number of each example, [B]. */
  readonly ids: Uint32Array;
  /** The augmentation of each, [B, AUGMENT_LENGTH]. */
  readonly rows: Float32Array;
  /** How the images are mixed, [MIX_LENGTH]. */
  readonly mix: Float32Array;
}

/**
 * Draws training batches. Batch b holds the positions b * B to b * B + B - 1 of the endless concatenation
 * of the epochs' orders; each image's numbers are keyed by (seed, epoch, example), the batch's by
 * (seed, b).
 */
export class BatchDraw {
  readonly #options: DrawOptions;
  readonly #order: ExampleOrder;
  readonly #examples: ExampleDraw;
  readonly #mix: RandomStream;

  constructor(options: DrawOptions) {
    this.#options = options;
    this.#order = new ExampleOrder(options);
    this.#examples = new ExampleDraw(options.augment, options.format, options.seed);
    this.#mix = new RandomStream(options.seed, STREAMS.mix);
  }

  /** Draws batch number `batch`, from 0; allocates nothing but a new epoch's order. */
  draw(batch: number, { ids, rows, mix }: DrawnBatch): void {
    const { batchSize, augment } = this.#options;
    for (let i = 0, position = batch * batchSize; i < batchSize; i++, position++) {
      const id = this.#order.exampleAt(position);
      ids[i] = id;
      const row = rows.subarray(i * AUGMENT_LENGTH, (i + 1) * AUGMENT_LENGTH);
      this.#examples.draw(this.#order.epochAt(position), id, row);
    }
    if (mixes(augment)) drawMix(augment, this.#mix.seek(batch), mix);
  }
}
