// Choosing examples by class: a validation part, and a smaller data set.

import { permutation, STREAMS } from "../util/random.ts";

/** Numbers of examples, rising. */
export interface ValidationSplit {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * Sets a part of the examples aside: `fraction` of them, of each class its share to within one example
 * (largest remainder). A pure function of its arguments.
 *
 * @param labels the label of each example
 * @param fraction between 0 and 1
 */
export function stratifiedSplit(
  labels: ArrayLike<number>,
  fraction: number,
  seed: number,
): ValidationSplit {
  const validation = stratifiedSubset(labels, Math.round(labels.length * fraction), seed);
  const chosen = new Uint8Array(labels.length);
  for (const index of validation) chosen[index] = 1;
  const train = new Uint32Array(labels.length - validation.length);
  for (let i = 0, next = 0; i < labels.length; i++) if (chosen[i] === 0) train[next++] = i;
  return { train, validation };
}

/** `count` of the examples, of each class its share to within one example; rising. */
export function stratifiedSubset(
  labels: ArrayLike<number>,
  count: number,
  seed: number,
): Uint32Array {
  const classes = examplesByClass(labels);
  const quotas = largestRemainder(classes.map(({ length }) => length), count);
  const chosen: number[] = [];
  classes.forEach((examples, label) => {
    const order = permutation(examples.length, seed, STREAMS.split, label);
    for (let i = 0; i < quotas[label]; i++) chosen.push(examples[order[i]]);
  });
  return Uint32Array.from(chosen).sort();
}

/** How many examples each class has, by label. */
export function classHistogram(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts;
}

function examplesByClass(labels: ArrayLike<number>): number[][] {
  const classes: number[][] = [];
  for (let i = 0; i < labels.length; i++) (classes[labels[i]] ??= []).push(i);
  // A label without examples leaves a hole.
  return Array.from(classes, (examples) => examples ?? []);
}

/** Whole numbers in proportion to the sizes that add up to `total` (at most the sum of the sizes). */
function largestRemainder(sizes: readonly number[], total: number): number[] {
  const sum = sizes.reduce((a, b) => a + b, 0);
  const wanted = Math.min(total, sum);
  const exact = sizes.map((size) => size * wanted / sum);
  const quotas = exact.map(Math.floor);
  const missing = wanted - quotas.reduce((a, b) => a + b, 0);
  const byRemainder = exact
    .map((share, index) => ({ index, remainder: share - quotas[index] }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder.slice(0, missing)) quotas[index]++;
  return quotas;
}
