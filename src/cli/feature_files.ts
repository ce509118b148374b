// What files of features look like: the bytes before the rows, and the labels.

import { encodeNpy, npyHeader } from "../formats/npy.ts";
import { safetensorsHeader } from "../formats/safetensors.ts";
import { writeFileAtomic } from "../util/atomic_file.ts";

/** What the features are of. */
export interface FeatureSet {
  /** [N, …], of the file. */
  readonly shape: readonly number[];
  /** [N] */
  readonly labels: ArrayLike<number>;
  /** Where they came from: what a safetensors file says of itself. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** One kind of file. */
export interface FeatureFormat {
  /** The bytes before the rows. */
  prefix(set: FeatureSet): Uint8Array;
  /** Writes what stands in other files beside it. Returns their paths. */
  writeBeside(path: string, set: FeatureSet): Promise<readonly string[]>;
}

/** Kinds of files by their ending. */
export const FEATURE_FORMATS: Readonly<Record<string, FeatureFormat>> = {
  ".npy": {
    prefix: ({ shape }) => npyHeader("<f4", shape),
    async writeBeside(path, { labels }) {
      const beside = `${path.slice(0, -".npy".length)}.labels.npy`;
      const data = labelsOf(labels);
      await writeFileAtomic(beside, encodeNpy({ type: "<i8", shape: [data.length], data }));
      return [beside];
    },
  },
  ".safetensors": {
    // Labels are the wider type, so that they stand first; they are known before the first image is run.
    prefix({ shape, labels, metadata }) {
      const data = labelsOf(labels);
      const { bytes: header } = safetensorsHeader({
        features: { dtype: "F32", shape },
        labels: { dtype: "I64", shape: [data.length] },
      }, metadata);
      const bytes = new Uint8Array(header.length + data.byteLength);
      bytes.set(header);
      bytes.set(new Uint8Array(data.buffer), header.length);
      return bytes;
    },
    writeBeside: () => Promise.resolve([]),
  },
};

function labelsOf(labels: ArrayLike<number>): BigInt64Array<ArrayBuffer> {
  return BigInt64Array.from({ length: labels.length }, (_, i) => BigInt(labels[i]));
}
