import { formatShape, sameShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** The two ops that differentiation itself needs; `ops/grad.ts` provides them. */
export interface Accumulator {
  /** The seed: ones in the loss's shape. */
  ones(like: Tensor): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
}

/**
 * Reverse-mode differentiation (Speelpenning 1980): walks the graph from `loss` back to `wrt`,
 * applying each op's vjp once, and returns the gradient of each tensor of `wrt`.
 * A tensor of `wrt` is treated as a leaf, even if it is a view of another.
 *
 * @throws {TypeError} if the loss is not a scalar, or does not depend on a tensor of `wrt`.
 */
export function backward(
  loss: Tensor,
  wrt: readonly Tensor[],
  { ones, add }: Accumulator,
): Tensor[] {
  if (loss.shape.length !== 0) {
    throw new TypeError(
      `Cannot differentiate ${loss.name} as a loss must be a scalar: current shape is ${
        formatShape(loss.shape)
      }`,
    );
  }
  const targets = new Set(wrt);
  const needed = dependents(loss, targets);
  const gradients = new Map<Tensor, Tensor>([[loss, ones(loss)]]);
  // Ids grow along the graph, so descending ids visit every reader of a node before the node.
  const nodes = [...needed].sort((a, b) => b.id - a.id);
  for (const node of nodes) {
    const dy = gradients.get(node);
    if (dy === undefined || targets.has(node) || node.op === undefined) continue;
    const contributions = node.op.vjp(dy, node);
    node.inputs.forEach((input, i) => {
      const dx = contributions[i];
      if (dx === null || !needed.has(input)) return;
      if (!sameShape(dx.shape, input.shape)) {
        throw new Error(
          `vjp of ${node.name} gave ${formatShape(dx.shape)} for an input of ${
            formatShape(input.shape)
          }`,
        );
      }
      const before = gradients.get(input);
      gradients.set(input, before === undefined ? dx : add(before, dx));
    });
  }
  return wrt.map((target) => {
    const gradient = gradients.get(target);
    if (gradient === undefined) {
      throw new TypeError(
        `Cannot differentiate ${loss.name} in ${target.name} as it does not depend on it`,
      );
    }
    return gradient;
  });
}

/** The nodes between `targets` and `root`, both included. */
function dependents(root: Tensor, targets: ReadonlySet<Tensor>): Set<Tensor> {
  const needed = new Set<Tensor>();
  const seen = new Map<Tensor, boolean>();
  const visit = (node: Tensor): boolean => {
    const known = seen.get(node);
    if (known !== undefined) return known;
    let depends = targets.has(node);
    if (!depends) { for (const input of node.inputs) depends = visit(input) || depends; }
    seen.set(node, depends);
    if (depends) needed.add(node);
    return depends;
  };
  visit(root);
  return needed;
}
