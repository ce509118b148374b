/** Adds up the time between `resume` and `pause`. Runs from the start. */
export class Stopwatch {
  #total = 0;
  #start: number | undefined = performance.now();

  get seconds(): number {
    const running = this.#start === undefined ? 0 : performance.now() - this.#start;
    return (this.#total + running) / 1000;
  }

  pause(): void {
    this.#total = this.seconds * 1000;
    this.#start = undefined;
  }

  resume(): void {
    this.#start ??= performance.now();
  }
}
