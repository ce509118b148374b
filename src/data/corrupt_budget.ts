import type { DataError } from "../util/errors.ts";

/** Hears of each example that is left out. */
export type SkipReporter = (message: string) => void;

/** How many damaged examples may be left out (`--skip-corrupt`) before the run stops; each is reported. */
export class CorruptBudget {
  readonly limit: number;
  readonly #report: SkipReporter;
  #skipped = 0;

  /** @param limit 0: the first damaged example is an error */
  constructor(limit = 0, report: SkipReporter = () => {}) {
    this.limit = limit;
    this.#report = report;
  }

  /** Examples left out so far. */
  get skipped(): number {
    return this.#skipped;
  }

  /**
   * Leaves an example out, and says so.
   *
   * @param fault names the file, the place, what was expected and what was found
   * @throws {DataError} the fault itself, if the budget is used up
   */
  skip(fault: DataError): void {
    if (this.#skipped >= this.limit) {
      if (this.limit > 0) fault.message += ` (${this.limit} were skipped before, as allowed)`;
      throw fault;
    }
    this.#skipped++;
    this.#report(`skipped ${this.#skipped} of at most ${this.limit}: ${fault.message}`);
  }
}
