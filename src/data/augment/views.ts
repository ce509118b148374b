// The views of an image that an evaluation may average over.

import { AUGMENT } from "../../ops/augment_row.ts";
import type { ImageFormat } from "../image_store.ts";
import { centerRow } from "./draw.ts";
import type { AugmentSpec } from "./spec.ts";

/** How many views: the center alone, cifar10-airbench's six, or cuda-convnet's ten. */
export type Views = 1 | 6 | 10;

/** Where a crop is: a share of the room that there is on each axis, and pixels from there. */
interface Place {
  readonly share: readonly [number, number];
  readonly shift: number;
}

/** Crops, each of which is taken as it is and mirrored, and what their scores count. */
interface ViewSet {
  readonly places: readonly Place[];
  /** Of each crop; its two views have half of it each. */
  readonly weights: readonly number[];
  /** What is averaged. */
  readonly of: "logits" | "probabilities";
}

function at(down: number, across: number, shift = 0): Place {
  return { share: [down, across], shift };
}

const MIDDLE = at(0.5, 0.5);

/** The sets of several views. */
const VIEW_SETS: Readonly<Record<Exclude<Views, 1>, ViewSet>> = {
  /** The center, and a pixel up and left and down and right of it, where the padding is what it is in training. */
  6: {
    places: [MIDDLE, at(0.5, 0.5, -1), at(0.5, 0.5, 1)],
    weights: [0.5, 0.25, 0.25],
    of: "logits",
  },
  /** The center and the four corners. */
  10: {
    places: [MIDDLE, at(0, 0), at(0, 1), at(1, 0), at(1, 1)],
    weights: [0.2, 0.2, 0.2, 0.2, 0.2],
    of: "probabilities",
  },
};

/** What a view counts in the average, and of what it is taken. */
export function viewWeight(
  views: Views,
  view: number,
): { readonly weight: number; readonly of: ViewSet["of"] } {
  if (views === 1) return { weight: 1, of: "probabilities" };
  const { weights, of } = VIEW_SETS[views];
  return { weight: weights[view >> 1] / 2, of };
}

/**
 * The row of one view of an evaluation image: each crop as it is and mirrored; view 0 is {@linkcode centerRow}'s.
 * Where the image is no larger than the crop, corners are central.
 *
 * @param view 0 to views - 1
 * @param row receives the numbers, [AUGMENT_LENGTH]
 */
export function viewRow(
  spec: Pick<AugmentSpec, "crop">,
  format: ImageFormat,
  { views, view }: { readonly views: Views; readonly view: number },
  row: Float32Array,
): void {
  centerRow(spec, format, row);
  if (views === 1) return;
  const { share: [down, across], shift } = VIEW_SETS[views].places[view >> 1];
  const [below, beside] = [format.height - spec.crop[0], format.width - spec.crop[1]];
  if (below > 0 && down !== 0.5) row[AUGMENT.top] = down * below;
  if (beside > 0 && across !== 0.5) row[AUGMENT.left] = across * beside;
  row[AUGMENT.top] += shift;
  row[AUGMENT.left] += shift;
  row[AUGMENT.flip] = view & 1;
}
