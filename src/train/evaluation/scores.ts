// One image's scores, in float64: what rank its label has, and what the scores say as probabilities.

/**
 * Probabilities of logits: exp(z - max) / sum, [classes]. All are NaN if a logit is not finite.
 *
 * @param logits [classes]
 * @param out receives the probabilities, [classes]
 */
export function softmax(logits: ArrayLike<number>, out: Float64Array): void {
  let largest = -Infinity;
  let finite = true;
  for (let i = 0; i < logits.length; i++) {
    if (!Number.isFinite(logits[i])) finite = false;
    if (logits[i] > largest) largest = logits[i];
  }
  if (!finite) {
    out.fill(NaN);
    return;
  }
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    out[i] = Math.exp(logits[i] - largest);
    sum += out[i];
  }
  for (let i = 0; i < logits.length; i++) out[i] /= sum;
}

/** -log of the probability of the label: log(sum(exp(z - max))) - (z[label] - max), never below 0. */
export function crossEntropy(logits: ArrayLike<number>, label: number): number {
  let largest = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i] > largest) largest = logits[i];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - largest);
  return Math.log(sum) - (logits[label] - largest);
}

/**
 * How many classes have a higher score than the label: 0 if none has. As TensorFlow's `in_top_k`
 * ranks: a tie is decided for the label, and where any score is not finite nothing can be said, which
 * is a rank of Infinity.
 */
export function labelRank(scores: ArrayLike<number>, label: number): number {
  let above = 0;
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i])) return Infinity;
    if (scores[i] > scores[label]) above++;
  }
  return above;
}

/** The class of the highest score, the first of several; -1 if any score is not finite. */
export function bestClass(scores: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i])) return -1;
    if (scores[i] > scores[best]) best = i;
  }
  return best;
}

/** The classes of the `k` highest scores, best first; of equal ones the first comes first. */
export function topClasses(scores: ArrayLike<number>, k: number): number[] {
  const order = Array.from({ length: scores.length }, (_, i) => i);
  return order.sort((a, b) => scores[b] - scores[a] || a - b).slice(0, k);
}
