import type { Tensor } from "../tensor/tensor.ts";
import type { NamedTensors, ParameterSpec } from "./parameters.ts";

/** An image classifier. */
export interface Model {
  readonly name: string;
  /** Height, width and channels of an input image. */
  readonly image: readonly [number, number, number];
  readonly classes: number;
  readonly parameters: readonly ParameterSpec[];
  /** Images [N, H, W, C] to logits [N, classes]. */
  logits(parameters: NamedTensors, images: Tensor): Tensor;
}
