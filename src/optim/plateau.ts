/** What a plateau remembers; plain JSON. */
export interface PlateauState {
  /** The best precision so far; null before the first. */
  readonly best: number | null;
  /** Evaluations since then. */
  readonly waited: number;
  /** How often the learning rate has dropped: it is multiplied by the decay factor to this power. */
  readonly drops: number;
}

/**
 * Finds when the precision no longer rises (PyTorch's ReduceLROnPlateau with mode max, threshold 0 and
 * no cooldown).
 */
export class Plateau {
  readonly #patience: number;
  #state: PlateauState;

  /**
   * @param patience evaluations without a better one that are waited for
   * @param state where an earlier run stopped
   */
  constructor(
    patience: number,
    state: PlateauState = { best: null, waited: 0, drops: 0 },
  ) {
    this.#patience = patience;
    this.#state = state;
  }

  /** To be saved; a new plateau made of it goes on where this one stands. */
  get state(): PlateauState {
    return this.#state;
  }

  /** Takes the precision of an evaluation. True if the learning rate drops now. */
  observe(precision: number): boolean {
    const { best, waited, drops } = this.#state;
    if (best === null || precision > best) {
      this.#state = { best: precision, waited: 0, drops };
      return false;
    }
    const drop = waited + 1 > this.#patience;
    this.#state = drop
      ? { best, waited: 0, drops: drops + 1 }
      : { best, waited: waited + 1, drops };
    return drop;
  }
}
