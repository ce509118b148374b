import type { Journal, JournalRecord } from "../train/journal.ts";
import { DataError, type UserError } from "../util/errors.ts";
import { ioError, isDiskFull } from "../util/io_errors.ts";

/** One line of `metrics.jsonl`: names and values. */
export type MetricsRecord = JournalRecord;

/** Appends to `metrics.jsonl`. */
export interface MetricsWriter extends Journal, Disposable {
  /**
   * Appends one line, handed to the system before this returns, so that a crash of the process loses
   * nothing. NaN and infinities, which JSON lacks, become the strings `NaN` and `Infinity`.
   */
  write(record: MetricsRecord): void;
  /** Closes the file; once more is harmless. @throws {UserError} if lines are left that the disk did not take */
  close(): void;
}

/** What to do with lines that a full disk does not take. */
export interface MetricsOptions {
  /**
   * Hears that the disk is full, once until it takes lines again; they are kept in memory and written
   * then. Without it a full disk is an error.
   */
  readonly onFull?: (error: UserError) => void;
}

const NEWLINE = 0x0a;
const TAIL_BYTES = 1 << 20;

/**
 * Opens a file of metrics for appending; what a crash left of a last line is cut off first.
 *
 * @throws {UserError} if it cannot be written
 */
export function openMetrics(path: string, { onFull }: MetricsOptions = {}): MetricsWriter {
  let file: Deno.FsFile | null = null;
  /** Bytes of whole lines in the file, and lines that it lacks. */
  let written = 0;
  let waiting: Uint8Array[] = [];
  let isFull = false;
  try {
    file = Deno.openSync(path, { read: true, append: true, create: true });
    written = cutHalfLine(file);
  } catch (error) {
    file?.close();
    throw ioError("write", path, error);
  }
  function opened(): Deno.FsFile {
    if (file === null) throw new Error(`Cannot write to ${path}: it is closed`);
    return file;
  }
  /** Writes the lines that wait; of one that does not fit nothing stays. */
  function flush(file: Deno.FsFile): void {
    try {
      for (; waiting.length > 0; waiting.shift()) {
        writeAll(file, waiting[0]);
        written += waiting[0].length;
      }
      isFull = false;
    } catch (error) {
      file.truncateSync(written);
      throw ioError("write", path, error);
    }
  }
  function close(): void {
    try {
      if (file !== null) flush(file);
    } finally {
      file?.close();
      file = null;
    }
  }
  return {
    write(record) {
      const file = opened();
      waiting.push(new TextEncoder().encode(`${JSON.stringify(record, finite)}\n`));
      try {
        flush(file);
      } catch (error) {
        if (onFull === undefined || !isDiskFull(error)) throw error;
        if (!isFull) onFull(error as UserError);
        isFull = true;
      }
    },
    sync() {
      const file = opened();
      flush(file);
      try {
        file.syncSync();
      } catch (error) {
        throw ioError("write", path, error);
      }
      return written;
    },
    rewind(bytes) {
      const file = opened();
      waiting = [];
      if (bytes > written) return false;
      try {
        file.truncateSync(bytes);
        written = cutHalfLine(file);
      } catch (error) {
        throw ioError("write", path, error);
      }
      return true;
    },
    close,
    [Symbol.dispose]() {
      try {
        close();
      } catch {
        // Whoever does not call `close` leaves by an error of their own, which must be told.
      }
    },
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

/** Cuts off what follows the last whole line; returns the bytes that are left. */
function cutHalfLine(file: Deno.FsFile): number {
  const { size } = file.statSync();
  const tail = new Uint8Array(Math.min(size, TAIL_BYTES));
  file.seekSync(size - tail.length, Deno.SeekMode.Start);
  let filled = 0;
  for (let read: number | null = 1; filled < tail.length && read !== null; filled += read ?? 0) {
    read = file.readSync(tail.subarray(filled));
  }
  const whole = tail.lastIndexOf(NEWLINE) + 1;
  if (whole < tail.length) file.truncateSync(size - tail.length + whole);
  return size - tail.length + whole;
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}
