import { input, type Launch, output } from "../engine/launch.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import { blocks, launch } from "../wasm/launch.ts";
import { fourAxes } from "./check.ts";

/** Rows along the last axis in a unit: ROWS of src/wasm/assembly/layout.ts. */
const ROWS = 16;

function rowsOf(shape: Shape): number {
  return sizeOf(shape) / (shape[shape.length - 1] ?? 1);
}

/** y of `shape` with one stride of x for each of its axes. */
export function gatherWasm(shape: Shape, strides: readonly number[]): Launch {
  const [, d1, d2, d3] = fourAxes("permute", shape);
  const [s0, s1, s2, s3] = [0, 0, 0, 0, ...strides].slice(-4);
  const rows = rowsOf(shape);
  return launch("permute", {
    buffers: { x: input(0), y: output },
    params: { rows, d1, d2, d3, s0, s1, s2, s3 },
    units: Math.ceil(rows / ROWS),
  });
}

/** x of shape `from` in y of shape `to`, `before` elements from its start on each axis. */
export function padWasm(from: Shape, to: Shape, before: readonly number[]): Launch {
  const [, d1, d2, d3] = fourAxes("pad", to);
  const [x0, x1, x2, x3] = fourAxes("pad", from);
  const [b0, b1, b2, b3] = [0, 0, 0, 0, ...before].slice(-4);
  const rows = rowsOf(to);
  return launch("pad", {
    buffers: { x: input(0), y: output },
    params: { rows, d1, d2, d3, x0, x1, x2, x3, b0, b1, b2, b3 },
    units: Math.ceil(rows / ROWS),
  });
}

/** Where the rows of one input go in a larger output. */
export interface RegionProblem {
  /** Which input. */
  readonly index: number;
  readonly rows: number;
  /** Elements of a row of the input. */
  readonly width: number;
  /** Elements of a row of the output. */
  readonly outputWidth: number;
  /** Where the input's row starts in the output's. */
  readonly start: number;
}

/** Copies the rows of an input into the output. */
export function copyRegionWasm(
  { index, rows, width, outputWidth, start }: RegionProblem,
): Launch {
  return launch("copy_region", {
    buffers: { x: input(index), y: output },
    params: { x_width: width, y_width: outputWidth, y_start: start },
    units: rows * blocks(width),
  });
}
