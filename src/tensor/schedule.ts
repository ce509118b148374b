import type { Tensor } from "./tensor.ts";

/**
 * The nodes that outputs and updates need, in the order in which they run: creation order, but whatever
 * depends on an update comes last, so that every other reader sees a variable's old value.
 *
 * @throws {Error} if a node or an output would read a variable, or a view of it, after an update without going through that update.
 */
export function schedule(outputs: readonly Tensor[], updates: readonly Tensor[] = []): Tensor[] {
  const reached = new Set<Tensor>();
  const stack = [...outputs, ...updates];
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
  checkUpdates(order, outputs);
  return order;
}

function checkUpdates(order: readonly Tensor[], outputs: readonly Tensor[]): void {
  const updatedBy = new Map<Tensor, Tensor>();
  const check = (reader: string, input: Tensor): void => {
    const update = updatedBy.get(baseOf(input));
    if (update !== undefined && behindViews(input) !== update) {
      throw new Error(
        `Cannot schedule ${reader} as it reads ${input.name} after ${update.name}: ` +
          "read the update's result instead",
      );
    }
  };
  for (const node of order) {
    for (const input of node.inputs) check(node.name, input);
    if (node.op?.storage.kind === "in-place") updatedBy.set(baseOf(node), node);
  }
  // Outputs are read when all has run.
  for (const output of outputs) check("an output", output);
}

/** The node that owns the memory of `node`. */
export function baseOf(node: Tensor): Tensor {
  let base = node;
  while (base.op?.storage.kind === "alias" || base.op?.storage.kind === "in-place") {
    base = base.inputs[0];
  }
  return base;
}

function behindViews(node: Tensor): Tensor {
  let current = node;
  while (current.op?.storage.kind === "alias") current = current.inputs[0];
  return current;
}
