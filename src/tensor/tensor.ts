import type { LaunchList, Target } from "../engine/launch.ts";
import { checkShape, type DType, formatShape, type Shape, sizeOf } from "./shape.ts";

/** Values of a tensor on the host. */
export type HostArray = Float32Array<ArrayBufferLike> | Uint32Array<ArrayBufferLike>;

/** The arithmetic and the traffic of one op, for profiles. Multiply and add count as two. */
export interface Cost {
  readonly flops: number;
  /** Bytes read and written at least once. */
  readonly bytes: number;
}

/**
 * How a node's memory relates to its inputs':
 * `own`; `alias` is input 0's memory from `offset` on (no launch); `in-place` writes input 0;
 * `pack` is one block in which the inputs are placed.
 */
export type Storage =
  | { readonly kind: "own" }
  | { readonly kind: "alias"; readonly offset: number }
  | { readonly kind: "in-place" }
  | { readonly kind: "pack"; readonly offsets: readonly number[] };

/** What an op does at one place of a graph, its attributes bound. */
export interface OpInstance {
  readonly name: string;
  readonly storage: Storage;
  launches(target: Target): LaunchList;
  /** Gradients for the inputs, null where there is none. Throws `TypeError` if the op has no gradient. */
  vjp(dy: Tensor, output: Tensor): readonly (Tensor | null)[];
  /** The node's value where y > 0, else 0, as one op, if the op can fold that in. */
  masked(y: Tensor): Tensor | undefined;
  /** The op's definition in float64. In-place ops return input 0's new value. */
  reference(inputs: readonly Float64Array[]): Float64Array;
  cost(): Cost;
}

/** Where a node without an op has its values from. */
export type Source =
  /** Given at every run. */
  | { readonly kind: "input" }
  /** Lives on the device from run to run; update ops write it. */
  | { readonly kind: "variable"; readonly initial: HostArray | (() => HostArray) }
  /** Uploaded once for a plan. */
  | { readonly kind: "constant"; readonly data: HostArray }
  /** One value everywhere; known while the graph is built, so that products with it can be folded. */
  | { readonly kind: "fill"; readonly value: number };

/** A node of a graph. Making one computes nothing. */
export interface Tensor {
  /** Creation order, which is also a topological order. */
  readonly id: number;
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly inputs: readonly Tensor[];
  readonly op: OpInstance | undefined;
  readonly source: Source | undefined;
}

let nextId = 0;

/** Makes a node; ops and sources call this, users call those. */
export function makeTensor(fields: Omit<Tensor, "id">): Tensor {
  checkShape(fields.name, fields.shape);
  return { id: nextId++, ...fields };
}

function makeSource(name: string, shape: Shape, dtype: DType, source: Source): Tensor {
  return makeTensor({ name, shape, dtype, inputs: [], op: undefined, source });
}

/** A tensor whose values are given by name at every run. */
export function placeholder(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
  return makeSource(name, shape, dtype, { kind: "input" });
}

/**
 * A tensor that keeps its values on the device from run to run and across plans.
 *
 * @throws {RangeError} if `initial` has not as many values as the shape.
 */
export function variable(name: string, shape: Shape, initial: HostArray): Tensor {
  checkLength(name, shape, initial);
  return makeSource(name, shape, dtypeOf(initial), { kind: "variable", initial });
}

/**
 * A variable whose initial values are made when they are uploaded, and not kept: for what is too large
 * to hold twice.
 */
export function lazyVariable(
  name: string,
  shape: Shape,
  dtype: DType,
  initial: () => HostArray,
): Tensor {
  return makeSource(name, shape, dtype, { kind: "variable", initial });
}

/** The initial values of a variable. */
export function initialOf(source: Extract<Source, { kind: "variable" }>): HostArray {
  return typeof source.initial === "function" ? source.initial() : source.initial;
}

/** A tensor of fixed values. */
export function constant(data: HostArray, shape: Shape, name = "constant"): Tensor {
  checkLength(name, shape, data);
  return makeSource(name, shape, dtypeOf(data), { kind: "constant", data });
}

/** A tensor with the same value everywhere. */
export function fill(value: number, shape: Shape = []): Tensor {
  return makeSource(`fill ${value}`, shape, "f32", { kind: "fill", value });
}

/** The value of a `fill` node, else undefined. */
export function fillValue(tensor: Tensor): number | undefined {
  return tensor.source?.kind === "fill" ? tensor.source.value : undefined;
}

/** Bytes of a tensor's values. */
export function bytesOf(tensor: Tensor): number {
  return sizeOf(tensor.shape) * 4;
}

function dtypeOf(data: HostArray): DType {
  return data instanceof Uint32Array ? "u32" : "f32";
}

function checkLength(name: string, shape: Shape, data: HostArray): void {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(
      `Cannot make ${name} as shape ${formatShape(shape)} has ${sizeOf(shape)} values: ` +
        `current data has ${data.length}`,
    );
  }
}
