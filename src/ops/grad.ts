import { backward } from "../tensor/backward.ts";
import { fill, type Tensor } from "../tensor/tensor.ts";
import { add } from "./elementwise.ts";

/**
 * The gradients of a scalar loss in each tensor of `wrt`, as new nodes.
 *
 * @throws {TypeError} if the loss is not a scalar or does not depend on a tensor of `wrt`.
 */
export function grad(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  return backward(loss, wrt, { ones: (like) => fill(1, like.shape), add });
}
