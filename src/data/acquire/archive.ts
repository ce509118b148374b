// Puts the files of an official archive into the data folder.

import { join } from "node:path";
import { DataError } from "../../util/errors.ts";
import {
  absentFiles,
  type FetchOptions,
  lockFolder,
  missingFiles,
  partPath,
  removeParts,
  withUrl,
} from "./data_folder.ts";
import { type Archive, download, UnreachableError } from "./download.ts";
import { type AcquireReporter, createReporter } from "./progress.ts";
import { PARTIAL_SUFFIX, type RecordFile, removeIfThere } from "./record_files.ts";
import { type ArchiveLayout, unpackRecordFiles } from "./tar.ts";

/** An official archive and what it holds. */
export interface ArchiveSource {
  /** Its file name: `cifar-10-binary.tar.gz`. */
  readonly name: string;
  readonly archive: Archive;
  readonly layout: ArchiveLayout;
}

/** Which source files came from. */
export type FileOrigin = "present" | "archive" | "fallback";

/** Another way to the same files. */
export interface Fallback {
  /** Use it at once, without a try of the archive. */
  readonly only: boolean;
  /** What it is, for messages. */
  readonly name: string;
  take(missing: readonly RecordFile[], reporter: AcquireReporter): Promise<void>;
}

/** How the files of an archive are had. */
export interface EnsureOptions extends FetchOptions {
  /** Where the archive cannot be reached; never in place of a `url` that was asked for. */
  readonly fallback?: Fallback;
  /** What to do where the archive cannot be reached and nothing else is tried. */
  readonly unreachableHint: string;
  /** `false`: if all files are there, whoever reads them verifies them. Default `true`. */
  readonly verify?: boolean;
}

/**
 * Makes sure that the data folder holds the files of an archive. Files that are there are verified
 * and used. Else the archive is downloaded (an interrupted download goes on). Every file is verified
 * by SHA-256 under a temporary name before it gets its own; so an interruption at any moment leaves
 * nothing half-written. A second process waits until the first is done.
 *
 * @throws {DataError} if a file that is there is wrong, or no source gives the right files
 * @throws {ConfigError} if the URL is none, or neither http nor https
 * @throws {UserError} if the system refuses the folder or a file
 */
export async function ensureArchive(
  source: ArchiveSource,
  options: EnsureOptions,
): Promise<FileOrigin> {
  const { dataDir, url, verify = true } = options;
  const { files } = source.layout;
  const archive = withUrl(source.archive, source.name, url);
  const find = verify ? missingFiles : absentFiles;
  if ((await find(dataDir, files)).length === 0) return "present";
  using _lock = await lockFolder(dataDir);
  // Another process may have brought them while this one waited.
  const missing = await missingFiles(dataDir, files);
  if (missing.length === 0) return "present";
  return await acquire({ ...source, archive }, options, missing);
}

async function acquire(
  source: ArchiveSource,
  options: EnsureOptions,
  missing: readonly RecordFile[],
): Promise<FileOrigin> {
  const { dataDir, url, reporter = createReporter(), fallback, unreachableHint } = options;
  const { name, archive, layout: { files } } = source;
  for (const file of files) await removeIfThere(join(dataDir, file.name + PARTIAL_SUFFIX));
  reporter.message(`data: ${missing.length} of ${files.length} files are missing in ${dataDir}`);
  if (!fallback?.only) {
    try {
      await takeFromArchive(source, options, missing, reporter);
      return "archive";
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      const reason = `Cannot reach ${archive.url}: ${error.message}`;
      if (url !== undefined || fallback === undefined) {
        throw new DataError(reason, { hint: unreachableHint, cause: error });
      }
      reporter.message(`data: ${reason}`);
    }
  }
  reporter.message(`data: taking the ${fallback.name}`);
  await fallback.take(missing, reporter);
  await removeParts(dataDir, name);
  reporter.message(`data: ${missing.length} files written and verified by sha256`);
  return "fallback";
}

async function takeFromArchive(
  { name, archive, layout }: ArchiveSource,
  { dataDir, patience }: EnsureOptions,
  missing: readonly RecordFile[],
  reporter: AcquireReporter,
): Promise<void> {
  const path = partPath(dataDir, name, archive.url);
  reporter.message(`data: downloading ${archive.url} (${(archive.bytes / 1e6).toFixed(0)} MB)`);
  await download(archive, path, reporter, patience);
  await unpackRecordFiles(path, dataDir, layout, missing, reporter);
  await removeParts(dataDir, name);
  reporter.message(`data: ${missing.length} files written and verified by sha256`);
}
