// What every data set gives, whatever its files are.

import type { CorruptBudget } from "../corrupt_budget.ts";
import type { ImageStore } from "../image_store.ts";
import type { AcquireReporter } from "../acquire/progress.ts";

/** A part of a data set. */
export type Split = "train" | "test";

/** Labeled images of one size. */
export interface Dataset {
  /** As the user names it: `cifar10`, `folder:pictures`. */
  readonly name: string;
  /** Names of the classes in the order of their labels. */
  readonly classes: readonly string[];
  /** The parts it has; `train` always. */
  readonly splits: readonly Split[];
  /** Where the files are and how they were verified; part of a sentence. */
  readonly origin: string;
  /**
   * Opens a part; each call gives a store of its own, to be closed by its owner.
   *
   * @throws {DataError} if a file is missing or damaged beyond the budget
   */
  open(split: Split): Promise<ImageStore>;
}

/** How a data set is found, fetched and read. */
export interface DatasetOptions {
  /** Where files are, or will be put. */
  readonly dataDir: string;
  /** Another copy of the official archive, by http or https. */
  readonly dataUrl?: string;
  /** Damaged examples that may be left out. */
  readonly budget: CorruptBudget;
  /** Height and width that images of any size are resized and cropped to (`folder:`), pixels. */
  readonly imageSize: readonly [number, number];
  /** Where decoded images are kept. */
  readonly cacheDir: string;
  /** Parts with more bytes than this are read from their files instead of being held in memory. */
  readonly memoryLimit: number;
  /** Threads that decode. */
  readonly workers: number;
  readonly reporter: AcquireReporter;
}
