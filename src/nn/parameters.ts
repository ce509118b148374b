import { viewAt } from "../ops/layout.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import { slotLayout } from "../tensor/storage.ts";
import { type Tensor, variable } from "../tensor/tensor.ts";
import {
  type ImageInitializer,
  type ImageSample,
  type Initializer,
  initializerStream,
} from "./initializers.ts";

/** One trainable tensor of a model. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: Initializer;
  /** Factor of the recipe's weight decay: its L2 loss is added with both; 0: none. */
  readonly decay: number;
  /** Factor of the recipe's learning rate; 0: the tensor stays as it is, and has no gradient. */
  readonly rate: number;
  /** Its start where there are training images to look at; then `initializer` is not asked. */
  readonly fromImages?: ImageInitializer;
  readonly limit?: LearningLimit;
}

/** The first epochs, behind which a parameter stays as it is. */
export interface LearningLimit {
  readonly epochs: number;
  /** Whether its rate falls in a straight line to zero over them, whatever the schedule. */
  readonly fades: boolean;
}

/** Tensors by parameter name. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/** Where each parameter lies in one flat block; in elements. */
export interface ParameterLayout {
  readonly specs: readonly ParameterSpec[];
  readonly offsets: readonly number[];
  /** Elements of the block, gaps included. */
  readonly size: number;
}

/**
 * Lays all parameters out in one block, so that one launch updates them all and one read saves them.
 */
export function parameterLayout(specs: readonly ParameterSpec[]): ParameterLayout {
  return { specs, ...slotLayout(specs.map(({ shape }) => shape)) };
}

/** The number of trainable values, gaps not counted. */
export function countParameters(specs: readonly ParameterSpec[]): number {
  return specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/**
 * Initial values of the block; a pure function of the seed, and of the images where parameters start from them.
 */
export function initialValues(
  { specs, offsets, size }: ParameterLayout,
  seed: number,
  images?: ImageSample,
): Float32Array<ArrayBuffer> {
  const block = new Float32Array(size);
  specs.forEach(({ shape, initializer, fromImages }, i) => {
    const values = images && fromImages
      ? fromImages(images)
      : initializer(sizeOf(shape), initializerStream(seed, i));
    block.set(values, offsets[i]);
  });
  return block;
}

/** A variable that holds the whole block. */
export function parameterBlock(
  name: string,
  layout: ParameterLayout,
  values: Float32Array<ArrayBuffer>,
): Tensor {
  return variable(name, [layout.size], values);
}

/** The parameters as views of a block. */
export function parameterViews({ specs, offsets }: ParameterLayout, block: Tensor): NamedTensors {
  return Object.fromEntries(
    specs.map(({ name, shape }, i) => [name, viewAt(block, shape, offsets[i])]),
  );
}

/** Splits a block's values by parameter name; views, not copies. */
export function splitBlock(
  { specs, offsets }: ParameterLayout,
  block: Float32Array<ArrayBuffer>,
): Record<string, Float32Array<ArrayBuffer>> {
  return Object.fromEntries(
    specs.map((
      { name, shape },
      i,
    ) => [name, block.subarray(offsets[i], offsets[i] + sizeOf(shape))]),
  );
}
