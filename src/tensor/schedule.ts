import type { Tensor } from "./tensor.ts";

/**
 * The nodes that `roots` need, in the order in which they run: creation order, but whatever depends on
 * an update comes last, so that every other reader sees a variable's old value.
 *
 * @throws {Error} if a node would read a variable, or a view of it, after its update without going through the update.
 */
export function schedule(roots: readonly Tensor[]): Tensor[] {
  const reached = new Set<Tensor>();
  const stack = [...roots];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    stack.push(...node.inputs);
  }
  const nodes = [...reached].sort((a, b) => a.id - b.id);
  const late = new Set<Tensor>();
  for (const node of nodes) {
    if (node.op?.storage.kind === "in-place" || node.inputs.some((i) => late.has(i))) {
      late.add(node);
    }
  }
  const order = [...nodes.filter((n) => !late.has(n)), ...nodes.filter((n) => late.has(n))];
  checkUpdates(order);
  return order;
}

function checkUpdates(order: readonly Tensor[]): void {
  const updatedBy = new Map<Tensor, Tensor>();
  for (const node of order) {
    for (const input of node.inputs) {
      const update = updatedBy.get(baseOf(input));
      if (update !== undefined && !throughUpdate(input)) {
        throw new Error(
          `Cannot schedule ${node.name} as it reads ${input.name} after ${update.name}: ` +
            "read the update's result instead",
        );
      }
    }
    if (node.op?.storage.kind === "in-place") updatedBy.set(baseOf(node), node);
  }
}

/** The node that owns the memory of `node`. */
export function baseOf(node: Tensor): Tensor {
  let base = node;
  while (base.op?.storage.kind === "alias" || base.op?.storage.kind === "in-place") {
    base = base.inputs[0];
  }
  return base;
}

function throughUpdate(node: Tensor): boolean {
  let current = node;
  while (current.op?.storage.kind === "alias") current = current.inputs[0];
  return current.op?.storage.kind === "in-place";
}
