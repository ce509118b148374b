import { viewAt } from "../ops/layout.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { slotLayout } from "../tensor/storage.ts";

/** The running moments of one batch normalization: mean and variance of each channel, [2, C]. */
export interface StatisticsSpec {
  readonly name: string;
  readonly channels: number;
}

/** How running moments follow those of the batches. */
export interface StatisticsDecay {
  /** moving -= (1 - decay) * (moving - batch) */
  readonly decay: number;
  /**
   * Whether the start is divided out, so that early values are means of what was seen (TensorFlow's
   * `zero_debias`); else they start at mean 0 and variance 1.
   */
  readonly zeroDebias: boolean;
}

/** Where each batch normalization's moments lie in one flat block; in elements. */
export interface StatisticsLayout {
  readonly specs: readonly StatisticsSpec[];
  readonly offsets: readonly number[];
  readonly size: number;
}

/** Of a model without batch normalization. */
export const NO_STATISTICS: StatisticsLayout = { specs: [], offsets: [], size: 0 };

/** Lays all moments out in one block, so that one launch updates them all. */
export function statisticsLayout(specs: readonly StatisticsSpec[]): StatisticsLayout {
  return { specs, ...slotLayout(specs.map(({ channels }) => [2, channels])) };
}

/** Mean 0 and variance 1 of every channel. */
export function initialStatistics(
  { specs, offsets, size }: StatisticsLayout,
): Float32Array<ArrayBuffer> {
  const block = new Float32Array(size);
  specs.forEach(({ channels }, i) =>
    block.fill(1, offsets[i] + channels, offsets[i] + 2 * channels)
  );
  return block;
}

/**
 * The decay of the update number `update`, from 1: with `zeroDebias` that of the mean over what was seen,
 * d (1 - d^(t-1)) / (1 - d^t), which is 0 for the first.
 */
export function decayOfUpdate({ decay, zeroDebias }: StatisticsDecay, update: number): number {
  return zeroDebias ? decay * (1 - decay ** (update - 1)) / (1 - decay ** update) : decay;
}

/** The moments [2, C] by name, as views of a block; none if there is no block. */
export function momentsViews(
  { specs, offsets }: StatisticsLayout,
  block: Tensor | undefined,
): Readonly<Record<string, Tensor>> {
  if (block === undefined) return {};
  return Object.fromEntries(
    specs.map(({ name, channels }, i) => [name, viewAt(block, [2, channels], offsets[i])]),
  );
}
