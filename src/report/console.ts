import { isDiskFull } from "../util/io_errors.ts";
import { type Cell, formatTable } from "../util/table.ts";
import { type Progress, progressLine } from "./progress.ts";

/** Where lines are printed. */
export interface Terminal {
  write(text: string): void;
  /** Whether a person looks at it, so that a line may be written over. */
  readonly isTerminal: boolean;
  readonly color: boolean;
  /** Its width now, in letters; it may change at any time. */
  columns(): number;
}

/** Prints log lines, and below them a line that shows where the run stands. */
export interface Console extends Disposable {
  /** Prints a line for good. */
  log(line: string): void;
  /** Shows where the run stands, at most ten times a second; nothing if it is no terminal. */
  progress(progress: Progress): void;
  /** Shows what is going on in place of the progress line, as often and only where that is shown. */
  status(text: string): void;
  /** Takes the progress line away. */
  clear(): void;
}

/** A title with its rows of name and value. */
export interface TableSection {
  readonly heading: string;
  readonly rows: readonly (readonly Cell[])[];
}

const REDRAW_MS = 100;
const CLEAR_LINE = "\r\x1b[2K";

/**
 * A console on a terminal, standard output by default. Where that is a file or a pipe, only whole
 * plain lines are written.
 *
 * @param now a clock in milliseconds
 */
export function createConsole(
  terminal: Terminal = stdoutTerminal(),
  now: () => number = () => performance.now(),
): Console {
  let drawnAt = -Infinity;
  let shown = "";

  function clear(): void {
    if (shown !== "") terminal.write(CLEAR_LINE);
    shown = "";
  }

  function draw(line: () => string): void {
    if (!terminal.isTerminal || now() - drawnAt < REDRAW_MS) return;
    drawnAt = now();
    shown = line();
    terminal.write(CLEAR_LINE + shown);
  }

  return {
    log(line) {
      // One write, so that the progress line does not flicker.
      terminal.write(`${shown === "" ? "" : CLEAR_LINE}${line}\n${shown}`);
    },
    progress: (progress) => draw(() => progressLine(progress, terminal.columns(), terminal.color)),
    status: (text) => draw(() => text.slice(0, Math.max(0, terminal.columns() - 1))),
    clear,
    [Symbol.dispose]: clear,
  };
}

/** Standard output. Colors are for terminals only, and not where NO_COLOR is set. */
export function stdoutTerminal(): Terminal {
  const isTerminal = Deno.stdout.isTerminal();
  return {
    write: writeStdout,
    isTerminal,
    color: isTerminal && !Deno.noColor,
    columns: () => {
      try {
        return Deno.consoleSize().columns || 80;
      } catch {
        return 80;
      }
    },
  };
}

/** The table printed when a run starts: sections of names and values in the same two columns. */
export function formatSections(sections: readonly TableSection[]): string {
  const rows = sections.flatMap((section) => section.rows);
  const names = Math.max(0, ...rows.map(([name]) => String(name).length));
  return sections.map(({ heading, rows }) => {
    const padded = rows.map(([name, ...values]) => [String(name).padEnd(names), ...values]);
    return formatTable(padded, { heading, indent: 2, align: "l".repeat(8) });
  }).join("\n");
}

function writeStdout(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
  } catch (error) {
    // `kiln | head` closes the pipe, a log's disk fills up: a long run must not die of that.
    if (!(error instanceof Deno.errors.BrokenPipe) && !isDiskFull(error)) throw error;
  }
}
