// What the acquisition of data tells its user: lines, and a progress bar on a terminal.

/** Receives what a long job has to say. */
export interface AcquireReporter {
  /** One line: what is done, and why. */
  message(text: string): void;
  /** How far a part of the job is, bytes; the last call has `done === total`. */
  progress(label: string, done: number, total: number): void;
}

/** Says nothing. */
export const SILENT: AcquireReporter = { message() {}, progress() {} };

const BAR_CELLS = 30;
const REDRAW_MS = 100;
const PLAIN_STEPS = 10;

/** Where a reporter writes, and whether that is a terminal. */
export interface ProgressOutput {
  write(text: string): void;
  readonly terminal: boolean;
}

/** The error stream of this process: progress stays out of the output proper. */
export function standardError(): ProgressOutput {
  const encoder = new TextEncoder();
  return {
    write: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
    terminal: Deno.stderr.isTerminal(),
  };
}

/**
 * A reporter that draws a bar on a terminal, and elsewhere prints a plain line at each tenth.
 *
 * @param now milliseconds, for the rate and to draw at most ten times a second
 */
export function createReporter(
  output: ProgressOutput = standardError(),
  now: () => number = () => performance.now(),
): AcquireReporter {
  let label = "";
  let startMs = 0;
  let startBytes = 0;
  let drawnMs = -Infinity;
  let tenth = -1;
  let open = false;

  function message(text: string): void {
    output.write(`${open ? "\r\x1b[K" : ""}${text}\n`);
    open = false;
  }

  function progress(part: string, done: number, total: number): void {
    const ms = now();
    if (part !== label || done < startBytes) {
      label = part;
      startMs = ms;
      startBytes = done;
      drawnMs = -Infinity;
      tenth = -1;
    }
    const last = done >= total;
    const rate = (done - startBytes) / Math.max(ms - startMs, 1) * 1000;
    if (output.terminal) {
      if (!last && ms - drawnMs < REDRAW_MS) return;
      drawnMs = ms;
      open = !last;
      output.write(`\r\x1b[K${barLine(part, done, total, rate)}${last ? "\n" : ""}`);
    } else {
      const reached = Math.floor(done / total * PLAIN_STEPS);
      if (reached === tenth) return;
      tenth = reached;
      output.write(plainLine(part, done, total, rate) + "\n");
    }
    if (last) label = "";
  }

  return { message, progress };
}

function barLine(label: string, done: number, total: number, rate: number): string {
  const filled = Math.round(done / total * BAR_CELLS);
  const bar = "█".repeat(filled) + "░".repeat(BAR_CELLS - filled);
  const left = rate > 0 && done < total ? `  ${secondsLeft((total - done) / rate)} left` : "";
  return `${label} ${bar} ${amounts(done, total)}${rateText(rate)}${left}`;
}

function plainLine(label: string, done: number, total: number, rate: number): string {
  return `${label} ${Math.floor(done / total * 100)} %, ${amounts(done, total)}${rateText(rate)}`;
}

function amounts(done: number, total: number): string {
  return `${megabytes(done)} of ${megabytes(total)} MB`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function rateText(rate: number): string {
  return rate > 0 ? `  ${megabytes(rate)} MB/s` : "";
}

function secondsLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
