/** Constants of the staircase schedule. */
export interface StaircaseDecay {
  readonly initial: number;
  /** What the rate is multiplied by at each stair. */
  readonly factor: number;
  /** Steps of a stair. */
  readonly decaySteps: number;
}

/** initial * factor^floor(step / decaySteps) (TensorFlow's exponential_decay with staircase). */
export function staircaseDecay(
  { initial, factor, decaySteps }: StaircaseDecay,
  step: number,
): number {
  return initial * factor ** Math.floor(step / decaySteps);
}

/** Steps between decays: int(images / batch * epochs), as the reference computes it. */
export function decaySteps(images: number, batchSize: number, epochs: number): number {
  return Math.max(1, Math.trunc(images / batchSize * epochs));
}

/**
 * The effective decay of a moving average after `updates` steps: min(decay, (1 + updates) / (10 + updates)),
 * so that early averages follow quickly (TensorFlow's ExponentialMovingAverage with num_updates).
 */
export function warmedDecay(decay: number, updates: number): number {
  return Math.min(decay, (1 + updates) / (10 + updates));
}
