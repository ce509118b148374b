/** What one log line of training says. */
export interface LogEntry {
  /** When, in milliseconds since 1970, with fractions: see {@linkcode wallClock}. */
  readonly time: number;
  readonly step: number;
  readonly loss: number;
  /** Images a second. */
  readonly examplesPerSec: number;
  /** Seconds a step. */
  readonly secPerBatch: number;
}

/**
 * The log line of TensorFlow's CIFAR-10 tutorial (`cifar10_train.py`), letter for letter:
 * `2015-11-04 11:45:45.927302: step 0, loss = 4.68 (2.0 examples/sec; 64.221 sec/batch)`
 */
export function logLine({ time, step, loss, examplesPerSec, secPerBatch }: LogEntry): string {
  return `${formatTimestamp(time)}: step ${step}, loss = ${loss.toFixed(2)} ` +
    `(${examplesPerSec.toFixed(1)} examples/sec; ${secPerBatch.toFixed(3)} sec/batch)`;
}

/** The line of the tutorial's `cifar10_eval.py`: `<timestamp>: precision @ 1 = 0.860`. */
export function precisionLine(time: number, precision: number): string {
  return `${formatTimestamp(time)}: precision @ 1 = ${precision.toFixed(3)}`;
}

/**
 * Local time as Python prints `datetime.now()`: `2015-11-04 11:45:45.927302`, without the point and
 * what follows where the microseconds are zero. `time` is in milliseconds since 1970.
 */
export function formatTimestamp(time: number): string {
  const totalMicroseconds = Math.round(time * 1000);
  const date = new Date(Math.floor(totalMicroseconds / 1000));
  const microseconds = date.getMilliseconds() * 1000 + totalMicroseconds % 1000;
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const fraction = microseconds === 0 ? "" : `.${String(microseconds).padStart(6, "0")}`;
  return `${day} ${clock}${fraction}`;
}

/** Now, in milliseconds since 1970 with microseconds behind the point, which `Date.now` lacks. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}
