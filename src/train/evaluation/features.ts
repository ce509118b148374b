// The values of a layer over a set of images.

import type { AugmentSpec } from "../../data/augment/spec.ts";
import { evalBatches } from "../../data/batches/batches.ts";
import type { ImageStore } from "../../data/image_store.ts";
import type { Model } from "../../nn/model.ts";
import { sizeOf } from "../../tensor/shape.ts";
import { ConfigError } from "../../util/errors.ts";
import { listed } from "../../util/listed.ts";
import { nearest } from "../../util/suggest.ts";
import type { Scorer } from "./scorer.ts";

/** Names that an error lists at most. */
const SHOWN = 40;

/** A layer whose values can be taken. */
export interface Tap {
  readonly name: string;
  readonly kind: string;
  /** Of one image. */
  readonly shape: readonly number[];
}

/** The layers of a model in their order. */
export function tapsOf(model: Model): Tap[] {
  return model.rehearse().layers.map(({ name, kind, output }) => ({
    name,
    kind,
    shape: output.shape.slice(1),
  }));
}

/** The layer of that name. @throws {ConfigError} that lists those there are */
export function findTap(model: Model, name: string): Tap {
  const taps = tapsOf(model);
  const tap = taps.find((tap) => tap.name === name);
  if (tap !== undefined) return tap;
  const names = taps.map(({ name }) => name);
  const near = nearest(name, names);
  throw new ConfigError(
    `--tap must be a layer of ${model.name}: found ${JSON.stringify(name)}, expected one of ${
      listed(names, ", ", SHOWN)
    }`,
    { hint: near === undefined ? "leave out --tap to list them" : `did you mean ${near}?` },
  );
}

/** What to take the values over. */
export interface FeatureOptions {
  readonly store: ImageStore;
  /** Its crop and normalization are taken. */
  readonly augment: AugmentSpec;
  readonly workers: number;
  /** The first image: those before it are done. It begins a batch, so that the bits are the same. */
  readonly first: number;
  /** Ends it between two batches. */
  readonly signal?: AbortSignal;
}

/**
 * The values of the scorer's tap, [images, …shape] of each batch, in the images' order.
 *
 * @throws the signal's reason, if it is aborted
 */
export async function* features(
  scorer: Scorer,
  tap: Tap,
  { store, augment, workers, first, signal }: FeatureOptions,
): AsyncGenerator<{ readonly values: Float32Array<ArrayBuffer>; readonly images: number }> {
  if (first >= store.count) return;
  const { batchSize } = scorer;
  using rest = first === 0 ? undefined : store.subset(
    Uint32Array.from({ length: store.count - first }, (_, i) => first + i),
  );
  const size = sizeOf(tap.shape);
  const options = { store: rest ?? store, augment, batchSize, workers };
  for await (const { images, count } of evalBatches(options)) {
    signal?.throwIfAborted();
    const values = await scorer.values(images as Float32Array);
    yield { values: values.subarray(0, count * size), images: count };
  }
}
