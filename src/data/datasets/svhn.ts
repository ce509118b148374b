// SVHN, cropped digits (Netzer et al., "Reading digits in natural images with unsupervised feature
// learning", 2011).

import { ConfigError } from "../../util/errors.ts";
import type { FetchOptions } from "../acquire/data_folder.ts";
import type { RecordFile } from "../acquire/record_files.ts";
import type { Dataset, DatasetOptions } from "./dataset.ts";
import { recordDataset } from "./record_dataset.ts";
import type { RecordLayout } from "./record_store.ts";
import { SVHN_RECORD_BYTES } from "./svhn_convert.ts";
import { ensureSvhnFile, SVHN_FILES, SVHN_URL } from "./svhn_files.ts";

/** The classes: the digits, in the order of their labels. */
export const SVHN_CLASSES: readonly string[] = [..."0123456789"];

const LAYOUT: RecordLayout = {
  format: { height: 32, width: 32, channels: 3, order: "CHW" },
  recordBytes: SVHN_RECORD_BYTES,
  labelOffset: 0,
  labelBytes: 1,
  pixelOffset: 1,
};

/** Which images to use, and other files for tests. */
export interface SvhnOptions {
  /** Adds the 531,131 easier images of `extra` to the training images. Default `false`. */
  readonly extra?: boolean;
  readonly files?: Readonly<Record<"train" | "test" | "extra", RecordFile>>;
  readonly patience?: FetchOptions["patience"];
}

/**
 * SVHN: 73,257 training and 26,032 test images of digits. Files that are missing are fetched and
 * converted, once, into records; those are verified by SHA-256 as they are read.
 * `dataUrl` names the folder that holds the official files.
 *
 * @throws {DataError} if a file cannot be had, or is wrong
 * @throws {ConfigError} if the URL is none, or neither http nor https
 * @throws {UserError} if the system refuses the folder or a file
 */
export async function openSvhn(
  options: DatasetOptions,
  { extra = false, files = SVHN_FILES, patience }: SvhnOptions = {},
): Promise<Dataset> {
  const { dataDir, reporter } = options;
  const fetching = { dataDir, reporter, patience, url: folderUrl(options.dataUrl) };
  const train = [await ensureSvhnFile(files.train, fetching)];
  if (extra) train.push(await ensureSvhnFile(files.extra, fetching));
  const test = [await ensureSvhnFile(files.test, fetching)];
  return recordDataset({
    name: extra ? "svhn:extra" : "svhn",
    classes: SVHN_CLASSES,
    origin: `${dataDir} (converted from the official files), every file verified by sha256`,
    layout: LAYOUT,
    parts: { train, test },
    hint: "delete it and start again: it is then made anew from the official file",
  }, options);
}

function folderUrl(url: string = SVHN_URL): string {
  const protocol = URL.parse(url)?.protocol;
  if (protocol === "https:" || protocol === "http:") return url;
  throw new ConfigError(`Cannot download ${url}: expected a URL of https or http`, {
    hint: `write --data-url as the folder of the official files: ${SVHN_URL}`,
  });
}
