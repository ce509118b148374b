import { foldGrid, input, output } from "../engine/launch.ts";
import { defineOp, type Sample } from "../tensor/op.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { launch as launchWasm } from "../wasm/launch.ts";
import { launch } from "../webgpu/kernel.ts";
import { AUGMENT, AUGMENT_LENGTH } from "./augment_row.ts";
import { bytesOfShapes, checkInputs, checkRank, checkShapes } from "./check.ts";

const NAME = "subtract_mean_image";

/** What the crop shows outside the image, as of `augmentImages`. */
interface MeanImageAttributes {
  readonly padMode: "zero" | "reflect";
}

function params([batch, cropHeight, cropWidth]: readonly number[], mean: readonly number[]) {
  return {
    batch,
    crop_height: cropHeight,
    crop_width: cropWidth,
    height: mean[0],
    width: mean[1],
  };
}

type Change = Partial<Record<keyof typeof AUGMENT, number>>;

function sample(
  [height, width]: readonly [number, number],
  mean: readonly [number, number],
  changes: readonly Change[],
  padMode: "zero" | "reflect" = "zero",
): Sample<MeanImageAttributes> {
  const rows = changes.flatMap((change) => {
    const row = new Array<number>(AUGMENT_LENGTH).fill(0);
    for (const [name, value] of Object.entries(change)) row[AUGMENT[name as keyof Change]] = value;
    return row;
  });
  return {
    inputs: [
      { shape: [changes.length, height, width, 3] },
      { shape: [changes.length, AUGMENT_LENGTH], fill: { values: rows } },
      { shape: [...mean, 3] },
    ],
    attributes: { padMode },
  };
}

const SAMPLES: readonly Sample<MeanImageAttributes>[] = [
  sample([1, 1], [1, 1], [{}]),
  sample([5, 4], [8, 6], [{}, { top: 3, left: 2 }, { flip: 1, top: 1, left: 2 }]),
  sample([24, 24], [32, 32], [{ top: 8, left: 3, flip: 1 }, { top: 4, left: 4 }]),
  // Beyond every edge; squares across and within.
  sample([9, 11], [7, 5], [
    { top: -2, left: -3 },
    { flip: 1, top: -4, left: 1, cutoutTop: 2, cutoutLeft: 3, cutoutSize: 4 },
    { top: 1, left: -1, cutoutTop: -2, cutoutLeft: 8, cutoutSize: 5 },
  ]),
  sample([17, 13], [8, 6], [{ top: -9, left: -14 }, { flip: 1, top: 6, left: 5 }], "reflect"),
  sample([4, 5], [1, 6], [{ top: -2, left: -1 }], "reflect"),
];

/** Mirrored at 0 and at size - 1, which are not repeated. */
function mirrored(place: number, size: number): number {
  const period = Math.max(2 * (size - 1), 1);
  const at = Math.abs(place) % period;
  return Math.min(at, 2 * (size - 1) - at);
}

const subtract = defineOp<MeanImageAttributes>({
  name: NAME,
  shape([x, rows, mean, ...rest]) {
    checkInputs(NAME, [x, rows, mean, ...rest], ["f32", "f32", "f32"]);
    const shape = checkRank(NAME, "the images", x, 4);
    const [, , channels] = checkRank(NAME, "the mean image", mean, 3);
    const three = shape[3] === 3 && channels === 3;
    checkShapes(NAME, "images must have 3 channels", three, shape, mean.shape);
    const fits = rows.shape.length === 2 && rows.shape[0] === shape[0] &&
      rows.shape[1] === AUGMENT_LENGTH;
    const rule = `there must be one row of ${AUGMENT_LENGTH} numbers an image`;
    checkShapes(NAME, rule, fits, shape, rows.shape);
    return { shape };
  },
  launches: {
    webgpu: ({ inputs: [, , mean], output: { shape }, attributes: { padMode } }) => ({
      launches: [launch(NAME, {
        overrides: { REFLECT: padMode === "reflect" },
        buffers: { x: input(0), rows: input(1), mean: input(2), y: output },
        params: params(shape, mean.shape),
        grid: foldGrid(Math.ceil(sizeOf(shape) / 3 / 256)),
      })],
    }),
    wasm: ({ inputs: [, , mean], output: { shape }, attributes: { padMode } }) => ({
      launches: [launchWasm(NAME, {
        buffers: { x: input(0), rows: input(1), mean: input(2), y: output },
        params: { ...params(shape, mean.shape), reflect: Number(padMode === "reflect") },
        units: shape[0],
      })],
    }),
  },
  reference({ inputs, output: { shape }, attributes: { padMode } }, [x, rows, mean]) {
    const [, cropHeight, cropWidth] = shape;
    const [height, width] = inputs[2].shape;
    const at = (place: number, size: number) =>
      padMode === "reflect" ? mirrored(place, size) : place;
    return x.map((value, k) => {
      const pixel = Math.floor(k / 3);
      const row = rows.subarray(Math.floor(pixel / (cropHeight * cropWidth)) * AUGMENT_LENGTH);
      const i = Math.floor(pixel / cropWidth) % cropHeight, j = pixel % cropWidth;
      const [down, across] = [i - row[AUGMENT.cutoutTop], j - row[AUGMENT.cutoutLeft]];
      const size = row[AUGMENT.cutoutSize];
      if (down >= 0 && down < size && across >= 0 && across < size) return value;
      const place = row[AUGMENT.flip] === 0 ? j : cropWidth - 1 - j;
      const y = at(i + row[AUGMENT.top], height), left = at(place + row[AUGMENT.left], width);
      const inside = y >= 0 && y < height && left >= 0 && left < width;
      return inside ? value - mean[(y * width + left) * 3 + k % 3] : value;
    });
  },
  cost: ({ inputs: [, rows, mean], output: { shape } }) => ({
    flops: sizeOf(shape),
    bytes: bytesOfShapes(shape, shape, rows.shape, mean.shape),
  }),
  samples: SAMPLES,
});

/**
 * Takes the mean image of a data set off images [B, h, w, 3] that `augmentImages` has cut out of it by the same
 * rows: each pixel's mean is that of its place before crop and flip. Outside of the stored image the mean is 0, or
 * mirrored with it; what is cut out stays. No gradient.
 *
 * @param rows f32 [B, AUGMENT_LENGTH]
 * @param mean f32 [H, W, 3], of the stored images' size
 */
export function subtractMeanImage(
  images: Tensor,
  rows: Tensor,
  mean: Tensor,
  padMode: "zero" | "reflect",
): Tensor {
  return subtract([images, rows, mean], { padMode });
}
