// A user's own images: a folder with a sub-folder of PNG and JPEG files for each class.

import { join } from "node:path";
import { ConfigError, DataError } from "../../util/errors.ts";
import { ioError } from "../../util/io_errors.ts";
import { formatCount, formatDuration } from "../../util/units.ts";
import { ImageStore, sharedLabels } from "../image_store.ts";
import { decodeFiles } from "../images/decode_pool.ts";
import type { Dataset, DatasetOptions, Split } from "./dataset.ts";
import { type CacheIndex, FolderCache } from "./folder_cache.ts";
import { type ImageFolder, readContents } from "./folder_content.ts";
import { countRepeated, reportDuplicates, reportOverlap } from "./folder_duplicates.ts";
import {
  checkSameClasses,
  findParts,
  type FolderParts,
  namesOf,
  scanClasses,
} from "./folder_scan.ts";

/**
 * Opens a folder of images: each sub-folder is a class, named and ordered by its name, and holds PNG
 * and JPEG files of any size, at any depth. Sub-folders `train` and `test` (or `val`, `validation`),
 * where both are there, are the parts; else there is a training part only.
 *
 * Each image is scaled until its shorter side fits `imageSize`, and the middle is taken. That happens
 * once: `cacheDir` keeps the result, known by the content of the files. Damaged images count against
 * the budget; files that are no images by name and content are left out.
 *
 * @throws {DataError} if the folder is not such a folder, a class is empty, or the classes of the
 *   parts differ
 * @throws {UserError} if the system refuses a file or folder
 */
export async function openFolder(options: DatasetOptions, path: string): Promise<Dataset> {
  const { reporter } = options;
  const cacheDir = join(options.cacheDir, "folder");
  const parts = await findParts(path);
  const train = await scanClasses(parts.train);
  const test = parts.test === undefined ? undefined : await scanClasses(parts.test);
  if (test !== undefined) checkSameClasses(train, test);
  await makeFolder(cacheDir);
  const folders: SplitFolders = {
    train: await readContents(train, cacheDir, reporter),
    test: test && await readContents(test, cacheDir, reporter),
  };
  const found = [folders.train, ...folders.test ? [folders.test] : []];
  found.forEach(checkEveryClass);
  reportLeftOut(parts, found, options);
  for (const folder of found) reportDuplicates(folder, reporter);
  if (folders.test !== undefined) reportOverlap(folders.train, folders.test, reporter);
  const images = found.reduce((sum, folder) => sum + folder.images.length, 0);
  return new FolderDataset(path, folders, {
    origin: `${path}, ${formatCount(images)} images known by their sha256`,
    cacheDir,
    options,
  });
}

/** The images of each part. */
interface SplitFolders {
  readonly train: ImageFolder;
  readonly test?: ImageFolder;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    throw ioError("create", path, error);
  }
}

function checkEveryClass({ path, classes, images }: ImageFolder): void {
  requireExamples(path, classes, images.map(({ label }) => label));
}

/** @throws {DataError} if a class has none */
function requireExamples(path: string, classes: readonly string[], labels: Iterable<number>): void {
  const counts = new Uint32Array(classes.length);
  for (const label of labels) counts[label]++;
  const empty = classes.filter((_, label) => counts[label] === 0);
  if (empty.length === 0) return;
  throw new DataError(
    `Cannot use ${path} as a folder of images: expected images in each class, found none in ${
      namesOf(empty)
    }`,
    { hint: "add PNG or JPEG files, or remove the sub-folder" },
  );
}

function reportLeftOut(
  { unused }: FolderParts,
  folders: readonly ImageFolder[],
  { reporter }: DatasetOptions,
): void {
  if (unused.length > 0) {
    reporter.message(`data: beside train and test, ${namesOf(unused)} is not used`);
  }
  const ignored = folders.flatMap((folder) => folder.ignored.map((file) => file.path));
  if (ignored.length > 0) {
    reporter.message(
      `data: ${formatCount(ignored.length)} files are no PNG or JPEG and ignored: ${
        namesOf(ignored)
      }`,
    );
  }
}

interface FolderDetails {
  readonly origin: string;
  readonly cacheDir: string;
  readonly options: DatasetOptions;
}

class FolderDataset implements Dataset {
  readonly name: string;
  readonly classes: readonly string[];
  readonly splits: readonly Split[];
  readonly origin: string;
  readonly #folders: SplitFolders;
  readonly #details: FolderDetails;
  /** Parts whose damaged images have been counted, so that opening one twice counts them once. */
  readonly #counted = new Set<Split>();

  constructor(path: string, folders: SplitFolders, details: FolderDetails) {
    this.name = `folder:${path}`;
    this.classes = folders.train.classes;
    this.splits = folders.test === undefined ? ["train"] : ["train", "test"];
    this.origin = details.origin;
    this.#folders = folders;
    this.#details = details;
  }

  async open(split: Split): Promise<ImageStore> {
    const { options, cacheDir } = this.#details;
    const folder = this.#folders[split];
    if (folder === undefined) {
      throw new ConfigError(`Cannot open the ${split} images of ${this.name} as it has none`, {
        hint: "give it sub-folders train and test",
      });
    }
    const start = performance.now();
    const [height, width] = options.imageSize;
    const cache = new FolderCache(cacheDir, folder, { height, width });
    const { index, store, decoded } = await this.#load(split, folder, cache);
    this.#counted.add(split);
    requireExamples(folder.path, this.classes, store.labels);
    const counts = [
      `${formatCount(store.count)} images in ${formatCount(this.classes.length)} classes`,
      ...count(index.damaged.length, "skipped"),
      ...count(countRepeated(folder), "more than once in their class"),
    ];
    const seconds = formatDuration((performance.now() - start) / 1000);
    const way = decoded ? `decoded in ${seconds}` : `from cache in ${seconds}`;
    options.reporter.message(`data: ${folder.path}: ${counts.join(", ")}, ${way}`);
    return store;
  }

  /** From the cache; where there is none, or a damaged one, it is made. */
  async #load(split: Split, folder: ImageFolder, cache: FolderCache): Promise<Loaded> {
    const ready = await this.#tryCache(split, folder, cache);
    if (ready !== undefined && !(ready instanceof DataError)) return ready;
    using _lock = await cache.lock();
    // Another process may have made it while this one waited.
    const made = await this.#tryCache(split, folder, cache);
    if (made instanceof DataError) {
      this.#details.options.reporter.message(`data: ${made.message}; decoding the images again`);
    } else if (made !== undefined) {
      return made;
    }
    const index = await cache.write(this.#decode(split, folder, cache));
    const store = await this.#openStore(folder, cache, index);
    return { index, store, decoded: true };
  }

  async #tryCache(
    split: Split,
    folder: ImageFolder,
    cache: FolderCache,
  ): Promise<Loaded | DataError | undefined> {
    let loaded: Loaded;
    try {
      const index = await cache.readIndex();
      if (index === undefined) return undefined;
      loaded = { index, store: await this.#openStore(folder, cache, index), decoded: false };
    } catch (error) {
      if (error instanceof DataError) return error;
      throw error;
    }
    const { damaged } = loaded.index;
    for (const { message, hint } of damaged) this.#skip(split, new DataError(message, { hint }));
    return loaded;
  }

  async *#decode(split: Split, folder: ImageFolder, { size }: FolderCache) {
    const { workers, reporter } = this.#details.options;
    const { images, path } = folder;
    const total = images.reduce((sum, image) => sum + image.bytes, 0);
    let done = 0;
    let number = 0;
    for await (const planes of decodeFiles(images.map((image) => image.path), { size, workers })) {
      const { label, bytes } = images[number++];
      if (planes instanceof DataError) this.#skip(split, planes);
      yield planes instanceof DataError ? planes : [label, planes] as const;
      done += bytes;
      if (total > 0) reporter.progress(`${path}: decoding`, done, total);
    }
  }

  #skip(split: Split, fault: DataError): void {
    if (!this.#counted.has(split)) this.#details.options.budget.skip(fault);
  }

  /** Verifies the records; they are held in memory where they fit. */
  async #openStore(
    folder: ImageFolder,
    cache: FolderCache,
    index: CacheIndex,
  ): Promise<ImageStore> {
    const { records } = index;
    const damaged = new Set(index.damaged.map((image) => image.index));
    const labels = folder.images.map(({ label }) => label).filter((_, i) => !damaged.has(i));
    if (labels.length !== records) {
      throw new DataError(
        `Cannot use ${cache.path}: expected ${labels.length} records, found ${records}`,
      );
    }
    const { recordBytes, labelBytes, size } = cache;
    const layout = {
      format: { ...size, channels: 3, order: "CHW" },
      recordBytes,
      pixelOffset: labelBytes,
      labels: sharedLabels(labels),
    } as const;
    if (records * recordBytes > this.#details.options.memoryLimit) {
      await cache.readRecords(index);
      const files = [{ path: cache.path, headerBytes: 0, records }];
      return new ImageStore({ ...layout, source: { kind: "files", files } });
    }
    const bytes = new SharedArrayBuffer(records * recordBytes);
    await cache.readRecords(index, new Uint8Array(bytes));
    return new ImageStore({ ...layout, source: { kind: "memory", bytes } });
  }
}

function count(number: number, what: string): string[] {
  return number === 0 ? [] : [`${formatCount(number)} ${what}`];
}

interface Loaded {
  readonly index: CacheIndex;
  readonly store: ImageStore;
  readonly decoded: boolean;
}
