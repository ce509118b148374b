// Which byte of a stored image each pixel of the crop shows.

import type { AugmentSpec } from "./spec.ts";
import { type ImageFormat, imageStrides } from "../image_store.ts";

/** Red, green and blue. */
export const CHANNELS = 3;
/** The offset of a black pixel of the padding: no byte at all. */
const PADDING = -1;

/** Rows or columns of a stored image. */
export interface Axis {
  /** How many there are. */
  readonly size: number;
  /** Bytes from one to the next. */
  readonly stride: number;
  /** What lies beyond the first and the last. */
  readonly padMode: AugmentSpec["padMode"];
}

/**
 * Where successive positions of a crop are along one axis: byte offsets, or -1 where the padding is
 * black. The mirrored padding reaches to the opposite edge, not beyond.
 *
 * @param first the position of the crop's first row or column in the image; may be negative
 * @param reversed whether the last position comes first
 * @param offsets receives one offset for each position of the crop
 */
export function axisOffsets(
  { size, stride, padMode }: Axis,
  first: number,
  reversed: boolean,
  offsets: Int32Array,
): void {
  const last = offsets.length - 1;
  for (let i = 0; i <= last; i++) {
    let position = first + (reversed ? last - i : i);
    if (padMode === "reflect") {
      if (position < 0) position = -position;
      else if (position >= size) position = 2 * (size - 1) - position;
    }
    offsets[i] = position >= 0 && position < size ? position * stride : PADDING;
  }
}

/**
 * Cuts [H, W, 3] out of a stored image: `top` and `left` are the crop's place, `flip` exchanges left
 * and right. `out` receives 0 to 255.
 */
export type Cropper = (
  pixels: Uint8Array | Float32Array,
  top: number,
  left: number,
  flip: boolean,
  out: Float64Array,
) => void;

/** Makes a {@linkcode Cropper}; what it needs is allocated here, once. */
export function createCropper(
  { crop: [height, width], padMode }: Pick<AugmentSpec, "crop" | "padMode">,
  format: ImageFormat,
): Cropper {
  const strides = imageStrides(format);
  const rowAxis: Axis = { size: format.height, stride: strides.row, padMode };
  const columnAxis: Axis = { size: format.width, stride: strides.column, padMode };
  const rows = new Int32Array(height);
  const columns = new Int32Array(width);
  const green = strides.channel;
  const blue = 2 * strides.channel;
  return (pixels, top, left, flip, out) => {
    axisOffsets(rowAxis, top, false, rows);
    axisOffsets(columnAxis, left, flip, columns);
    gather(pixels, rows, columns, green, blue, out);
  };
}

function gather(
  pixels: Uint8Array | Float32Array,
  rows: Int32Array,
  columns: Int32Array,
  green: number,
  blue: number,
  out: Float64Array,
): void {
  let target = 0;
  for (let y = 0; y < rows.length; y++) {
    const row = rows[y];
    for (let x = 0; x < columns.length; x++) {
      const column = columns[x];
      if (row === PADDING || column === PADDING) {
        out[target] = 0;
        out[target + 1] = 0;
        out[target + 2] = 0;
      } else {
        const source = row + column;
        out[target] = pixels[source];
        out[target + 1] = pixels[source + green];
        out[target + 2] = pixels[source + blue];
      }
      target += CHANNELS;
    }
  }
}
