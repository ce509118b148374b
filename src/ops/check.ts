import type { DType, Shape } from "../tensor/shape.ts";
import { formatShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Checks the number of inputs, and that each is f32. */
export function checkInputs(op: string, inputs: readonly Tensor[], dtypes: readonly DType[]): void {
  if (inputs.length !== dtypes.length) {
    throw new TypeError(
      `Cannot apply ${op} as it takes ${dtypes.length} tensors: given ${inputs.length}`,
    );
  }
  inputs.forEach((tensor, i) => {
    if (tensor.dtype !== dtypes[i]) {
      throw new TypeError(
        `Cannot apply ${op} as input ${i} must be ${dtypes[i]}: ${tensor.name} is ${tensor.dtype}`,
      );
    }
  });
}

/** Checks the rank of an input and returns its shape. */
export function checkRank<N extends number>(
  op: string,
  what: string,
  tensor: Tensor,
  rank: N,
): Shape {
  if (tensor.shape.length !== rank) {
    throw new RangeError(
      `Cannot apply ${op} as ${what} must have ${rank} axes: current shape is ${
        formatShape(tensor.shape)
      }`,
    );
  }
  return tensor.shape;
}

/** Fails with both shapes named unless the condition holds. */
export function checkShapes(op: string, rule: string, holds: boolean, ...shapes: Shape[]): void {
  if (!holds) {
    throw new RangeError(
      `Cannot apply ${op} as ${rule}: current shapes are ${shapes.map(formatShape).join(" and ")}`,
    );
  }
}

/** Checks that an attribute is a whole number of at least `low`. */
export function checkInteger(op: string, name: string, value: number, low: number): void {
  if (!Number.isInteger(value) || value < low) {
    throw new RangeError(
      `Cannot apply ${op} as ${name} must be a whole number of at least ${low}: current value is ${value}`,
    );
  }
}

/** Bytes of f32 or u32 values in the given shapes. */
export function bytesOfShapes(...shapes: Shape[]): number {
  return shapes.reduce((sum, shape) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
}

/** A shape of up to four axes as exactly four, with ones in front. */
export function fourAxes(op: string, shape: Shape): [number, number, number, number] {
  if (shape.length > 4) {
    throw new RangeError(
      `Cannot apply ${op} as it takes at most 4 axes: current shape is ${formatShape(shape)}`,
    );
  }
  const padded = [1, 1, 1, 1, ...shape].slice(-4);
  return padded as [number, number, number, number];
}
