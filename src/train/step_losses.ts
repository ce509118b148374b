import { SLOT_ELEMENTS } from "../tensor/storage.ts";
import { NonFiniteLossError } from "../util/errors.ts";

/** The losses of one step. */
export interface StepLosses {
  readonly step: number;
  /** Cross-entropy plus weight decay, as it is minimized; the mean of the step's micro-batches. */
  readonly total: number;
  /** By term name. */
  readonly terms: Readonly<Record<string, number>>;
  /** L2 norm of the gradients of all parameters together, before it is clipped. */
  readonly gradientNorm: number;
  /** Moving average of the total up to this step; it starts at zero and is not debiased, as in the reference. */
  readonly average: number;
}

/** What to do when the loss is not finite any more. */
export const DIVERGED_HINT =
  "use a smaller --learning-rate; checkpoints that were written are intact, but the newest may be on " +
  "their way there";

/** What a step diverged by. */
export interface Divergence {
  readonly step: number;
  /**
   * What is not finite: the loss; the gradient's norm, as a ReLU hides a NaN from the loss; or weights
   * or running moments after the update.
   */
  readonly quantity: "loss" | "gradient" | "update";
  readonly value: number;
  /** The finite losses that were read with it, oldest first. */
  readonly before: readonly StepLosses[];
}

/** The loss of a step, its gradient or its update is NaN or infinite. */
export class DivergedError extends NonFiniteLossError implements Divergence {
  readonly step: number;
  readonly quantity: Divergence["quantity"];
  readonly value: number;
  readonly before: readonly StepLosses[];

  constructor({ step, quantity, value, before }: Divergence, hint: string = DIVERGED_HINT) {
    super(`the ${quantity} of step ${step} is ${value}: training has diverged`, { hint });
    this.step = step;
    this.quantity = quantity;
    this.value = value;
    this.before = before;
  }
}

/** What the losses of a run are made of. */
export interface LossSettings {
  /** Names of the terms, in the order of a row's slots. */
  readonly terms: readonly string[];
  /** Micro-batches of a step. */
  readonly accumulate: number;
  /** Decay of the moving average of the total. */
  readonly lossAverageDecay: number;
}

/** Makes the losses of steps of the rows that micro-batches record. */
export class LossReader {
  readonly #settings: LossSettings;
  readonly #sums: Float64Array;
  #step = 0;
  #parts = 0;
  #average = 0;

  constructor(settings: LossSettings) {
    this.#settings = settings;
    this.#sums = new Float64Array(settings.terms.length);
  }

  /** The moving average of the total, up to the last whole step. */
  get average(): number {
    return this.#average;
  }

  /** Goes on after `step` steps. */
  restart(step: number, average: number): void {
    this.#step = step;
    this.#parts = 0;
    this.#average = average;
    this.#sums.fill(0);
  }

  /**
   * Takes the row of the next micro-batch; the losses of its step if it is the last of them.
   *
   * @param before what was read with it, for the error
   * @throws {DivergedError} if a number is NaN or infinite
   */
  take(row: ArrayLike<number>, before: readonly StepLosses[]): StepLosses | undefined {
    const { terms, accumulate, lossAverageDecay } = this.#settings;
    terms.forEach((_, i) => this.#sums[i] += row[i * SLOT_ELEMENTS]);
    const gradientNorm = Math.sqrt(row[terms.length * SLOT_ELEMENTS]);
    const total = this.#sums.reduce((a, b) => a + b, 0);
    const step = this.#step;
    if (!Number.isFinite(total)) {
      throw new DivergedError({ step, quantity: "loss", value: total, before });
    }
    if (!Number.isFinite(gradientNorm)) {
      throw new DivergedError({ step, quantity: "gradient", value: gradientNorm, before });
    }
    if (++this.#parts < accumulate) return undefined;
    this.#average -= (1 - lossAverageDecay) * (this.#average - total);
    const losses: StepLosses = {
      step,
      total,
      terms: Object.fromEntries(terms.map((term, i) => [term, this.#sums[i]])),
      gradientNorm,
      average: this.#average,
    };
    this.restart(step + 1, this.#average);
    return losses;
  }
}
