import { type Shape, sizeOf } from "../tensor/shape.ts";

/** Parameters in a block: their shapes, their own factors of the learning rate, and where they lie, in elements. */
export interface BlockLayout<
  S extends { readonly shape: Shape } = { readonly shape: Shape; readonly rate: number },
> {
  readonly specs: readonly S[];
  readonly offsets: readonly number[];
  readonly size: number;
}

/** A block with a number for each parameter in all of its places; gaps are zeros. */
export function filledBlock<S extends { readonly shape: Shape }>(
  { specs, offsets, size }: BlockLayout<S>,
  valueOf: (spec: S) => number,
): Float32Array<ArrayBuffer> {
  const block = new Float32Array(size);
  specs.forEach((spec, i) => {
    block.fill(valueOf(spec), offsets[i], offsets[i] + sizeOf(spec.shape));
  });
  return block;
}
