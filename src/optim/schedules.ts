/** How the learning rate follows from the step. */
export type ScheduleName =
  | "step"
  | "exponential"
  | "cosine"
  | "linear"
  | "triangle"
  | "constant"
  | "plateau";

/** Constants of a schedule; each function reads those that it names. */
export interface Schedule {
  /** The rate at step 0, before the warm-up; of `triangle` the largest. */
  readonly initial: number;
  /** What the rate is multiplied by at each decay. */
  readonly factor: number;
  /** Steps from one decay to the next. */
  readonly decaySteps: number;
  /** Rising steps at which `step` decays; empty: every `decaySteps`. */
  readonly milestones: readonly number[];
  /** Where `triangle` starts, */
  readonly start: number;
  /** and the share of the steps behind which it is at its largest. */
  readonly peak: number;
  /** Where `cosine`, `linear` and `triangle` end, */
  readonly final: number;
  /** and the step at which they do. */
  readonly totalSteps: number;
  /** Steps over which the rate first rises. */
  readonly warmupSteps: number;
}

/** The rate by the name of its schedule, without warm-up. What plateaus drop is the caller's to multiply in. */
const RATES: Readonly<Record<ScheduleName, (schedule: Schedule, step: number) => number>> = {
  step: (schedule, step) =>
    schedule.milestones.length === 0
      ? staircaseDecay(schedule, step)
      : milestoneDecay(schedule, step),
  exponential: exponentialDecay,
  cosine: cosineDecay,
  linear: linearDecay,
  triangle: triangleRate,
  constant: ({ initial }) => initial,
  plateau: ({ initial }) => initial,
};

/** The learning rate of a step by a schedule, warm-up included. */
export function scheduledRate(name: ScheduleName, schedule: Schedule, step: number): number {
  return RATES[name](schedule, step) * warmup(schedule.warmupSteps, step);
}

/** Constants of the staircase schedule. */
export type StaircaseDecay = Pick<Schedule, "initial" | "factor" | "decaySteps">;

/** initial * factor^floor(step / decaySteps) (TensorFlow's exponential_decay with staircase). */
export function staircaseDecay(
  { initial, factor, decaySteps }: StaircaseDecay,
  step: number,
): number {
  return initial * factor ** Math.floor(step / decaySteps);
}

/** initial * factor^(step / decaySteps) (TensorFlow's exponential_decay). */
export function exponentialDecay(
  { initial, factor, decaySteps }: StaircaseDecay,
  step: number,
): number {
  return initial * factor ** (step / decaySteps);
}

/** initial * factor^n, n the number of milestones reached (PyTorch's MultiStepLR). */
export function milestoneDecay(
  { initial, factor, milestones }: Pick<Schedule, "initial" | "factor" | "milestones">,
  step: number,
): number {
  return initial * factor ** milestones.filter((milestone) => milestone <= step).length;
}

/** Constants of the schedules that end. */
export type EndingDecay = Pick<Schedule, "initial" | "final" | "totalSteps">;

/**
 * final + (initial - final) (1 + cos(pi step / totalSteps)) / 2; from totalSteps on, final (Loshchilov and
 * Hutter, "SGDR: Stochastic gradient descent with warm restarts", 2017, without restarts).
 */
export function cosineDecay({ initial, final, totalSteps }: EndingDecay, step: number): number {
  const done = Math.min(step / totalSteps, 1);
  return final + (initial - final) * (1 + Math.cos(Math.PI * done)) / 2;
}

/** initial + (final - initial) step / totalSteps; from totalSteps on, final. */
export function linearDecay({ initial, final, totalSteps }: EndingDecay, step: number): number {
  return initial + (final - initial) * Math.min(step / totalSteps, 1);
}

/**
 * From start to initial in a straight line over floor(peak totalSteps) steps, then to final at totalSteps (the
 * one-cycle rate of L. Smith, "Super-convergence", 2018, as cifar10-airbench has it).
 */
export function triangleRate(
  { initial, start, peak, final, totalSteps }: EndingDecay & Pick<Schedule, "start" | "peak">,
  step: number,
): number {
  const top = Math.floor(peak * totalSteps);
  if (step < top) return start + (initial - start) * step / top;
  return initial + (final - initial) * Math.min((step - top) / (totalSteps - top), 1);
}

/** The factor of a warm-up: (step + 1) / warmupSteps, at most 1 (Goyal et al., "Accurate, large minibatch SGD", 2017). */
export function warmup(warmupSteps: number, step: number): number {
  return step + 1 < warmupSteps ? (step + 1) / warmupSteps : 1;
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
