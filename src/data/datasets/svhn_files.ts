// The official files of SVHN's cropped digits, and the record files that they become.

import { join } from "node:path";
import { writeFileAtomic } from "../../util/atomic_file.ts";
import { DataError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import { type FetchOptions, lockFolder, partPath, removeParts } from "../acquire/data_folder.ts";
import { download, UnreachableError } from "../acquire/download.ts";
import { createReporter } from "../acquire/progress.ts";
import { fileBytes, fileExists, readRecordFile, type RecordFile } from "../acquire/record_files.ts";
import type { RecordPart } from "./record_store.ts";
import { convertSvhn, SVHN_RECORD_BYTES } from "./svhn_convert.ts";

/** The folder of the official files. */
export const SVHN_URL = "http://ufldl.stanford.edu/housenumbers/";

/** The official files: 73,257, 26,032 and 531,131 images. */
export const SVHN_FILES = {
  train: {
    name: "train_32x32.mat",
    bytes: 182_040_794,
    sha256: "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
  },
  test: {
    name: "test_32x32.mat",
    bytes: 64_275_384,
    sha256: "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
  },
  extra: {
    name: "extra_32x32.mat",
    bytes: 1_329_278_602,
    sha256: "a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3",
  },
} satisfies Record<string, RecordFile>;

/** What stands beside a converted file, as JSON. */
interface ConversionNote {
  /** Of the official file it was made from, in hex. */
  readonly sourceSha256: string;
  readonly records: number;
  /** Of the record file, in hex. */
  readonly sha256: string;
}

/**
 * Makes sure that the folder holds the record file of an official file, and returns it. An earlier
 * conversion is used; else the official file is taken from the folder, where it is left, or is
 * downloaded (an interrupted download goes on), verified, converted and removed. A second process
 * waits until the first is done.
 *
 * @param options url: of the folder of the official files
 * @throws {DataError} if the official file cannot be had, or is wrong
 * @throws {UserError} if the system refuses the folder or a file
 */
export async function ensureSvhnFile(
  source: RecordFile,
  options: FetchOptions,
): Promise<RecordPart> {
  const { dataDir } = options;
  const present = await converted(source, dataDir);
  if (present !== undefined) return present;
  using _lock = await lockFolder(dataDir);
  // Another process may have converted it while this one waited.
  const path = recordPath(source, dataDir);
  return await converted(source, dataDir) ?? await convert(source, path, options);
}

function recordPath({ name }: RecordFile, folder: string): string {
  return join(folder, name.replace(/\.mat$/, ".bin"));
}

function notePath({ name }: RecordFile, folder: string): string {
  return join(folder, name.replace(/\.mat$/, ".json"));
}

/** The record file, if it was converted before; whoever reads it verifies it. */
async function converted(source: RecordFile, folder: string): Promise<RecordPart | undefined> {
  const path = recordPath(source, folder);
  const note = await readNote(notePath(source, folder));
  if (note === undefined || note.sourceSha256 !== source.sha256) return undefined;
  if (await fileBytes(path) === undefined) return undefined;
  return { path, bytes: note.records * SVHN_RECORD_BYTES, sha256: note.sha256 };
}

/** A note that is missing or unreadable counts as none: the conversion is then made anew. */
async function readNote(path: string): Promise<ConversionNote | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw ioError("read", path, error);
  }
  try {
    const { sourceSha256, records, sha256 } = JSON.parse(text);
    const sound = typeof sourceSha256 === "string" && typeof sha256 === "string" &&
      Number.isSafeInteger(records);
    return sound ? { sourceSha256, records, sha256 } : undefined;
  } catch {
    return undefined;
  }
}

async function convert(
  source: RecordFile,
  path: string,
  options: FetchOptions,
): Promise<RecordPart> {
  const { dataDir, reporter = createReporter() } = options;
  const there = await fileExists(dataDir, source);
  if (there) await readRecordFile(dataDir, source);
  const matPath = there ? join(dataDir, source.name) : await fetchMat(source, options);
  reporter.message(`data: converting ${source.name} into ${path}`);
  const { records, sha256 } = await convertSvhn(matPath, path, reporter);
  const note: ConversionNote = { sourceSha256: source.sha256, records, sha256 };
  await writeFileAtomic(notePath(source, dataDir), JSON.stringify(note, null, 2) + "\n");
  if (!there) await removeParts(dataDir, source.name);
  return { path, bytes: records * SVHN_RECORD_BYTES, sha256 };
}

/** Downloads and verifies an official file; returns where it is. */
async function fetchMat(source: RecordFile, options: FetchOptions): Promise<string> {
  const { dataDir, url = SVHN_URL, reporter = createReporter(), patience } = options;
  const archive = { ...source, url: `${url.replace(/\/$/, "")}/${source.name}` };
  const path = partPath(dataDir, source.name, archive.url);
  reporter.message(`data: downloading ${archive.url} (${(source.bytes / 1e6).toFixed(0)} MB)`);
  try {
    await download(archive, path, reporter, patience);
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    throw new DataError(`Cannot reach ${archive.url}: ${error.message}`, {
      hint:
        `name another folder of the official files with --data-url, or put ${source.name} into ${dataDir}`,
      cause: error,
    });
  }
  return path;
}
