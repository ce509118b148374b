import { input, type LaunchList, output } from "../engine/launch.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import { blocks, launch } from "../wasm/launch.ts";
import { fourAxes } from "./check.ts";

/** y = f(x), `code` as in `UNARY`; the slope is the leaky ReLU's. */
export function unaryWasm(shape: Shape, code: number, slope: number): LaunchList {
  const length = sizeOf(shape);
  return {
    launches: [launch("unary", {
      buffers: { x: input(0), y: output },
      params: { length, function: code, slope },
      units: blocks(length),
    })],
  };
}

/** y = factor * x + offset. */
export function affineWasm(shape: Shape, factor: number, offset: number): LaunchList {
  const length = sizeOf(shape);
  return {
    launches: [launch("affine", {
      buffers: { x: input(0), y: output },
      params: { length, factor, offset },
      units: blocks(length),
    })],
  };
}

/** What `binaryWasm` is given: `code` as in `BINARY`, and strides of four axes for both inputs. */
export interface BinaryProblem {
  readonly shape: Shape;
  readonly code: number;
  readonly factor: number;
  /** Both inputs have the output's shape. */
  readonly same: boolean;
  readonly a: readonly [number, number, number, number];
  readonly b: readonly [number, number, number, number];
}

/** y = f(a, b), broadcast. */
export function binaryWasm({ shape, code, factor, same, a, b }: BinaryProblem): LaunchList {
  const length = sizeOf(shape);
  const [, d1, d2, d3] = fourAxes("binary", shape);
  const [a0, a1, a2, a3] = a;
  const [b0, b1, b2, b3] = b;
  return {
    launches: [launch("binary", {
      buffers: { a: input(0), b: input(1), y: output },
      params: {
        function: code,
        same: Number(same),
        factor,
        length,
        ...{ d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3 },
      },
      units: blocks(length),
    })],
  };
}
