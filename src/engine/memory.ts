/** Counts the bytes that an engine holds, and refuses to pass a budget. */
export class MemoryLedger {
  #used = 0;
  #peak = 0;
  #buffers = 0;
  readonly #labels = new Map<string, number>();

  /** `budget` in bytes; Infinity if unbounded. */
  constructor(readonly budget: number = Infinity) {}

  /** Bytes held now. */
  get used(): number {
    return this.#used;
  }

  /** The most bytes ever held at once. */
  get peak(): number {
    return this.#peak;
  }

  /** Buffers held now. */
  get buffers(): number {
    return this.#buffers;
  }

  /** Bytes held now, by label. */
  get byLabel(): ReadonlyMap<string, number> {
    return this.#labels;
  }

  /** True if `bytes` more would stay within the budget. */
  fits(bytes: number): boolean {
    return this.#used + bytes <= this.budget;
  }

  add(label: string, bytes: number): void {
    this.#used += bytes;
    this.#buffers++;
    this.#peak = Math.max(this.#peak, this.#used);
    this.#labels.set(label, (this.#labels.get(label) ?? 0) + bytes);
  }

  remove(label: string, bytes: number): void {
    this.#used -= bytes;
    this.#buffers--;
    const left = (this.#labels.get(label) ?? 0) - bytes;
    if (left > 0) this.#labels.set(label, left);
    else this.#labels.delete(label);
  }
}
