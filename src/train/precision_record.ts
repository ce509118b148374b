import { Plateau } from "../optim/plateau.ts";
import type { Best, LoopState } from "./checkpoints/loop_state.ts";
import type { Recipe } from "./recipe.ts";

/** What the measurements during a run have said, and what follows from it. */
export class PrecisionRecord {
  readonly #recipe: Recipe;
  readonly #patience: number;
  readonly #plateau: Plateau | undefined;
  #best: Best | null;
  #sinceBest: number;

  /**
   * @param patience measurements without a better one after which training stops; 0: never
   * @param state where an earlier process stopped
   */
  constructor(recipe: Recipe, patience: number, state: LoopState) {
    this.#recipe = recipe;
    this.#patience = patience;
    this.#best = state.best;
    this.#sinceBest = state.sinceBest;
    if (recipe.schedule === "plateau") {
      this.#plateau = new Plateau(recipe.plateauPatience, state.plateau ?? undefined);
    }
  }

  get best(): Best | null {
    return this.#best;
  }

  /** What the learning rate is multiplied by after the plateaus so far. */
  get learningRateFactor(): number {
    return this.#recipe.decayFactor ** (this.#plateau?.state.drops ?? 0);
  }

  get hasLostPatience(): boolean {
    return this.#patience > 0 && this.#sinceBest >= this.#patience;
  }

  /** Takes a measurement during training. True if it is the best so far. */
  observe(step: number, precision: number): boolean {
    this.#plateau?.observe(precision);
    const isBest = this.observeEnd(step, precision);
    if (!isBest) this.#sinceBest++;
    return isBest;
  }

  /** Takes the measurement at the end: it counts for the best, not for patience. */
  observeEnd(step: number, precision: number): boolean {
    if (this.#best !== null && precision <= this.#best.precision) return false;
    this.#best = { step, precision };
    this.#sinceBest = 0;
    return true;
  }

  /** Goes back to an earlier best, whose checkpoint exists where that of the last does not. */
  forgetBest(former: Best | null): void {
    this.#best = former;
  }

  /** What a resumed run goes on with. */
  get state(): Pick<LoopState, "best" | "sinceBest" | "plateau"> {
    const plateau = this.#plateau?.state ?? null;
    return { best: this.#best, sinceBest: this.#sinceBest, plateau };
  }
}
