import type { AdapterKind } from "../engine/launch.ts";
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

/** The most rolled trips of an invocation on a software adapter; lavapipe ends its loops after 65,535, silently. */
export const MAX_TRIPS = 60_000;

/** Trips of a rolled loop whose body takes `body` trips in loops of its own; the test that ends it counts as one. */
export function rolledTrips(count: number, body = 0): number {
  return count * (1 + body) + 1;
}

/** Trips of a loop that takes four elements a trip and of the one that takes the rest. */
export function rolledTripsByFour(count: number): number {
  return rolledTrips(Math.floor(count / 4)) + rolledTrips(count % 4);
}

/** Checks that a software adapter would not cut off a kernel's loops. Trips are those of one invocation. */
export function checkTrips(
  op: string,
  trips: number,
  kind: AdapterKind,
  ...shapes: Shape[]
): void {
  if (kind !== "gpu" && trips > MAX_TRIPS) {
    throw new RangeError(
      `Cannot apply ${op} as software WebGPU adapters cut off loops of more than ${MAX_TRIPS} trips ` +
        `and this would take ${trips}, which the CPU engine can: current shapes are ${
          shapes.map(formatShape).join(" and ")
        }`,
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
