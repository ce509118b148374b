// A data set whose parts are files of fixed-length records.

import type { Dataset, DatasetOptions, Split } from "./dataset.ts";
import { loadRecords, type RecordLayout, type RecordPart } from "./record_store.ts";

/** What distinguishes one such data set from another. */
export interface RecordDatasetSpec {
  readonly name: string;
  readonly classes: readonly string[];
  readonly origin: string;
  readonly layout: RecordLayout;
  /** The files of each part it has. */
  readonly parts: { readonly train: readonly RecordPart[]; readonly test?: readonly RecordPart[] };
  /** What to do about a file that is missing or wrong. */
  readonly hint: string;
}

/** The data set of record files. */
export function recordDataset(
  spec: RecordDatasetSpec,
  { memoryLimit, budget }: DatasetOptions,
): Dataset {
  const { name, classes, origin, layout, parts, hint } = spec;
  const splits: readonly Split[] = parts.test === undefined ? ["train"] : ["train", "test"];
  return {
    name,
    classes,
    splits,
    origin,
    async open(split) {
      const files = parts[split];
      if (files === undefined) {
        throw new RangeError(`Cannot open ${split} as ${name} has only: ${splits.join(", ")}`);
      }
      return await loadRecords({
        files,
        layout,
        classes: classes.length,
        memoryLimit,
        budget,
        hint,
      });
    },
  };
}
