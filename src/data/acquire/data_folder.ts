// The folder that data sets are put into: one process at a time, and no half-written files.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { ConfigError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import type { Archive, DownloadPatience } from "./download.ts";
import type { AcquireReporter } from "./progress.ts";
import { fileExists, readRecordFile, type RecordFile, removeIfThere } from "./record_files.ts";

/** Where to put files and where to take them from. */
export interface FetchOptions {
  /** The data folder; made if missing. */
  readonly dataDir: string;
  /** Another copy of the official archive, by http or https; then no other source is tried. */
  readonly url?: string;
  /** Default: a bar on a terminal, plain lines elsewhere, on the error stream. */
  readonly reporter?: AcquireReporter;
  readonly patience?: DownloadPatience;
}

const LOCK_NAME = ".acquire.lock";

/**
 * Makes the folder if need be, and waits until no other process puts files into it; the lock is
 * given up when the result is disposed of.
 *
 * @throws {UserError} if the system refuses the folder
 */
export async function lockFolder(folder: string): Promise<Disposable> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (error) {
    throw ioError("create", folder, error);
  }
  // Stays in the folder: removed, it would let one process lock the old file and one a new file.
  return await lockFile(join(folder, LOCK_NAME));
}

/** Waits until no other process holds the lock on a file; disposing lets the next one in. */
export async function lockFile(path: string): Promise<Disposable> {
  let file: Deno.FsFile | undefined;
  try {
    file = await Deno.open(path, { create: true, write: true });
    await file.lock(true);
    return file;
  } catch (error) {
    file?.close();
    throw ioError("lock", path, error);
  }
}

/** The files that are not in the folder. */
export async function absentFiles(
  folder: string,
  files: readonly RecordFile[],
): Promise<RecordFile[]> {
  const absent: RecordFile[] = [];
  for (const file of files) {
    if (!await fileExists(folder, file)) absent.push(file);
  }
  return absent;
}

/** The files that are not in the folder, once those that are there have been verified. */
export async function missingFiles(
  folder: string,
  files: readonly RecordFile[],
): Promise<RecordFile[]> {
  const absent = await absentFiles(folder, files);
  for (const file of files) {
    if (!absent.includes(file)) await readRecordFile(folder, file);
  }
  return absent;
}

/**
 * The same file at another URL.
 *
 * @param url undefined: at its own
 * @throws {ConfigError} if it is none, or neither http nor https
 */
export function withUrl(archive: Archive, name: string, url: string | undefined): Archive {
  if (url === undefined) return archive;
  const parsed = URL.parse(url);
  if (parsed?.protocol === "https:" || parsed?.protocol === "http:") return { ...archive, url };
  throw new ConfigError(`Cannot download ${url}: expected a URL of https or http`, {
    hint: `write --data-url as https://…/${name}`,
  });
}

/**
 * Where a download goes until it is done; each URL has its own, so that none goes on with another's.
 *
 * @param name of the file that is downloaded
 */
export function partPath(folder: string, name: string, url: string): string {
  const mark = createHash("sha256").update(url).digest("hex").slice(0, 8);
  return join(folder, `${name}.${mark}.part`);
}

/** Removes the unfinished downloads of a file, of all URLs. */
export async function removeParts(folder: string, name: string): Promise<void> {
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (isPart(entry.name, name)) await removeIfThere(join(folder, entry.name));
    }
  } catch (error) {
    throw ioError("read", folder, error);
  }
}

function isPart(entry: string, name: string): boolean {
  return entry.startsWith(`${name}.`) &&
    /^\.([0-9a-f]{8}\.)?part$/.test(entry.slice(name.length));
}
