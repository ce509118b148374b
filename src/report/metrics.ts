import { DataError } from "../util/errors.ts";
import { ioError } from "../util/io_errors.ts";

/** One line of `metrics.jsonl`: names and values. */
export type MetricsRecord = Readonly<Record<string, number | string | boolean | null>>;

/** Appends to `metrics.jsonl`. */
export interface MetricsWriter extends Disposable {
  /**
   * Appends one line, handed to the system before this returns, so that a crash of the process loses
   * nothing. NaN and infinities, which JSON lacks, become the strings `NaN` and `Infinity`.
   */
  write(record: MetricsRecord): void;
  /** Closes the file; once more is harmless. */
  close(): void;
}

const NEWLINE = 0x0a;
const TAIL_BYTES = 1 << 20;

/**
 * Opens a file of metrics for appending; what a crash left of a last line is cut off first.
 *
 * @throws {UserError} if it cannot be written
 */
export function openMetrics(path: string): MetricsWriter {
  let file: Deno.FsFile | null = null;
  try {
    file = Deno.openSync(path, { read: true, append: true, create: true });
    cutHalfLine(file);
  } catch (error) {
    file?.close();
    throw ioError("write", path, error);
  }
  function close(): void {
    file?.close();
    file = null;
  }
  return {
    write(record) {
      if (file === null) throw new Error(`Cannot write to ${path}: it is closed`);
      try {
        writeAll(file, new TextEncoder().encode(`${JSON.stringify(record, finite)}\n`));
      } catch (error) {
        throw ioError("write", path, error);
      }
    },
    close,
    [Symbol.dispose]: close,
  };
}

/**
 * The records of a file of metrics; a last line that a crash cut short is left out.
 *
 * @throws {UserError} if it cannot be read
 * @throws {DataError} if any other line is not a JSON object
 */
export function readMetrics(path: string): MetricsRecord[] {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw ioError("read", path, error);
  }
  return parseMetrics(text, path);
}

/** The records of the text of `metrics.jsonl`; `source` names it in errors. */
export function parseMetrics(text: string, source: string): MetricsRecord[] {
  const lines = text.split("\n");
  // Every line ends with a newline when it is written, so what follows the last one is a part.
  lines.pop();
  return lines.map((line, index) => {
    const record = parseLine(line);
    if (record !== undefined) return record;
    throw new DataError(`${source}, line ${index + 1}: expected a JSON object`, {
      hint: "remove the line",
    });
  });
}

function parseLine(line: string): MetricsRecord | undefined {
  try {
    const value = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function finite(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function cutHalfLine(file: Deno.FsFile): void {
  const { size } = file.statSync();
  const tail = new Uint8Array(Math.min(size, TAIL_BYTES));
  file.seekSync(size - tail.length, Deno.SeekMode.Start);
  let filled = 0;
  for (let read: number | null = 1; filled < tail.length && read !== null; filled += read ?? 0) {
    read = file.readSync(tail.subarray(filled));
  }
  const whole = tail.lastIndexOf(NEWLINE) + 1;
  if (whole < tail.length) file.truncateSync(size - tail.length + whole);
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}
