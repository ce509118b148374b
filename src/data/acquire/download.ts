// Downloads one file of known length and SHA-256 over HTTP, and goes on where an earlier attempt
// stopped (RFC 9110, section 14: Range).

import { DataError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import type { AcquireReporter } from "./progress.ts";
import { fileBytes, removeIfThere, sha256OfFile, writeAll } from "./record_files.ts";

/** A file on a server. */
export interface Archive {
  readonly url: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** How patient a download is. */
export interface DownloadPatience {
  /** Until the server answers, ms. Default 10,000. */
  readonly connectMs?: number;
  /** Without a byte, ms. Default 30,000. */
  readonly stallMs?: number;
  /** Tries in a row that bring no byte, after the first byte has come. Default 4. */
  readonly tries?: number;
  /** Pause before try n: n times this, ms. Default 1,000. */
  readonly pauseMs?: number;
}

/** The server cannot be reached, or does not offer the file. The message says why. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** The connection ended too early; what has come is kept. */
class InterruptedError extends Error {}

/**
 * Downloads an archive to `path` and verifies it. Bytes that are already there are kept: the
 * server is asked for the rest. If the whole is wrong although part of it was old, the download
 * starts anew once.
 *
 * @param path of the file to append to
 * @throws {UnreachableError} if the server cannot be reached; `path` is kept
 * @throws {DataError} if the content is wrong, in which case `path` is removed
 * @throws {UserError} if `path` cannot be written
 */
export async function download(
  archive: Archive,
  path: string,
  reporter: AcquireReporter,
  patience: DownloadPatience = {},
): Promise<void> {
  const resumed = await bytesToKeep(path, archive);
  if (resumed > 0) reporter.message(`going on after ${resumed} of ${archive.bytes} bytes`);
  await downloadRest(archive, path, reporter, patience);
  const found = await sha256OfFile(path);
  if (found === archive.sha256) return;
  await removeIfThere(path);
  if (resumed > 0) {
    reporter.message("the resumed download is corrupted: starting anew");
    return await download(archive, path, reporter, patience);
  }
  throw new DataError(
    `Cannot use ${archive.url} as it is corrupted: expected sha256 ${archive.sha256}, found ${found}`,
    { hint: "try again, or name another copy of the archive with --data-url" },
  );
}

async function bytesToKeep(path: string, archive: Archive): Promise<number> {
  const bytes = await fileBytes(path) ?? 0;
  if (bytes <= archive.bytes) return bytes;
  await removeIfThere(path);
  return 0;
}

async function downloadRest(
  archive: Archive,
  path: string,
  reporter: AcquireReporter,
  patience: DownloadPatience,
): Promise<void> {
  const { tries = 4, pauseMs = 1000 } = patience;
  let have = await bytesToKeep(path, archive);
  let most = have;
  let received = false;
  let failures = 0;
  while (have < archive.bytes) {
    try {
      await downloadFrom(have, archive, path, reporter, patience);
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
      const now = await bytesToKeep(path, archive);
      // A server that always starts anew makes no progress unless it gets further than before.
      const further = now > most;
      most = Math.max(most, now);
      received ||= now !== have;
      failures = further ? 0 : failures + 1;
      // A server that never answered is given up at once, so that another source can be used.
      if (!received || failures >= tries) throw new UnreachableError(error.message);
      reporter.message(`the connection broke (${error.message}): trying again`);
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (failures + 1)));
    }
    have = await bytesToKeep(path, archive);
  }
}

/** One request: appends what comes to `path`. */
async function downloadFrom(
  have: number,
  archive: Archive,
  path: string,
  reporter: AcquireReporter,
  patience: DownloadPatience,
): Promise<void> {
  const { connectMs = 10_000, stallMs = 30_000 } = patience;
  const alarm = new Alarm();
  try {
    alarm.set(connectMs, `no answer within ${connectMs / 1000} s`);
    const response = await request(archive.url, have, alarm);
    const start = await startOfBody(response, have, archive, path);
    if (start === undefined) return;
    if (start < have) reporter.message("the server cannot resume a download: starting anew");
    alarm.set(stallMs, `no data for ${stallMs / 1000} s`);
    using target = await openAt(path, start);
    let done = start;
    reporter.progress("downloading", done, archive.bytes);
    for await (const chunk of bodyOf(response, alarm)) {
      if (done + chunk.length > archive.bytes) {
        await removeIfThere(path);
        throw tooLong(archive);
      }
      await written(path, writeAll(target, chunk));
      done += chunk.length;
      reporter.progress("downloading", done, archive.bytes);
      alarm.set(stallMs, `no data for ${stallMs / 1000} s`);
    }
    await written(path, target.sync());
    if (done < archive.bytes) throw new InterruptedError("the server ended too early");
  } finally {
    alarm.clear();
  }
}

async function request(url: string, have: number, alarm: Alarm): Promise<Response> {
  // Asks for the bytes as they are, so that lengths and ranges count the archive's own bytes.
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (have > 0) headers.range = `bytes=${have}-`;
  try {
    return await fetch(url, { headers, signal: alarm.signal });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      const { host } = new URL(url);
      throw new DataError(`Cannot download ${url}: this process may not connect to ${host}`, {
        hint: `run deno with --allow-net=${host}`,
        cause: error,
      });
    }
    throw new InterruptedError(alarm.reason ?? innermostMessage(error));
  }
}

/** Where the body of the answer begins in the file; undefined if the request must be made anew. */
async function startOfBody(
  response: Response,
  have: number,
  archive: Archive,
  path: string,
): Promise<number | undefined> {
  const { status, statusText, headers } = response;
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    const total = range?.[2] ?? "*";
    if (range && Number(range[1]) === have && (total === "*" || Number(total) === archive.bytes)) {
      return have;
    }
  } else if (status === 200) {
    const length = headers.get("content-length");
    if (length === null || Number(length) === archive.bytes) return 0;
    await response.body?.cancel();
    throw new UnreachableError(`it offers ${length} bytes where ${archive.bytes} are expected`);
  }
  await response.body?.cancel();
  // The server does not accept our range: what we have is not a part of what it offers.
  if (have > 0 && (status === 206 || status === 416)) {
    await removeIfThere(path);
    return undefined;
  }
  throw new UnreachableError(`it answers HTTP ${status} ${statusText}`.trimEnd());
}

async function* bodyOf(response: Response, alarm: Alarm): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw new InterruptedError(alarm.reason ?? innermostMessage(error));
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function openAt(path: string, start: number): Promise<Deno.FsFile> {
  const options = { create: true, write: true, truncate: start === 0 };
  const file = await written(path, Deno.open(path, options));
  await file.seek(start, Deno.SeekMode.Start);
  return file;
}

/** What writing to `path` results in; a refusal of the system becomes a `UserError`. */
async function written<T>(path: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw ioError("write", path, error);
  }
}

function tooLong(archive: Archive): DataError {
  return new DataError(
    `Cannot use ${archive.url} as it is too long: expected ${archive.bytes} bytes, found more`,
    { hint: "name another copy of the archive with --data-url" },
  );
}

function innermostMessage(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const message = inner instanceof Error ? inner.message : String(inner);
  return message.split("\n")[0].replace(/^error sending request for url \([^)]*\): /, "");
}

/** Aborts a request when it has been silent for too long. */
class Alarm {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  reason: string | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the time again. */
  set(ms: number, reason: string): void {
    this.clear();
    this.#timer = setTimeout(() => {
      this.reason = reason;
      this.#controller.abort();
    }, ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
