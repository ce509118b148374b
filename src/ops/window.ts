import type { Shape } from "../tensor/shape.ts";
import type { AdapterKind } from "../engine/launch.ts";
import { checkInteger, checkShapes, checkTrips, rolledTrips } from "./check.ts";

/**
 * How a window slides. `same` pads with zeros so that the output has ceil(size / stride) pixels, the odd
 * pixel at the bottom and right (TensorFlow's rule); `valid` does not pad.
 */
export interface WindowAttributes {
  /** Filter height and width, in pixels. */
  readonly size: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: "same" | "valid";
}

/** A window's place in an NHWC image, in pixels. */
export interface WindowGeometry {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** Works out sizes and padding. @throws {RangeError} if a window does not fit. */
export function windowGeometry(
  op: string,
  shape: Shape,
  attributes: WindowAttributes,
): WindowGeometry {
  const [n, h, w, c] = shape;
  const { size: [kh, kw], strides: [sh, sw], padding } = attributes;
  for (const value of [kh, kw]) checkInteger(op, "the window's size", value, 1);
  for (const value of [sh, sw]) checkInteger(op, "a stride", value, 1);
  const fits = padding === "same" || (h >= kh && w >= kw);
  checkShapes(op, "a window without padding must fit in the image", fits, shape, [kh, kw]);
  const [oh, padTop] = axisGeometry(h, kh, sh, padding);
  const [ow, padLeft] = axisGeometry(w, kw, sw, padding);
  return { n, h, w, c, oh, ow, padTop, padLeft };
}

function axisGeometry(
  size: number,
  k: number,
  stride: number,
  padding: "same" | "valid",
): [number, number] {
  if (padding === "valid") return [Math.floor((size - k) / stride) + 1, 0];
  const out = Math.ceil(size / stride);
  return [out, Math.floor(Math.max((out - 1) * stride + k - size, 0) / 2)];
}

/** Calls `visit(output pixel, input pixel, tap)` for every tap of every window that lies inside the image. */
export function forEachTap(
  { n, h, w, oh, ow, padTop, padLeft }: WindowGeometry,
  { size: [kh, kw], strides: [sh, sw] }: WindowAttributes,
  visit: (outputPixel: number, inputPixel: number, tap: number) => void,
): void {
  for (let image = 0; image < n; image++) {
    for (let y = 0; y < oh; y++) {
      for (let x = 0; x < ow; x++) {
        for (let tap = 0; tap < kh * kw; tap++) {
          const row = y * sh + Math.floor(tap / kw) - padTop;
          const column = x * sw + tap % kw - padLeft;
          if (row >= 0 && row < h && column >= 0 && column < w) {
            visit((image * oh + y) * ow + x, (image * h + row) * w + column, tap);
          }
        }
      }
    }
  }
}

/** The Params that all window kernels share. */
export function windowParams(g: WindowGeometry) {
  return { h: g.h, w: g.w, c: g.c, oh: g.oh, ow: g.ow, pad_top: g.padTop, pad_left: g.padLeft };
}

/** Checks that the taps of a window are not more than a software adapter can loop over. */
export function checkWindowTrips(op: string, { size }: WindowAttributes, kind: AdapterKind): void {
  checkTrips(op, rolledTrips(size[0], rolledTrips(size[1])), kind, size);
}

/** The overrides that all window kernels share. */
export function windowOverrides({ size, strides }: WindowAttributes) {
  return { KH: size[0], KW: size[1], STRIDE_H: strides[0], STRIDE_W: strides[1] };
}
