import { sizeOf } from "./shape.ts";
import { type HostArray, initialOf, type Tensor } from "./tensor.ts";

/** Values by node, in float64. */
export type ReferenceValues = Map<Tensor, Float64Array>;

/**
 * Evaluates nodes by their ops' float64 references, without a device. Slow, and the oracle of the engines.
 *
 * @param feeds values of placeholders, by node; may also replace any other node's value.
 */
export function evaluateReference(
  outputs: readonly Tensor[],
  feeds: ReadonlyMap<Tensor, ArrayLike<number>> = new Map(),
): Float64Array[] {
  const values: ReferenceValues = new Map();
  for (const [node, data] of feeds) values.set(node, Float64Array.from(data));
  const visit = (node: Tensor): Float64Array => {
    let value = values.get(node);
    if (value === undefined) {
      value = node.op === undefined ? sourceValue(node) : node.op.reference(node.inputs.map(visit));
      values.set(node, value);
    }
    return value;
  };
  return outputs.map(visit);
}

function sourceValue(node: Tensor): Float64Array {
  const { source } = node;
  switch (source?.kind) {
    case "variable":
      return Float64Array.from(initialOf(source));
    case "constant":
      return Float64Array.from(source.data);
    case "fill":
      return new Float64Array(sizeOf(node.shape)).fill(source.value);
    default:
      throw new TypeError(`Cannot evaluate ${node.name} as no value was given for it`);
  }
}

/** Rounds float64 values to what a device would hold. */
export function toHost(values: Float64Array, dtype: Tensor["dtype"]): HostArray {
  return dtype === "u32" ? Uint32Array.from(values) : Float32Array.from(values);
}
