/** How a kernel reads an axis: in whole vec4s where its length allows, else number by number. */
export interface VectorWidth {
  readonly width: 1 | 4;
  /** WGSL type of one load of numbers, */
  readonly elem: "f32" | "vec4f";
  /** of positions, */
  readonly place: "u32" | "vec4u";
  /** and of comparisons. */
  readonly truth: "bool" | "vec4<bool>";
}

const SCALAR: VectorWidth = { width: 1, elem: "f32", place: "u32", truth: "bool" };
const QUAD: VectorWidth = { width: 4, elem: "vec4f", place: "vec4u", truth: "vec4<bool>" };

/** The widest loads along an axis of this many elements. */
export function vectorWidth(length: number): VectorWidth {
  return length % 4 === 0 ? QUAD : SCALAR;
}
