/** Sizes of the axes, slowest first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Element types. Labels and positions are u32, all else f32. */
export type DType = "f32" | "u32";

/** The number of elements: the product of the sizes. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

/** `[128, 24, 24, 3]`, as error messages show it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/**
 * The shape to which `a` and `b` broadcast by NumPy's rule, or undefined if they do not.
 */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out.push(Math.max(x, y));
  }
  return out;
}

/** Checks that every size is a whole number of at least 1. */
export function checkShape(what: string, shape: Shape): Shape {
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(
        `Cannot make ${what} as every size must be a whole number of at least 1: current shape is ${
          formatShape(shape)
        }`,
      );
    }
  }
  return shape;
}
